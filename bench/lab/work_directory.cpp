#include "bench/lab/work_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::bench {

namespace fs = std::filesystem;

WorkDirectory::WorkDirectory(const fs::path& parent, bool keep) : keep_(keep) {
    std::string pattern = (parent / "tapline-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) {
        throw Error(
            ErrorKind::storage,
            "work_directory",
            fmt::format("can't make a directory in {}: {}", parent.string(), std::strerror(errno)),
            "name another one with --work-in"
        );
    }
    path_ = pattern;
    fs::permissions(path_, static_cast<fs::perms>(0755));
}

WorkDirectory::~WorkDirectory() {
    if (keep_) {
        fmt::print(stderr, "kept: {}\n", path_.string());
        return;
    }
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

}  // namespace tapline::bench
