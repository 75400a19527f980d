#include "agent/journal/journal.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <fmt/format.h>

#include "agent/journal/backlog.hpp"
#include "agent/journal/batch_builder.hpp"
#include "agent/journal/checkpoint.hpp"
#include "agent/journal/clock_notes.hpp"
#include "agent/journal/cursor.hpp"
#include "agent/journal/database.hpp"
#include "agent/journal/file_lock.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/last_stop.hpp"
#include "agent/journal/ledger.hpp"
#include "agent/journal/mount.hpp"
#include "agent/journal/owner.hpp"
#include "agent/journal/retention.hpp"
#include "agent/journal/rows.hpp"
#include "agent/journal/salvage_notes.hpp"
#include "agent/journal/wal_file.hpp"
#include "common/clock.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_data_version = "PRAGMA data_version";
/// A backlog fills the page cache (2 MB), which an idle agent needn't keep.
constexpr std::string_view sql_shrink = "PRAGMA shrink_memory";
constexpr std::string_view sql_page_size = "PRAGMA page_size";
constexpr std::string_view sql_page_count = "PRAGMA page_count";
constexpr std::string_view sql_free_pages = "PRAGMA freelist_count";
constexpr std::string_view sql_wal_mode = "PRAGMA journal_mode=WAL";

struct FileKey {
    dev_t device = 0;
    ino_t inode = 0;
    bool operator==(const FileKey&) const = default;
};

std::optional<FileKey> key_of(const std::filesystem::path& file) {
    struct stat status {};

    return ::stat(file.c_str(), &status) == 0 ? std::optional(FileKey{status.st_dev, status.st_ino})
                                              : std::nullopt;
}

std::filesystem::path wal_of(const Database& database) {
    return database.file().string() + "-wal";
}

/// Where each journal revision begins; a batch never crosses such a line.
std::vector<std::pair<Seq, std::string>> revision_lines(Database& database) {
    std::vector<std::pair<Seq, std::string>> lines;
    const auto journal_revisions =
        journal_lineage().with_descendants({std::string(first_journal_revision)});
    for (const auto& entry : read_ledger(database)) {
        if (!journal_revisions.contains(entry.revision)) {
            continue;
        }
        std::erase_if(lines, [&](const auto& line) { return line.second == entry.revision; });
        if (entry.direction != "downgrade") {
            lines.emplace_back(entry.first_seq, entry.revision);
        }
    }
    return lines;
}

class SqliteJournal final : public Journal {
  public:
    enum class Access { look, work };

    SqliteJournal(const std::filesystem::path& file, Access access)
        : lock_(access == Access::work ? std::make_unique<FileLock>(file) : nullptr),
          key_(key_of(file)),
          database_(after_last_stop(file, lock_.get())),
          revisions_(check_revision(database_)),
          rows_(database_),
          cursor_(database_),
          clock_(database_),
          checkpointer_(database_),
          retention_(file, cursor_.read().journal_id),
          data_version_(database_.prepare(sql_data_version)),
          backlog_(database_, rows_),
          acked_at_start_(cursor_.read().acked_through),
          salvaged_(salvage_epoch_due(database_)),
          wal_key_(key_of(wal_of(database_))) {
        if (access == Access::work) {
            heal_settled();
        }
    }

    Identity identity() override {
        auto identity = cursor_.read();
        identity.revision = revisions_.back().second;
        identity.salvaged = salvaged_;
        return identity;
    }

    Counts counts() override;
    std::int64_t data_version() override;

    bool left_behind() const override { return lock_ && lock_->left_behind(); }

    bool read_only() const override { return is_read_only(database_.file().parent_path()); }

    bool swapped() override {
        if (key_of(database_.file()) != key_) {
            return true;
        }
        // Somebody removed the -wal: the tap writes to another one, and what is in ours is read by
        // nobody else. So it is sent first.
        return wal_key_ && key_of(wal_of(database_)) != wal_key_ &&
               rows_.max_seq() <= cursor_.read().acked_through;
    }

    std::optional<wire::Batch> next_batch(Seq after, const RowHash& previous, BatchLimits limits)
        override;
    std::optional<RowHash> hash_at(Seq seq) override;

    Marked mark_held(Seq through, std::int64_t limit) override {
        return backlog_.hold(cursor_.read().acked_through, through, limit);
    }

    Marked heal_settled() override { return backlog_.heal(acked_at_start_); }

    void record_ack(const AckRecord& ack) override;
    void move_cursor(Seq cursor, const RowHash& hash) override;
    std::vector<wire::ChainPoint> chain_points(std::int64_t limit) override;
    void start_epoch(const wire::EpochGrant& grant) override;
    void note_prunable(Seq through) override;

    std::int64_t checkpoint() override {
        const auto pages_left = checkpointer_.run();
        if (pages_left == 0) {
            database_.exec(sql_shrink);
        }
        return pages_left;
    }

    void note_clock(const wire::Boot& boot) override { clock_.note(boot); }

    Pruned prune(const PruneOrder& order) override {
        return retention_.prune(database_, rows_, cursor_, order);
    }

    void note_running(std::chrono::seconds running) override { retention_.note_running(running); }

  private:
    static std::vector<std::pair<Seq, std::string>> check_revision(Database& database);
    void settle_in_steps(const AckRecord& ack, Seq acked);
    void confirm_in_steps(Seq after, Seq through);
    [[nodiscard]] std::pair<std::string, Seq> revision_of(Seq seq) const;

    std::unique_ptr<FileLock> lock_;  ///< nullptr: for looking only
    std::optional<FileKey> key_;
    Database database_;
    std::vector<std::pair<Seq, std::string>> revisions_;
    Rows rows_;
    Cursor cursor_;
    ClockNotes clock_;
    Checkpointer checkpointer_;
    Retention retention_;
    Statement data_version_;
    Backlog backlog_;
    Seq acked_at_start_ = 0;
    bool salvaged_;
    std::optional<FileKey> wal_key_;
};

std::vector<std::pair<Seq, std::string>> SqliteJournal::check_revision(Database& database) {
    const auto found = recognise(database);
    if (found.kind == Recognised::Kind::unknown) {
        throw FileError(
            "unknown_shape",
            fmt::format(
                "{}: table pours isn't as revision {} made it", database.file().string(), found.name
            ),
            "Run `tapline-agent journal check` on the file; it names the differences.",
            found.differences
        );
    }
    auto lines = revision_lines(database);
    const bool adopted = found.kind == Recognised::Kind::revision && !lines.empty() &&
                         lines.back().second == found.name;
    if (!adopted) {
        throw Error(
            ErrorKind::refused,
            "not_adopted",
            fmt::format("{} isn't adopted: its shape is {}", database.file().string(), found.name),
            fmt::format("Run `tapline-agent journal adopt {}`.", database.file().string())
        );
    }
    if (database.text(sql_wal_mode) != "wal") {
        throw Error(
            ErrorKind::storage,
            "not_wal",
            fmt::format("{} can't be put into WAL mode", database.file().string()),
            "The file system must support shared memory; a network share doesn't."
        );
    }
    return lines;
}

std::pair<std::string, Seq> SqliteJournal::revision_of(Seq seq) const {
    std::pair<std::string, Seq> result{revisions_.front().second, std::numeric_limits<Seq>::max()};
    for (const auto& [first, revision] : revisions_) {
        if (first <= seq) {
            result.first = revision;
        } else {
            result.second = std::min(result.second, first - 1);
        }
    }
    return result;
}

Counts SqliteJournal::counts() {
    const auto identity = cursor_.read();
    Counts counts;
    counts.max_seq = rows_.max_seq();
    counts.depth = backlog_.depth(identity.acked_through, counts.max_seq);
    if (counts.depth > 0) {
        counts.oldest_recorded_at = oldest_recorded_at(rows_, identity, counts.max_seq);
    }
    counts.wal_pages = checkpointer_.pages_left();

    const auto page_bytes = database_.integer(sql_page_size);
    counts.file_bytes = database_.integer(sql_page_count) * page_bytes;
    counts.reusable_bytes = database_.integer(sql_free_pages) * page_bytes;
    counts.rows_kept = counts.max_seq - identity.pruned_through;

    struct statvfs system {};

    if (::statvfs(database_.file().parent_path().c_str(), &system) == 0) {
        counts.free_bytes = static_cast<std::int64_t>(
            static_cast<std::uint64_t>(system.f_bavail) * system.f_frsize
        );
    }
    return counts;
}

std::int64_t SqliteJournal::data_version() {
    const ResetAtExit at_exit(data_version_);
    return data_version_.step() ? data_version_.integer(0) : 0;
}

std::optional<wire::Batch> SqliteJournal::next_batch(
    Seq after, const RowHash& previous, BatchLimits limits
) {
    BatchBuilder builder(after, previous, limits);
    std::optional<wire::Batch> batch;
    std::string revision;
    // A hole may reach to the line between two revisions: the batch then begins with that hole and
    // holds the next revision's rows.
    for (Seq from = after; !batch && from < rows_.max_seq();) {
        const auto [name, last] = revision_of(from + 1);
        rows_.read(from, last, [&](RawPour&& pour) { return builder.add(std::move(pour)); });
        batch = builder.finish();
        revision = name;
        from = last;
    }
    if (!batch) {
        return std::nullopt;
    }
    const auto identity = cursor_.read();
    batch->journal_id = identity.journal_id;
    batch->epoch = identity.epoch;
    batch->revision = revision;
    batch->boots = clock_.between(batch->rows.front().seq, batch->last_seq);
    batch->clock = {SystemClock().now_utc().time_since_epoch().count(), boot_id()};
    batch->released_through = identity.released_through;
    return batch;
}

std::optional<RowHash> SqliteJournal::hash_at(Seq seq) {
    if (seq < 0 || seq > rows_.max_seq()) {
        return std::nullopt;
    }
    auto point = cursor_.nearest(seq);
    if (point.seq < std::min(cursor_.pruned_through(), seq)) {
        return std::nullopt;
    }
    rows_.read(point.seq, seq, [&](RawPour&& pour) {
        point.hash = next_hash(point.hash, pour);
        return true;
    });
    return point.hash;
}

void SqliteJournal::record_ack(const AckRecord& ack) {
    const auto identity = cursor_.read();
    if (ack.acked_through - identity.acked_through > rows_per_mark) {
        settle_in_steps(ack, identity.acked_through);
    }
    Transaction transaction(database_);
    for (const auto seq : ack.quarantined) {
        rows_.quarantine(seq);
    }
    if (ack.acked_through > identity.acked_through) {
        rows_.confirm(identity.acked_through, ack.acked_through);
        cursor_.advance(identity.epoch, ack.first_seq, {ack.acked_through, ack.hash});
    }
    std::int64_t released_through = 0;
    for (const auto& released : ack.released) {
        if (released.outcome == "settled") {
            rows_.release(released.seq);
        }
        released_through = std::max(released_through, released.id);
    }
    cursor_.set_released(released_through);
    cursor_.set_prunable(
        std::min(ack.prunable_through, std::max(ack.acked_through, identity.acked_through))
    );
    transaction.commit();
}

/// More rows than one transaction may change: all but the last of them before the cursor moves.
void SqliteJournal::settle_in_steps(const AckRecord& ack, Seq acked) {
    Transaction transaction(database_);
    for (const auto seq : ack.quarantined) {
        rows_.quarantine(seq);
    }
    transaction.commit();
    confirm_in_steps(acked, ack.acked_through - rows_per_mark);
}

void SqliteJournal::confirm_in_steps(Seq after, Seq through) {
    for (auto from = after; from < through;) {
        const auto to = std::min(through, from + rows_per_mark);
        Transaction transaction(database_);
        rows_.confirm(from, to);
        transaction.commit();
        from = to;
    }
}

void SqliteJournal::move_cursor(Seq cursor, const RowHash& hash) {
    const auto identity = cursor_.read();
    // Statuses first: a `new` row behind the cursor would close the tap for ever.
    confirm_in_steps(identity.acked_through, std::min(cursor, rows_.max_seq()));
    Transaction transaction(database_);
    if (cursor > identity.acked_through) {
        cursor_.advance(identity.epoch, identity.acked_through + 1, {cursor, hash});
    } else {
        cursor_.step_back({cursor, hash});
    }
    transaction.commit();
}

std::vector<wire::ChainPoint> SqliteJournal::chain_points(std::int64_t limit) {
    const auto identity = cursor_.read();
    const std::int64_t fresh = limit / 4;
    auto points = cursor_.newest(limit - fresh - 1);
    std::erase_if(points, [&](const auto& point) { return point.seq >= identity.acked_through; });
    wire::ChainPoint last{identity.acked_through, identity.acked_hash};
    points.push_back(last);
    // An older image of a card holds rows whose ack only the newer one saw.
    rows_.read(last.seq, rows_.max_seq(), [&](RawPour&& pour) {
        last = {pour.seq, next_hash(last.hash, pour)};
        points.push_back(last);
        return static_cast<std::int64_t>(points.size()) < limit;
    });
    return points;
}

void SqliteJournal::start_epoch(const wire::EpochGrant& grant) {
    const auto identity = cursor_.read();
    // Statuses first, as in move_cursor.
    confirm_in_steps(identity.acked_through, std::min(grant.cursor, rows_.max_seq()));
    Transaction transaction(database_);
    cursor_.begin_epoch(grant.epoch, {grant.cursor, grant.hash});
    cursor_.set_prunable(std::min(grant.prunable_through, grant.cursor));
    note_salvage_epoch(database_, grant.epoch);
    transaction.commit();
    salvaged_ = false;
}

void SqliteJournal::note_prunable(Seq through) {
    const auto identity = cursor_.read();
    Transaction transaction(database_);
    cursor_.set_prunable(std::min(through, identity.acked_through));
    transaction.commit();
}

std::unique_ptr<SqliteJournal> open_as(
    const std::filesystem::path& file, SqliteJournal::Access access
) {
    const auto real = real_journal_path(file);
    if (!std::filesystem::exists(real)) {
        refuse_orphaned_wal(real, real);
        throw Error(
            ErrorKind::refused,
            "not_adopted",
            fmt::format("{}: there is no such journal", real.string()),
            fmt::format(
                "Is the path right, and the card or stick mounted that it is on (findmnt)? Only "
                "where there never was one: `tapline-agent journal adopt {}` makes it.",
                real.string()
            )
        );
    }
    become_owner(real);
    return std::make_unique<SqliteJournal>(real, access);
}

}  // namespace

std::unique_ptr<Journal> Journal::open(const std::filesystem::path& file) {
    return open_as(file, SqliteJournal::Access::work);
}

std::unique_ptr<JournalReader> JournalReader::look(const std::filesystem::path& file) {
    return open_as(file, SqliteJournal::Access::look);
}

}  // namespace tapline::journal
