#include "common/revision/directory.hpp"

#include <algorithm>
#include <cerrno>
#include <future>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::revision {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const fs::path& path, const std::string& reason) {
    throw Error(
        ErrorKind::usage,
        "revision_directory",
        fmt::format("revision files can't be read from {}: {}", path.string(), reason),
        "check the path and its permissions; the directory holds <id>_<words>.sql files"
    );
}

/// Names of the revision files, in order. Not paths: those compare part by part, which shows with
/// a thousand files.
std::vector<std::string> list(const fs::path& directory) {
    std::vector<std::string> names;
    std::error_code error;
    fs::directory_iterator entries(directory, error);
    while (!error && entries != fs::directory_iterator()) {
        std::string name = entries->path().filename().string();
        if (!name.starts_with('.') && name.ends_with(".sql") && entries->is_regular_file(error)) {
            names.push_back(std::move(name));
        }
        if (names.size() > max_files) {
            fail(directory, fmt::format("more than {} files", max_files));
        }
        if (!error) {
            entries.increment(error);
        }
    }
    if (error) {
        fail(directory, error.message());
    }
    std::sort(names.begin(), names.end());
    return names;
}

/// A directory or file, closed at the end of its scope.
class Descriptor {
  public:
    Descriptor(int directory, const char* name, int flags)
        : fd_(openat(directory, name, flags | O_RDONLY | O_CLOEXEC)) {}

    ~Descriptor() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int get() const noexcept { return fd_; }

  private:
    int fd_;
};

[[noreturn]] void fail_errno(const fs::path& path) {
    fail(path, std::generic_category().message(errno));
}

/// From the opened directory: a thousand walks down the same path show.
std::string read(int directory, const fs::path& path, const std::string& name) {
    const Descriptor file(directory, name.c_str(), 0);

    struct stat facts {};

    if (file.get() < 0 || fstat(file.get(), &facts) != 0) {
        fail_errno(path / name);
    }
    const auto size = static_cast<std::size_t>(facts.st_size);
    if (size > max_file_bytes) {
        fail(path / name, fmt::format("{} bytes, at most {} are read", size, max_file_bytes));
    }
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t got = ::read(file.get(), bytes.data() + done, size - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            fail_errno(path / name);
        }
        if (got == 0) {
            fail(path / name, "it became shorter while it was read");
        }
        done += static_cast<std::size_t>(got);
    }
    return bytes;
}

}  // namespace

std::vector<SourceFile> read_directory(const std::filesystem::path& directory) {
    const Descriptor opened(AT_FDCWD, directory.c_str(), O_DIRECTORY);
    if (opened.get() < 0) {
        fail_errno(directory);
    }
    std::vector<SourceFile> files;
    for (std::string& name : list(directory)) {
        std::string bytes = read(opened.get(), directory, name);
        files.push_back({std::move(name), std::move(bytes)});
    }
    return files;
}

std::vector<SourceFile> from_embedded(std::span<const EmbeddedFile> files) {
    std::vector<SourceFile> result;
    for (const EmbeddedFile& file : files) {
        result.push_back({std::string(file.name), std::string(file.body)});
    }
    return result;
}

namespace {

constexpr std::size_t worth_a_thread = 200;  // files

std::vector<Revision> parse_some(std::span<const SourceFile> files, Dialect dialect) {
    std::vector<Revision> revisions;
    revisions.reserve(files.size());
    for (const SourceFile& file : files) {
        revisions.push_back(parse(file, dialect));
    }
    return revisions;
}

}  // namespace

Lineage load(const std::vector<SourceFile>& files, Dialect dialect, const IdSet& elsewhere) {
    const std::span<const SourceFile> all(files);
    if (all.size() < worth_a_thread) {
        return Lineage(parse_some(all, dialect), elsewhere);
    }
    const std::size_t half = all.size() / 2;
    auto second = std::async(std::launch::async, parse_some, all.subspan(half), dialect);
    // Throws first when both would: the error names the first bad file.
    std::vector<Revision> revisions = parse_some(all.first(half), dialect);
    revisions.reserve(all.size());
    std::ranges::move(second.get(), std::back_inserter(revisions));
    return Lineage(std::move(revisions), elsewhere);
}

}  // namespace tapline::revision
