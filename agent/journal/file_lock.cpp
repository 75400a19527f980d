#include "agent/journal/file_lock.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "agent/journal/mount.hpp"
#include "common/error.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view unknown_holder = "?";

std::string holder(int descriptor) {
    std::array<char, 32> text{};
    const auto length = ::pread(descriptor, text.data(), text.size() - 1, 0);
    return length > 0 ? std::string(text.data(), static_cast<std::size_t>(length))
                      : std::string(unknown_holder);
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& journal) {
    const std::string path = journal.string() + ".tapline.lock";

    struct stat status {};

    const bool exists = ::stat(journal.c_str(), &status) == 0;
    if (exists && status.st_nlink > 1) {
        throw Error(
            ErrorKind::refused,
            "hard_linked",
            fmt::format("{} has {} names (hard links)", journal.string(), status.st_nlink),
            "SQLite keeps a -wal per name, and pours under the other name would be lost: find it "
            "with find -samefile, let nobody write, and leave one name."
        );
    }
    const mode_t mode = exists ? (status.st_mode & 0666U) : 0644U;
    descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
    if (descriptor_ < 0) {
        if (errno == EROFS) {
            throw read_only_error(path, std::strerror(EROFS));
        }
        throw Error(
            ErrorKind::refused,
            "cannot_open",
            fmt::format("{}: {}", path, std::strerror(errno)),
            errno == ELOOP ? "Somebody put a symbolic link there: look where it leads, remove it."
                           : "The directory must be writable for the journal's owner."
        );
    }
    // The umask took bits away. Fails only for a lock that somebody else made, which then works as
    // it is.
    [[maybe_unused]] const int widened = ::fchmod(descriptor_, mode);
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        const auto pid = holder(descriptor_);
        ::close(descriptor_);
        throw Error(
            ErrorKind::refused,
            "locked",
            fmt::format("{} is in use by another tapline-agent, process {}", journal.string(), pid),
            "One agent per journal: stop the service first, e.g. systemctl stop tapline-agent."
        );
    }
    left_behind_ = holder(descriptor_) != unknown_holder;
    const auto pid = fmt::format("{}", ::getpid());
    // For the message of the next one who comes, and for left_behind(); the lock doesn't depend on
    // it. On the disk at once: a power cut is what the mark is for.
    if (::ftruncate(descriptor_, 0) == 0) {
        [[maybe_unused]] const auto written = ::pwrite(descriptor_, pid.data(), pid.size(), 0);
        [[maybe_unused]] const auto synced = ::fdatasync(descriptor_);
    }
}

FileLock::~FileLock() {
    if (!keep_mark_) {
        [[maybe_unused]] const auto emptied = ::ftruncate(descriptor_, 0);
    }
    ::close(descriptor_);
}

}  // namespace tapline::journal
