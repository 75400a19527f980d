#include "agent/journal/mount.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <sstream>

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <fmt/format.h>

namespace tapline::journal {

namespace {

constexpr std::array<std::string_view, 3> stopped{"ro", "emergency_ro", "shutdown"};

bool has_stopped(const std::string& options) {
    std::istringstream words(options);
    for (std::string word; std::getline(words, word, ',');) {
        if (std::find(stopped.begin(), stopped.end(), word) != stopped.end()) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool says_read_only(std::string_view mountinfo, std::string_view device) {
    std::istringstream lines{std::string(mountinfo)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string number;
        std::string parent;
        std::string found;
        words >> number >> parent >> found;
        const auto last = line.rfind(' ');
        if (found == device && last != std::string::npos && has_stopped(line.substr(last + 1))) {
            return true;
        }
    }
    return false;
}

bool is_read_only(const std::filesystem::path& directory) {
    struct statvfs system {};

    struct stat status {};

    if (::statvfs(directory.c_str(), &system) == 0 && (system.f_flag & ST_RDONLY) != 0) {
        return true;
    }
    if (::stat(directory.c_str(), &status) != 0) {
        return false;
    }
    std::ifstream file("/proc/self/mountinfo");
    const std::string mountinfo{std::istreambuf_iterator<char>(file), {}};
    return says_read_only(
        mountinfo, fmt::format("{}:{}", major(status.st_dev), minor(status.st_dev))
    );
}

Error read_only_error(const std::string& what, std::string_view why) {
    return {
        ErrorKind::storage,
        "read_only",
        fmt::format("{}: {}", what, why),
        "Linux does that when a card fails: see dmesg. Copy the journal with its -wal, then start "
        "the machine anew; if it happens again, change the card."};
}

}  // namespace tapline::journal
