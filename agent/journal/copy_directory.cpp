#include "agent/journal/copy_directory.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::journal {

namespace {

namespace fs = std::filesystem;

/// Older than any run takes.
constexpr std::chrono::hours left_behind{1};

void remove_leftovers(const fs::path& journal, const std::string& prefix) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(journal.parent_path(), error)) {
        const bool old = entry.path().filename().string().starts_with(prefix) &&
                         fs::last_write_time(entry.path(), error) <
                             fs::file_time_type::clock::now() - left_behind;
        if (old && !error) {
            fs::remove_all(entry.path(), error);
        }
    }
}

}  // namespace

CopyDirectory::CopyDirectory(const fs::path& journal) {
    const auto prefix = fmt::format(".{}.tapline-copy-", journal.filename().string());
    remove_leftovers(journal, prefix);
    std::string pattern = (journal.parent_path() / (prefix + "XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) {
        pattern = (fs::temp_directory_path() / (prefix + "XXXXXX")).string();
        if (::mkdtemp(pattern.data()) == nullptr) {
            throw Error(
                ErrorKind::refused,
                "cannot_open",
                fmt::format("{}: {}", pattern, std::strerror(errno)),
                "The journal's directory must be writable for its owner."
            );
        }
    }
    path_ = pattern;
}

CopyDirectory::~CopyDirectory() {
    std::error_code ignored;
    if (!kept_) {
        fs::remove_all(path_, ignored);
    }
}

void CopyDirectory::keep_as(fs::path name) noexcept {
    path_ = std::move(name);
    kept_ = true;
}

}  // namespace tapline::journal
