#include "agent/journal/checkpoint.hpp"

#include <algorithm>
#include <string>

#include "agent/journal/backup.hpp"
#include "common/error.hpp"

namespace tapline::journal {

namespace {

OpenOptions without_waiting() {
    OpenOptions options;
    options.busy_timeout = std::chrono::milliseconds(0);
    return options;
}

/// The write lock, held without writing anything.
class WriteLock {
  public:
    explicit WriteLock(Database& sibling) : sibling_(sibling) { sibling_.exec("BEGIN IMMEDIATE"); }

    ~WriteLock() {
        try {
            sibling_.exec("ROLLBACK");
        } catch (const Error&) {  // NOLINT(bugprone-empty-catch): nothing was written
        }
    }

    WriteLock(const WriteLock&) = delete;
    WriteLock& operator=(const WriteLock&) = delete;

  private:
    Database& sibling_;
};

}  // namespace

Checkpointer::Checkpointer(Database& database)
    : database_(database),
      sibling_(database.file(), without_waiting()),
      wal_(database.file().string() + "-wal") {}

std::int64_t Checkpointer::run() {
    sync_file(wal_);
    try {
        const WriteLock lock(sibling_);
        if (const auto result = database_.checkpoint_passive()) {
            copied_ = wal_position(wal_);
            copied_.frames = result->copied;
            return result->pages - result->copied;
        }
    } catch (const Error& error) {
        if (error.kind() != ErrorKind::storage_busy) {
            throw;
        }
    }
    return pages_left();
}

std::int64_t Checkpointer::pages_left() const {
    const auto now = wal_position(wal_);
    return now.salts == copied_.salts ? std::max<std::int64_t>(now.frames - copied_.frames, 0)
                                      : now.frames;
}

}  // namespace tapline::journal
