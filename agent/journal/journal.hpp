// One journal at revision j0001 or later, as the agent works with it while the tap's program
// writes.
//
// Every call blocks on the disk: only the storage thread may make one. One connection, one thread.
// All SQL on `pours` is in rows.cpp. Errors: Error{storage*} with the file's name and what to do.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/pour.hpp"
#include "common/row_hash.hpp"
#include "common/wire.hpp"

namespace tapline::journal {

struct Identity {
    std::string journal_id;  ///< UUID, made at adoption
    std::int64_t epoch = 1;
    std::string revision;  ///< "j0001"
    Seq adopted_through = 0;
    Seq acked_through = 0;  ///< cache of central's cursor
    RowHash acked_hash{};   ///< the chain at acked_through
    Seq prunable_through = 0;
    Seq pruned_through = 0;  ///< rows up to here may be gone
    std::int64_t released_through = 0;
    bool salvaged = false;  ///< since the epoch began: a new one is due (docs/salvage.md)
};

struct Counts {
    Seq max_seq = 0;
    std::int64_t depth = 0;  ///< rows with seq > acked_through; see backlog.hpp
    std::optional<std::string> oldest_recorded_at;  ///< of the oldest un-acked row that has a time
    std::int64_t wal_pages = 0;
    std::int64_t free_bytes = 0;
    std::int64_t file_bytes = 0;      ///< of the journal without its -wal
    std::int64_t reusable_bytes = 0;  ///< of these, what pruned pours left for later ones
    std::int64_t rows_kept = 0;       ///< about: from the first that may be there to the last
};

struct BatchLimits {
    std::int64_t rows = static_cast<std::int64_t>(wire::max_batch_rows);
    std::int64_t bytes = static_cast<std::int64_t>(wire::max_batch_bytes);
};

struct PruneOrder {
    std::chrono::seconds running{};  ///< since this journal was opened, by a clock that never jumps
    std::chrono::seconds keep{};     ///< how long acked pours stay at least
    std::int64_t rows = 500;         ///< at most, under one lock
    /// Fewer aren't worth it: each removal touches pages all over the index of ids.
    std::int64_t at_least = 2'000;
};

struct Pruned {
    std::int64_t rows = 0;
    bool more = false;  ///< what was begun goes on: the same order, at_least = 1
    Seq through = 0;    ///< pours up to here may be gone
    std::optional<std::int64_t> pours_per_day;
};

/// What central said of one batch, as it is written down in the journal.
struct AckRecord {
    Seq first_seq = 0;
    Seq acked_through = 0;
    RowHash hash{};
    std::vector<Seq> quarantined;
    std::vector<wire::Released> released;
    Seq prunable_through = 0;
};

struct Marked {
    std::int64_t rows = 0;  ///< changed
    bool more = false;      ///< some haven't been looked at yet
};

/// What a journal tells without being changed.
class JournalReader {
  public:
    /// Beside a running agent, whose lock it doesn't take. Throws as Journal::open does, but never
    /// refused/"locked".
    [[nodiscard]] static std::unique_ptr<JournalReader> look(const std::filesystem::path& file);

    virtual ~JournalReader() = default;
    JournalReader() = default;
    JournalReader(const JournalReader&) = delete;
    JournalReader& operator=(const JournalReader&) = delete;

    [[nodiscard]] virtual Identity identity() = 0;
    [[nodiscard]] virtual Counts counts() = 0;

    /// Rows with seq > after, ascending, within the limits and with hashes chained from `previous`
    /// (the chain at `after`); nullopt when there are none. A row over limits.bytes comes alone,
    /// cut, with truncated set. boots, clock and released_through are filled too.
    [[nodiscard]] virtual std::optional<wire::Batch> next_batch(
        Seq after, const RowHash& previous, BatchLimits limits
    ) = 0;

    /// The chain at `seq`, from stored hashes and the rows between; nullopt when rows that are
    /// needed for it have been pruned, or seq > max_seq.
    [[nodiscard]] virtual std::optional<RowHash> hash_at(Seq seq) = 0;
};

class Journal : public JournalReader {
  public:
    /// Opens a journal that is at j0001 or later; takes the lock `<realpath>.tapline.lock` first.
    /// Throws refused/"not_adopted" (run `tapline-agent journal adopt`), refused/"wrong_owner",
    /// refused/"locked" (another agent), storage_corrupt/….
    [[nodiscard]] static std::unique_ptr<Journal> open(const std::filesystem::path& file);

    /// Whoever worked with it last was killed, or lost power: worth a check (docs/salvage.md).
    [[nodiscard]] virtual bool left_behind() const { return false; }

    /// Changes whenever another connection has committed (PRAGMA data_version); no disk write.
    [[nodiscard]] virtual std::int64_t data_version() = 0;
    /// True when the path no longer names the file that is open: somebody swapped it; or its -wal,
    /// and all pours of ours are acked.
    [[nodiscard]] virtual bool swapped() = 0;

    /// The kernel has given up writing to the file's card (mount.hpp): nothing tells an agent that
    /// has nothing to write.
    [[nodiscard]] virtual bool read_only() const { return false; }

    /// `new` -> `held` for rows after the acked ones, at most `limit` rows under one lock, the
    /// newest ones first. Looks at a bounded number of rows. Rows with seq > `through` are left
    /// alone.
    virtual Marked mark_held(Seq through, std::int64_t limit) = 0;

    /// A technician who wants a pour sent again sets it to `new`; when it is settled already, that
    /// only makes the tap refuse the next guest. Confirms such rows again: the newest when the file
    /// is opened, a bounded number more with each call.
    virtual Marked heal_settled() = 0;

    /// The cursor, the batch's hash and the statuses (`confirmed`, `quarantined`), in one
    /// transaction.
    virtual void record_ack(const AckRecord& ack) = 0;

    /// Central's cursor moved back (a restored centre) or forward (a restored card), same hash.
    virtual void move_cursor(Seq cursor, const RowHash& hash) = 0;

    /// Places of this file's chain by which central finds the last pour in common: stored ones, the
    /// acked one, and some rows after it. Ascending, at most `limit`.
    [[nodiscard]] virtual std::vector<wire::ChainPoint> chain_points(std::int64_t limit) = 0;

    /// The epoch that central granted, and its cursor, in one transaction: power may fail at any
    /// time. grant.hash is this file's chain at grant.cursor (the caller has compared them).
    virtual void start_epoch(const wire::EpochGrant& grant) = 0;

    /// How far central allows pruning; never past the cursor.
    virtual void note_prunable(Seq through) = 0;

    /// Removes pours that needn't be kept (retention.hpp), at most order.rows of them.
    virtual Pruned prune(const PruneOrder& order) = 0;

    /// Before an orderly stop: the running time counts for the ages of pours.
    virtual void note_running(std::chrono::seconds running) = 0;

    /// Copies WAL pages back while a sibling connection holds the write lock, so that the writer's
    /// own checkpoint can't run at the same time (the WAL-reset bug of SQLite before 3.51.3). Gives
    /// up at once when somebody writes. Returns WAL pages left.
    virtual std::int64_t checkpoint() = 0;

    /// Notes a boot or a step of the clock; writes only when something is new. Of a boot that is
    /// known already only new steps count.
    virtual void note_clock(const wire::Boot& boot) = 0;
};

}  // namespace tapline::journal
