#include "agent/journal/stable_copy.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::journal {

namespace {

namespace fs = std::filesystem;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::array<const char*, 3> suffixes{"", "-wal", "-journal"};
constexpr int free_attempts = 10;
constexpr int locked_attempts = 3;
constexpr std::chrono::milliseconds pause_between_attempts{40};
/// The tap's program waits 5 s for its lock.
constexpr std::chrono::milliseconds max_locked_time{1500};
constexpr std::chrono::seconds max_wait_for_lock{10};
constexpr std::chrono::microseconds wait_slice{50'000};
constexpr std::size_t block_bytes = 1U << 18U;
constexpr const char* copy_name = "journal.db";

// Byte ranges that SQLite locks, from its os.h and wal.c.
constexpr off_t shared_first = 0x40000002;
constexpr off_t shared_size = 510;
constexpr off_t wal_write_lock = 120;

enum class Outcome : int { copied = 0, unstable = 1, io_error = 2, disk_full = 3 };

class Descriptor {
  public:
    Descriptor(const std::string& path, int flags)
        : value_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}

    ~Descriptor() {
        if (value_ >= 0) {
            ::close(value_);
        }
    }

    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    [[nodiscard]] int get() const noexcept { return value_; }

    [[nodiscard]] bool is_open() const noexcept { return value_ >= 0; }

  private:
    int value_;
};

struct FileState {
    bool exists = false;
    ino_t inode = 0;
    off_t size = 0;
    timespec changed{};
};

FileState state_of(const std::string& path) {
    struct stat status {};

    if (::stat(path.c_str(), &status) != 0) {
        return {};
    }
    return {true, status.st_ino, status.st_size, status.st_mtim};
}

bool untouched(const FileState& before, const FileState& after) {
    return before.exists == after.exists && before.inode == after.inode &&
           before.size == after.size && before.changed.tv_sec == after.changed.tv_sec &&
           before.changed.tv_nsec == after.changed.tv_nsec;
}

/// Writes (compare = false) or compares the first `size` bytes.
Outcome walk(
    const std::string& from,
    const std::string& to,
    off_t size,
    bool compare,
    const std::optional<SteadyTime>& deadline
) {
    const Descriptor source(from, O_RDONLY);
    const Descriptor target(to, compare ? O_RDONLY : (O_WRONLY | O_CREAT | O_TRUNC));
    if (!source.is_open() || !target.is_open()) {
        return errno == ENOENT   ? Outcome::unstable
               : errno == ENOSPC ? Outcome::disk_full
                                 : Outcome::io_error;
    }
    std::vector<char> block(block_bytes);
    std::vector<char> other(block_bytes);
    for (off_t at = 0; at < size;) {
        if (deadline && std::chrono::steady_clock::now() > *deadline) {
            return Outcome::unstable;
        }
        const auto want =
            static_cast<std::size_t>(std::min<off_t>(size - at, static_cast<off_t>(block.size())));
        const auto got = ::pread(source.get(), block.data(), want, at);
        if (got <= 0) {
            return got == 0 ? Outcome::unstable : Outcome::io_error;
        }
        const auto bytes = static_cast<std::size_t>(got);
        if (compare) {
            const auto same = ::pread(target.get(), other.data(), bytes, at) == got &&
                              std::memcmp(block.data(), other.data(), bytes) == 0;
            if (!same) {
                return Outcome::unstable;
            }
        } else if (::pwrite(target.get(), block.data(), bytes, at) != got) {
            return errno == ENOSPC ? Outcome::disk_full : Outcome::io_error;
        }
        at += got;
    }
    return Outcome::copied;
}

Outcome copy_once(
    const std::string& from, const std::string& to, const std::optional<SteadyTime>& deadline
) {
    std::array<FileState, suffixes.size()> before;
    for (std::size_t i = 0; i < suffixes.size(); ++i) {
        before[i] = state_of(from + suffixes[i]);
    }
    for (const bool compare : {false, true}) {
        for (std::size_t i = 0; i < suffixes.size(); ++i) {
            const auto outcome =
                before[i].exists
                    ? walk(from + suffixes[i], to + suffixes[i], before[i].size, compare, deadline)
                    : Outcome::copied;
            if (outcome != Outcome::copied) {
                return outcome;
            }
        }
    }
    for (std::size_t i = 0; i < suffixes.size(); ++i) {
        const auto after = state_of(from + suffixes[i]);
        // A -wal that grew still holds what was read: commits only append to it.
        const bool grown = std::string_view(suffixes[i]) == "-wal" && before[i].exists &&
                           after.inode == before[i].inode && after.size >= before[i].size;
        if (!grown && !untouched(before[i], after)) {
            return Outcome::unstable;
        }
    }
    return Outcome::copied;
}

/// Waits in the kernel's queue: a writer at full speed holds its lock nearly always, and whoever
/// only looks now and then rarely meets the gap. The child's repeating timer ends the wait.
bool lock_range(int descriptor, short type, off_t start, off_t length, SteadyTime deadline) {
    struct flock range {};

    range.l_type = type;
    range.l_whence = SEEK_SET;
    range.l_start = start;
    range.l_len = length;
    while (std::chrono::steady_clock::now() < deadline) {
        // Of the open file, not of the process: copying opens and closes the same file.
        if (::fcntl(descriptor, F_OFD_SETLKW, &range) == 0) {
            return true;
        }
        if (errno != EINTR) {
            return false;
        }
    }
    return false;
}

void wake_waits_now_and_then() {
    struct sigaction action {};

    action.sa_handler = [](int) {};  // without SA_RESTART, so that it interrupts
    ::sigaction(SIGALRM, &action, nullptr);
    sigset_t alarm;
    ::sigemptyset(&alarm);
    ::sigaddset(&alarm, SIGALRM);
    ::pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);

    struct itimerval every {};

    every.it_interval.tv_usec = wait_slice.count();
    every.it_value = every.it_interval;
    ::setitimer(ITIMER_REAL, &every, nullptr);
}

void remove_copy(const std::string& to) {
    for (const auto* suffix : suffixes) {
        ::unlink((to + suffix).c_str());
    }
}

/// Keeps writers out for a moment, by SQLite's own locks: SHARED on the file, and in WAL mode the
/// write and checkpoint locks.
Outcome copy_locked(const std::string& from, const std::string& to) {
    wake_waits_now_and_then();
    const Descriptor main(from, O_RDONLY);
    if (!main.is_open() || !lock_range(
                               main.get(),
                               F_RDLCK,
                               shared_first,
                               shared_size,
                               std::chrono::steady_clock::now() + max_wait_for_lock
                           )) {
        return Outcome::unstable;
    }
    // From here on nobody can remove the -wal and the -shm, and outside WAL mode nobody can commit.
    // A -shm that wasn't there when we looked has been made by the time of the next attempt.
    const auto main_held_until = std::chrono::steady_clock::now() + max_locked_time;
    auto outcome = Outcome::unstable;
    for (int attempt = 0; outcome == Outcome::unstable && attempt < locked_attempts; ++attempt) {
        const Descriptor shm(from + "-shm", O_RDWR);
        if (shm.is_open() && !lock_range(
                                 shm.get(),
                                 F_WRLCK,
                                 wal_write_lock,
                                 2,
                                 std::chrono::steady_clock::now() + max_wait_for_lock
                             )) {
            return Outcome::unstable;
        }
        remove_copy(to);
        outcome = copy_once(
            from,
            to,
            shm.is_open() ? std::chrono::steady_clock::now() + max_locked_time : main_held_until
        );
    }
    return outcome;
}

Outcome copy_in_child(const std::string& from, const std::string& to) {
    for (int attempt = 0; attempt < free_attempts; ++attempt) {
        remove_copy(to);
        const auto outcome = copy_once(from, to, std::nullopt);
        if (outcome != Outcome::unstable) {
            return outcome;
        }
        std::this_thread::sleep_for(pause_between_attempts);
    }
    return copy_locked(from, to);
}

/// Without the -journal, which whoever has the lock may have begun. An empty file is as good as
/// none: SQLite makes a -wal when it opens the journal.
Outcome compare_all(const std::string& from, const std::string& to) {
    for (const std::string suffix : {"", "-wal"}) {
        const auto size = state_of(from + suffix).size;
        const auto outcome = size == state_of(to + suffix).size && size > 0
                                 ? walk(from + suffix, to + suffix, size, true, std::nullopt)
                                 : Outcome::copied;
        if (outcome != Outcome::copied || size != state_of(to + suffix).size) {
            return Outcome::unstable;
        }
    }
    return Outcome::copied;
}

template <typename Job>
Outcome run_child(const Job& job) {
    const auto child = ::fork();
    if (child == 0) {
        ::_exit(static_cast<int>(job()));
    }
    int status = 0;
    while (child > 0 && ::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) ? static_cast<Outcome>(WEXITSTATUS(status))
                                          : Outcome::io_error;
}

}  // namespace

StableCopy::StableCopy(const fs::path& journal) : journal_(journal), directory_(journal) {
    const auto outcome =
        run_child([&] { return copy_in_child(journal.string(), main().string()); });
    if (outcome == Outcome::copied) {
        return;
    }
    switch (outcome) {
        case Outcome::copied:
            break;
        case Outcome::unstable:
            throw Error(
                ErrorKind::storage_busy,
                "unstable",
                fmt::format("{} changes faster than it can be read twice", journal.string()),
                "Nothing has changed. Stop the tap's program for a moment and run this again."
            );
        case Outcome::disk_full:
            throw Error(
                ErrorKind::storage_full,
                "disk_full",
                fmt::format("no room for a copy of {}", journal.string()),
                "Make room for three times the journal's size, then run this again."
            );
        case Outcome::io_error:
            throw Error(
                ErrorKind::storage,
                "io_error",
                fmt::format("{} can't be read", journal.string()),
                "See dmesg; an SD card may be dying."
            );
    }
}

bool StableCopy::still_so() const {
    return run_child([&] { return compare_all(journal_.string(), main().string()); }) ==
           Outcome::copied;
}

void StableCopy::keep_as(const fs::path& name) {
    const auto check = [&](bool good) {
        if (!good) {
            throw Error(
                ErrorKind::storage,
                "io_error",
                fmt::format("{}: {}", name.string(), std::strerror(errno)),
                "Nothing has changed. Check the disk (df, dmesg), then run this again."
            );
        }
    };
    const auto sync = [&](const fs::path& path) {
        const Descriptor open(path.string(), O_RDONLY);
        check(open.is_open() && ::fsync(open.get()) == 0);
    };
    for (const auto& entry : fs::directory_iterator(directory())) {
        sync(entry.path());
    }
    sync(directory());
    check(::rename(directory().c_str(), name.c_str()) == 0);
    directory_.keep_as(name);
    sync(name.parent_path());
}

fs::path StableCopy::main() const {
    return directory_.path() / copy_name;
}

fs::path StableCopy::wal() const {
    return directory_.path() / (std::string(copy_name) + "-wal");
}

}  // namespace tapline::journal
