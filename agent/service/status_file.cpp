#include "agent/service/status_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace tapline::service {

namespace {

constexpr std::size_t max_files = 64;
constexpr std::size_t max_bytes = std::size_t{1024} * 1024;

int open_locked(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (descriptor >= 0 && ::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
        ::close(descriptor);
        errno = EBUSY;
        return -1;
    }
    return descriptor;
}

std::optional<FoundStatus> read_one(const std::filesystem::path& file) {
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (descriptor < 0) {
        return std::nullopt;
    }
    FoundStatus found;
    found.alive = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0;
    std::array<char, 4096> chunk{};
    ssize_t bytes = 0;
    while (found.text.size() < max_bytes &&
           (bytes = ::read(descriptor, chunk.data(), chunk.size())) > 0) {
        found.text.append(chunk.data(), static_cast<std::size_t>(bytes));
    }
    ::close(descriptor);
    return found;
}

}  // namespace

std::vector<std::filesystem::path> runtime_directories(const Environment& environment) {
    std::vector<std::filesystem::path> found;
    if (const auto given = environment("RUNTIME_DIRECTORY")) {
        found.emplace_back(given->substr(0, given->find(':')));
    }
    found.emplace_back("/run/tapline");
    if (const auto session = environment("XDG_RUNTIME_DIR")) {
        found.push_back(std::filesystem::path(*session) / "tapline");
    }
    found.emplace_back(fmt::format("/dev/shm/tapline-{}", ::geteuid()));
    return found;
}

bool usable_runtime_directory(const std::filesystem::path& directory) {
    ::mkdir(directory.c_str(), 0755);

    struct stat status {};

    if (::lstat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        return false;
    }
    return status.st_uid == ::geteuid() && ::access(directory.c_str(), W_OK) == 0;
}

std::optional<StatusFile> StatusFile::open(
    const std::string& path, const std::string& name, const Environment& environment
) {
    std::vector<std::filesystem::path> candidates;
    if (!path.empty()) {
        candidates.emplace_back(path);
    } else {
        for (const auto& directory : runtime_directories(environment)) {
            if (usable_runtime_directory(directory)) {
                candidates.push_back(directory / fmt::format("agent-{}.json", name));
            }
        }
    }
    std::error_code why = std::make_error_code(std::errc::no_such_file_or_directory);
    for (const auto& file : candidates) {
        const int descriptor = open_locked(file);
        if (descriptor >= 0) {
            return StatusFile(descriptor);
        }
        why = std::error_code(errno, std::generic_category());
    }
    spdlog::warn(
        "no status file ({}): `tapline-agent status` can't see this process", why.message()
    );
    return std::nullopt;
}

StatusFile::StatusFile(StatusFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

StatusFile::~StatusFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

/// In place: after root became the journal's owner a new file couldn't be made any more.
void StatusFile::write(const std::string& text) const {
    const auto written = ::pwrite(descriptor_, text.data(), text.size(), 0);
    if (written != static_cast<ssize_t>(text.size()) || ::ftruncate(descriptor_, written) != 0) {
        spdlog::debug("the status file can't be written");
    }
}

std::vector<FoundStatus> find_status_files(
    const std::string& path, const Environment& environment
) {
    std::vector<std::filesystem::path> files;
    if (!path.empty()) {
        files.emplace_back(path);
    } else {
        for (const auto& directory : runtime_directories(environment)) {
            std::error_code unreadable;
            for (const auto& entry : std::filesystem::directory_iterator(directory, unreadable)) {
                const std::string name = entry.path().filename().string();
                if (name.starts_with("agent-") && name.ends_with(".json")) {
                    files.push_back(entry.path());
                }
            }
        }
    }
    std::vector<FoundStatus> found;
    for (const auto& file : files) {
        auto status = read_one(file);
        if (status && found.size() < max_files) {
            found.push_back(std::move(*status));
        }
    }
    return found;
}

}  // namespace tapline::service
