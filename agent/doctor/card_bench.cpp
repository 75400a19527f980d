#include "agent/doctor/card_bench.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <random>
#include <sstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <fmt/format.h>
#include <linux/magic.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/database.hpp"
#include "agent/journal/owner.hpp"
#include "agent/journal/test_pour.hpp"
#include "common/error.hpp"
#include "common/log.hpp"
#include "common/test_hook.hpp"

namespace fs = std::filesystem;

namespace tapline::doctor {

namespace {

using Moment = std::chrono::steady_clock::time_point;

constexpr std::int64_t kib = 1024;
constexpr std::int64_t mib = kib * 1024;
constexpr std::int64_t least_free_bytes = 64 * mib;
constexpr std::int64_t block_bytes = 4 * kib;
constexpr std::int64_t region_bytes = mib;
constexpr std::int64_t most_syncs = 400;
constexpr std::int64_t sequential_bytes = 16 * mib;
// Each touches at most 8 pages: the table, the index of ids, their parents, and what a checkpoint
// copies.
constexpr std::int64_t most_commits = 300;
constexpr std::int64_t commit_bytes = 8 * (4 * kib + 24);
constexpr std::int64_t new_journal_bytes = mib;
static_assert(
    region_bytes + most_syncs * block_bytes + sequential_bytes + most_commits * commit_bytes +
        new_journal_bytes <=
    bench_most_bytes
);
/// SQLite's own, as a tap's program leaves it; our connections have none.
constexpr std::string_view sql_as_a_writer = "PRAGMA wal_autocheckpoint=1000";

[[noreturn]] void fail(const char* did, const fs::path& path) {
    const bool full = errno == ENOSPC || errno == EDQUOT;
    throw Error(
        full ? ErrorKind::storage_full : ErrorKind::storage,
        full ? "disk_full" : "bench_failed",
        fmt::format("can't {} {}: {}", did, path.string(), std::strerror(errno)),
        full ? "Make room, or name another directory of this card."
             : "See dmesg: a card that can't be written is at its end; save the journal first."
    );
}

/// Closed at the end of a scope.
class File {
  public:
    File(fs::path path, int flags)
        : path_(std::move(path)), descriptor_(::open(path_.c_str(), flags | O_CLOEXEC, 0600)) {
        if (descriptor_ < 0) {
            fail("open", path_);
        }
    }

    ~File() { ::close(descriptor_); }

    File(const File&) = delete;
    File& operator=(const File&) = delete;

    void write_at(std::int64_t offset, const std::string& bytes) const {
        if (::pwrite(descriptor_, bytes.data(), bytes.size(), offset) !=
            static_cast<ssize_t>(bytes.size())) {
            fail("write", path_);
        }
    }

    void sync() const {
        if (::fdatasync(descriptor_) != 0) {
            fail("sync", path_);
        }
    }

    [[nodiscard]] bool lock() const { return ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0; }

  private:
    fs::path path_;
    int descriptor_;
};

/// The directory of one run. The lock dies with its process, so what lies there without one is a
/// killed run's.
class Place {
  public:
    explicit Place(const fs::path& parent) : path_(parent / ".tapline-bench") {
        std::error_code missing;
        if (fs::is_symlink(path_, missing) ||
            (::mkdir(path_.c_str(), 0700) != 0 && errno != EEXIST)) {
            fail("make", path_);
        }
        lock_ = std::make_unique<File>(path_ / "lock", O_RDWR | O_CREAT | O_NOFOLLOW);
        if (!lock_->lock()) {
            throw Error(
                ErrorKind::refused,
                "bench_running",
                fmt::format("somebody measures in {} already", path_.string()),
                "Wait for that run: two at once tell nothing."
            );
        }
        for (const auto& left : fs::directory_iterator(path_, missing)) {
            if (left.path().filename() != "lock") {
                fs::remove_all(left.path(), missing);
            }
        }
    }

    ~Place() {
        std::error_code missing;
        fs::remove_all(path_, missing);
    }

    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

  private:
    fs::path path_;
    std::unique_ptr<File> lock_;
};

/// Bytes that no controller can pack.
std::string noise(std::int64_t bytes) {
    std::mt19937_64 dice(1);  // NOLINT(cert-msc51-cpp): the same bytes each time
    std::string text(static_cast<std::size_t>(bytes), '\0');
    std::generate(text.begin(), text.end(), [&dice] { return static_cast<char>(dice()); });
    return text;
}

std::int64_t us_since(Moment begin) {
    const auto passed = std::chrono::steady_clock::now() - begin;
    return std::chrono::duration_cast<std::chrono::microseconds>(passed).count();
}

/// Nearest rank.
Spread spread_of(std::vector<std::int64_t> taken_us) {
    Spread spread;
    spread.count = std::ssize(taken_us);
    if (taken_us.empty()) {
        return spread;
    }
    std::sort(taken_us.begin(), taken_us.end());
    const auto rank = [&taken_us](std::size_t percent) {
        return taken_us[(taken_us.size() * percent + 99) / 100 - 1];
    };
    spread.p50_us = rank(50);
    spread.p99_us = rank(99);
    spread.max_us = taken_us.back();
    return spread;
}

Spread repeat(std::int64_t most, Moment end, const std::function<void(std::int64_t)>& once) {
    std::vector<std::int64_t> taken_us;
    // One at least, or there is nothing to tell.
    while (std::ssize(taken_us) < most &&
           (taken_us.empty() || std::chrono::steady_clock::now() < end)) {
        const auto begin = std::chrono::steady_clock::now();
        once(std::ssize(taken_us));
        taken_us.push_back(us_since(begin));
    }
    return spread_of(std::move(taken_us));
}

Spread measure_syncs(const fs::path& place, Moment end) {
    const File file(place / "sync", O_RDWR | O_CREAT | O_EXCL);
    const auto block = noise(block_bytes);
    // In pieces: a kernel that keeps large ones as a whole might write each back as a whole.
    for (std::int64_t offset = 0; offset < region_bytes; offset += block_bytes) {
        file.write_at(offset, block);
    }
    file.sync();
    return repeat(most_syncs, end, [&](std::int64_t number) {
        file.write_at(number * block_bytes % region_bytes, block);
        file.sync();
    });
}

void measure_sequential(CardFigures& figures, const fs::path& place, Moment end) {
    const File file(place / "sequential", O_RDWR | O_CREAT | O_EXCL);
    const auto block = noise(mib);
    const auto begin = std::chrono::steady_clock::now();
    do {
        file.write_at(figures.sequential_bytes, block);
        figures.sequential_bytes += mib;
    } while (figures.sequential_bytes < sequential_bytes && std::chrono::steady_clock::now() < end);
    file.sync();
    figures.sequential_kib_per_s =
        figures.sequential_bytes / kib * 1'000'000 / std::max<std::int64_t>(us_since(begin), 1);
}

void measure_commits(CardFigures& figures, const fs::path& place, Moment end) {
    const auto file = place / "journal.db";
    journal::adopt(file);
    journal::Database database(file);
    journal::TestPours pours(database);
    database.exec(sql_as_a_writer);
    const auto begin = std::chrono::steady_clock::now();
    figures.commit = repeat(most_commits, end, [&pours](std::int64_t) { pours.write(1); });
    figures.commits_per_s =
        figures.commit.count * 1'000'000 / std::max<std::int64_t>(us_since(begin), 1);
}

std::string first_line(const fs::path& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return printable(line, 60);
}

/// /proc/self/mountinfo (proc(5)): id, parent, device, root, mount point, options, …, "-", type,
/// source. The last one on the device is the one on top.
std::string file_system_of(const std::string& device) {
    std::ifstream mounts("/proc/self/mountinfo");
    std::string found = "an unknown file system";
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream words(line);
        std::string word;
        std::string seen_device;
        words >> word >> word >> seen_device;
        const auto rest = line.find(" - ");
        if (seen_device == device && rest != std::string::npos) {
            std::istringstream tail(line.substr(rest + 3));
            std::string type;
            std::string source;
            tail >> type >> source;
            found = fmt::format("{} on {}", printable(type, 40), printable(source, 100));
        }
    }
    return found;
}

void describe(CardFigures& figures) {
    struct statfs system {};

    struct stat directory {};

    if (::statfs(figures.directory.c_str(), &system) != 0 ||
        ::stat(figures.directory.c_str(), &directory) != 0) {
        fail("look at", figures.directory);
    }
    const auto free = static_cast<std::int64_t>(system.f_bavail) * system.f_bsize;
    if (free < least_free_bytes) {
        throw Error(
            ErrorKind::storage_full,
            "no_room",
            fmt::format("{} has {} MiB free", figures.directory.string(), free / mib),
            fmt::format("Make room first: {} MiB must be free.", least_free_bytes / mib)
        );
    }
    figures.memory = system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC;
    const auto device = fmt::format("{}:{}", ::major(directory.st_dev), ::minor(directory.st_dev));
    figures.file_system = file_system_of(device);
    const auto block = fs::path("/sys/dev/block") / device;
    for (const auto& part : {block / "device", block / "../device"}) {
        const auto name = first_line(part / "name");
        if (!name.empty()) {
            figures.card = fmt::format("{} of {}", name, first_line(part / "date"));
        }
    }
}

std::optional<std::int64_t> written_so_far() {
    std::ifstream io("/proc/self/io");
    for (std::string line; std::getline(io, line);) {
        if (line.starts_with("write_bytes: ")) {
            return std::strtoll(line.c_str() + std::strlen("write_bytes: "), nullptr, 10);
        }
    }
    return std::nullopt;
}

}  // namespace

CardFigures bench_card(const fs::path& directory, std::chrono::seconds limit) {
    const auto begin = std::chrono::steady_clock::now();
    const auto part = std::chrono::milliseconds(limit) / 3;
    CardFigures figures;
    figures.directory = journal::real_journal_path(directory / "journal.db").parent_path();
    describe(figures);
    journal::become_owner(figures.directory / "journal.db");
    const auto before = written_so_far();
    {
        const Place place(figures.directory);
        figures.sync = measure_syncs(place.path(), begin + part);
        test_stop_at("bench.synced");
        measure_sequential(figures, place.path(), std::chrono::steady_clock::now() + part);
        measure_commits(figures, place.path(), std::chrono::steady_clock::now() + part);
        test_stop_at("bench.measured");
    }
    const auto after = written_so_far();
    if (before && after) {
        figures.written_bytes = *after - *before;
    }
    figures.took = std::chrono::milliseconds(us_since(begin) / 1000);
    return figures;
}

}  // namespace tapline::doctor
