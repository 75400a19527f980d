#include "agent/doctor/look.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <fmt/format.h>

#include "common/log.hpp"

namespace fs = std::filesystem;

namespace tapline::doctor {

namespace {

constexpr std::size_t max_bytes = std::size_t{64} * 1024;
constexpr std::size_t max_entries = 64;
constexpr std::size_t max_processes = 4'096;
constexpr std::size_t max_descriptors = 1'024;  ///< of one process

std::optional<std::int64_t> process_number(const fs::path& entry) {
    const auto name = entry.filename().string();
    std::int64_t pid = 0;
    const auto end = std::from_chars(name.data(), name.data() + name.size(), pid);
    return end.ptr == name.data() + name.size() ? std::optional(pid) : std::nullopt;
}

bool holds_another(const fs::path& process, const fs::path& file, ino_t inode) {
    std::error_code unreadable;
    std::size_t seen = 0;
    for (const auto& entry : fs::directory_iterator(process / "fd", unreadable)) {
        const auto target = fs::read_symlink(entry.path(), unreadable).string();
        if (target == file.string() + " (deleted)") {
            return true;
        }

        struct stat open {};

        if (target == file.string() && ::stat(entry.path().c_str(), &open) == 0 &&
            open.st_ino != inode) {
            return true;
        }
        if (++seen == max_descriptors) {
            break;
        }
    }
    return false;
}

}  // namespace

fs::path Look::at(const std::string& path) const {
    return root_ / fs::path(path).relative_path();
}

bool Look::exists(const std::string& path) const {
    std::error_code unreadable;
    return fs::exists(at(path), unreadable);
}

std::optional<std::string> Look::text(const std::string& path) const {
    std::ifstream file(at(path), std::ios::binary);
    if (!file) {
        return std::nullopt;
    }
    std::string text(max_bytes, '\0');
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(file.gcount()));
    return text;
}

std::optional<std::int64_t> Look::number(const std::string& path) const {
    const auto found = text(path);
    if (!found) {
        return std::nullopt;
    }
    char* end = nullptr;
    const auto value = std::strtoll(found->c_str(), &end, 0);
    return end == found->c_str() ? std::nullopt : std::optional<std::int64_t>(value);
}

std::vector<fs::path> Look::each(const std::string& directory, const std::string& file) const {
    std::vector<fs::path> found;
    std::error_code absent;
    for (const auto& entry : fs::directory_iterator(at(directory), absent)) {
        if (fs::exists(entry.path() / file, absent) && found.size() < max_entries) {
            found.push_back(fs::path(directory) / entry.path().filename());
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::vector<FileLockSeen> Look::locks(const struct stat& file) const {
    const auto device =
        fmt::format("{:02x}:{:02x}:{}", ::major(file.st_dev), ::minor(file.st_dev), file.st_ino);
    const auto inode = fmt::format(":{}", file.st_ino);
    std::vector<FileLockSeen> found;
    std::istringstream lines(text("/proc/locks").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string number;
        std::string kind;
        std::string mode;
        std::string access;
        std::string name;
        FileLockSeen lock;
        words >> number >> kind >> mode >> access >> lock.pid >> name >> lock.first >> lock.last;
        const bool same_file =
            name == device || (name.ends_with(inode) && has_open(lock.pid, file));
        if (words && kind == "POSIX" && same_file) {
            found.push_back(lock);
        }
    }
    return found;
}

bool Look::has_open(std::int64_t pid, const struct stat& file) const {
    std::error_code unreadable;
    std::size_t seen = 0;
    for (const auto& entry :
         fs::directory_iterator(at(fmt::format("/proc/{}/fd", pid)), unreadable)) {
        struct stat open {};

        if (::stat(entry.path().c_str(), &open) == 0 && open.st_ino == file.st_ino &&
            open.st_dev == file.st_dev) {
            return true;
        }
        if (++seen == max_descriptors) {
            break;
        }
    }
    return false;
}

std::vector<std::int64_t> Look::processes() const {
    std::vector<std::int64_t> found;
    std::error_code unreadable;
    for (const auto& entry : fs::directory_iterator(at("/proc"), unreadable)) {
        const auto pid = process_number(entry.path());
        if (pid && found.size() < max_processes) {
            found.push_back(*pid);
        }
    }
    std::sort(found.begin(), found.end());
    return found;
}

std::string Look::process(std::int64_t pid) const {
    const auto command = text(fmt::format("/proc/{}/cmdline", pid)).value_or("");
    const auto first_end = std::min(command.find('\0'), command.size());
    std::string shown = command.substr(0, first_end);
    if (first_end < command.size()) {
        // "python3 /opt/tap/main.py": the script says more than its interpreter.
        const auto second =
            command.substr(first_end + 1, command.find('\0', first_end + 1) - first_end - 1);
        shown += second.starts_with('/') ? " " + second : "";
    }
    return shown.empty() ? fmt::format("process {}", pid)
                         : fmt::format("process {} ({})", pid, printable(shown, 160));
}

std::vector<std::int64_t> Look::holders_of_another(const fs::path& file) const {
    struct stat now {};

    const ino_t inode = ::stat(file.c_str(), &now) == 0 ? now.st_ino : 0;
    std::vector<std::int64_t> found;
    for (const auto pid : processes()) {
        if (holds_another(at(fmt::format("/proc/{}", pid)), file, inode)) {
            found.push_back(pid);
        }
    }
    return found;
}

}  // namespace tapline::doctor
