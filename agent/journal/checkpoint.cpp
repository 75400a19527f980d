#include "agent/journal/checkpoint.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "agent/journal/backup.hpp"
#include "common/error.hpp"

namespace tapline::journal {

namespace {

OpenOptions without_waiting() {
    OpenOptions options;
    options.busy_timeout = std::chrono::milliseconds(0);
    return options;
}

/// BEGIN and, at the end, ROLLBACK: nothing is written between.
class Held {
  public:
    Held(Database& connection, std::string_view begin) : connection_(connection) {
        connection_.exec(begin);
    }

    ~Held() {
        try {
            connection_.exec("ROLLBACK");
        } catch (const Error&) {  // NOLINT(bugprone-empty-catch): nothing was written
        }
    }

    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

  private:
    Database& connection_;
};

/// Well below the 1000 at which the writer's own connections begin to checkpoint
/// (https://sqlite.org/pragma.html#pragma_wal_autocheckpoint).
constexpr std::int64_t longest_wal_frames = 400;
/// Longer than the tap's own commit takes, shorter than its patience.
constexpr std::chrono::milliseconds wait_for_the_tap{50};

constexpr std::string_view any_read = "SELECT 1 FROM sqlite_schema LIMIT 1";

}  // namespace

Checkpointer::Checkpointer(Database& database)
    : database_(database),
      sibling_(database.file(), without_waiting()),
      wal_(database.file().string() + "-wal") {}

std::int64_t Checkpointer::run() {
    last_lock_ = {};
    try {
        copy_back_beside_writers();
        if (pages_left() > 0 && wal_position(wal_).frames > longest_wal_frames) {
            copy_back_alone();
        }
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::storage_busy) {
            throw;
        }
    }
    return pages_left();
}

void Checkpointer::copy_back_beside_writers() {
    sibling_.set_busy_timeout({});
    std::optional<Held> write_lock(std::in_place, sibling_, "BEGIN IMMEDIATE");
    const Held read_mark(database_, "BEGIN");
    database_.exec(any_read);
    const auto state = database_.wal_index();
    auto round = wal_position(wal_);
    write_lock.reset();
    if (!state) {
        return;
    }
    // With everything copied the mark is of the one kind that a reset doesn't respect.
    const bool pinned = state->copied < state->pages;
    const auto result = pinned ? sibling_.checkpoint_passive() : state;
    if (result) {
        round.frames = result->copied;
        copied_ = round;
    }
}

/// Nobody can append meanwhile, so the next writer resets the WAL.
void Checkpointer::copy_back_alone() {
    sync_file(wal_);
    sibling_.set_busy_timeout(wait_for_the_tap);
    const Held write_lock(sibling_, "BEGIN IMMEDIATE");
    const auto locked_at = std::chrono::steady_clock::now();
    if (const auto result = database_.checkpoint_passive()) {
        copied_ = wal_position(wal_);
        copied_.frames = result->copied;
    }
    last_lock_ =
        std::chrono::ceil<std::chrono::milliseconds>(std::chrono::steady_clock::now() - locked_at);
}

std::int64_t Checkpointer::pages_left() const {
    const auto now = wal_position(wal_);
    return now.salts == copied_.salts ? std::max<std::int64_t>(now.frames - copied_.frames, 0)
                                      : now.frames;
}

}  // namespace tapline::journal
