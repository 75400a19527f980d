#include "agent/journal/last_stop.hpp"

#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "agent/journal/wal_file.hpp"
#include "common/error.hpp"

namespace tapline::journal {

namespace {

constexpr int looks_at_wal = 3;
constexpr std::chrono::milliseconds pause_between_looks{50};

}  // namespace

const std::filesystem::path& after_last_stop(const std::filesystem::path& file, FileLock* lock) {
    if (lock == nullptr || !lock->left_behind()) {
        return file;
    }
    const std::filesystem::path wal = file.string() + "-wal";
    for (int look = 1; has_broken_frames(wal); ++look) {
        // Read while the tap's program begins the -wal anew, it looks broken too.
        if (look == looks_at_wal) {
            lock->keep_mark();
            throw Error(
                ErrorKind::storage_corrupt,
                "damaged",
                fmt::format("{}: frames of its -wal don't add up", file.string()),
                fmt::format("Run `tapline-agent journal salvage {}`.", file.string())
            );
        }
        std::this_thread::sleep_for(pause_between_looks);
    }
    return file;
}

}  // namespace tapline::journal
