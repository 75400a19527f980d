#include "agent/salvage/new_journal.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "agent/journal/database.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/salvage_notes.hpp"
#include "agent/journal/schema.hpp"
#include "agent/salvage/evidence.hpp"
#include "agent/salvage/scan.hpp"
#include "common/error.hpp"

namespace tapline::salvage {

namespace {

using journal::Database;

constexpr std::string_view sql_scratch =
    "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-8192";
constexpr std::string_view sql_columns = "SELECT lower(name) FROM pragma_table_info('pours')";
constexpr std::string_view sql_triggers =
    "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'pours'";
constexpr std::string_view sql_has_id = "SELECT seq FROM pours WHERE client_tx_id = ?1";
constexpr std::string_view sql_identity =
    "UPDATE tapline_journal SET journal_id = ?1, epoch = ?2, adopted_through = ?3, acked_through = "
    "?4, acked_hash = ?5, prunable_through = ?6, pruned_through = ?7, released_through = ?8";
constexpr std::string_view sql_hash =
    "INSERT INTO tapline_hash (batch, epoch, first_seq, last_seq, hash) "
    "VALUES (?1, ?2, ?3, ?4, ?5)";
constexpr std::string_view sql_boot =
    "INSERT OR IGNORE INTO tapline_clock (boot_id, first_seq, synchronized, steps) "
    "VALUES (?1, ?2, ?3, ?4)";
constexpr std::string_view sql_forget_log = "DELETE FROM tapline_revision";
constexpr std::string_view sql_log =
    "INSERT INTO tapline_revision (revision, revises, direction, found, current_after, digest, "
    "applied_at, first_seq, duration_ms, agent_version, downgrade_sql) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
constexpr std::string_view sql_integrity = "PRAGMA integrity_check(1)";

struct Trigger {
    std::string name;
    std::string sql;
};

/// tapline's own refuse a row that comes with its seq.
std::vector<Trigger> take_triggers_off(Database& database) {
    std::vector<Trigger> triggers;
    {
        auto row = database.prepare(sql_triggers);
        while (row.step()) {
            triggers.push_back({row.text(0), row.text(1)});
        }
    }
    for (const auto& trigger : triggers) {
        database.exec(fmt::format("DROP TRIGGER {}", journal::quote_name(trigger.name)));
    }
    return triggers;
}

class Writer {
  public:
    Writer(Database& database, const Source& source)
        : database_(database),
          source_(source),
          columns_(read_columns(database)),
          insert_(database.prepare(insert_sql(columns_))),
          has_id_(database.prepare(sql_has_id)),
          notes_(database) {}

    void run();

  private:
    static std::vector<std::string> read_columns(Database& database);
    static std::string insert_sql(const std::vector<std::string>& columns);
    void put_whole(const FoundPour& found);
    void put_doubtful(const DoubtfulRow& doubtful);
    void insert(const FoundPour& found);
    [[nodiscard]] bool id_taken(const RawPour& pour);
    void put_own();

    Database& database_;
    const Source& source_;
    std::vector<std::string> columns_;
    journal::Statement insert_;
    journal::Statement has_id_;
    journal::SalvageNotes notes_;
    Seq next_ = 0;
};

std::vector<std::string> Writer::read_columns(Database& database) {
    std::vector<std::string> columns;
    auto row = database.prepare(sql_columns);
    while (row.step()) {
        columns.push_back(row.text(0));
    }
    return columns;
}

std::string Writer::insert_sql(const std::vector<std::string>& columns) {
    std::string names;
    std::string places;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        names += (i == 0 ? "" : ", ") + journal::quote_name(columns[i]);
        places += fmt::format("{}?{}", i == 0 ? "" : ", ", i + 1);
    }
    return fmt::format("INSERT INTO pours ({}) VALUES ({})", names, places);
}

void Writer::insert(const FoundPour& found) {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        const auto& name = columns_[i];
        const auto* value = found.pour.find(name);
        const auto place = static_cast<int>(i) + 1;
        if (name == "seq") {
            insert_.bind(place, found.pour.seq);
        } else if (name == "status") {
            insert_.bind(place, std::string_view(found.status));
        } else if (name == "attempts") {
            insert_.bind(place, found.attempts);
        } else {
            insert_.bind(place, value == nullptr ? Value() : *value);
        }
    }
    insert_.run();
}

bool Writer::id_taken(const RawPour& pour) {
    const auto* id = pour.find("client_tx_id");
    if (id == nullptr) {
        return false;
    }
    const journal::ResetAtExit at_exit(has_id_);
    has_id_.bind(1, *id);
    return has_id_.step();
}

/// `new` would keep the tap from pouring, and what the agent knows of the ack is what `settled`
/// says.
void Writer::put_whole(const FoundPour& found) {
    FoundPour row = found;
    const bool sent = row.pour.seq <= source_.verdict.settled.seq;
    if (row.status.empty() || row.status == "new" || (sent && row.status == "held")) {
        row.status = sent ? "confirmed" : "held";
    }
    insert(row);
    const auto note = source_.found.notes.find(row.pour.seq);
    if (note != source_.found.notes.end()) {
        note->second.report ? notes_.add_report(row.pour.seq, note->second.evidence)
                            : notes_.add_row(row.pour.seq, note->second.evidence);
    }
}

void Writer::put_doubtful(const DoubtfulRow& doubtful) {
    FoundPour row;
    Evidence evidence;
    evidence.doubt = doubtful.doubt;
    if (doubtful.row) {
        const auto& found = source_.found.rows[*doubtful.row];
        evidence.page = found.page;
        evidence.seq = found.seq;
        auto read = found.decodes ? read_row(source_.pages, source_.layout, source_.found, found)
                                  : std::nullopt;
        if (read) {
            row = std::move(*read);
            const auto note = source_.found.notes.find(found.seq);
            evidence.before = note == source_.found.notes.end() ? "" : note->second.evidence;
        } else {
            evidence.raw = raw_bytes(source_.pages, found);
        }
    }
    if (doubtful.id) {
        const auto& id = source_.found.ids[*doubtful.id];
        evidence.index_id = read_id(source_.pages, id);
        evidence.index_seq = id.seq;
        if (!doubtful.row && !evidence.index_id.empty()) {
            row.pour.columns.push_back({"client_tx_id", Text{evidence.index_id}});
        }
    }
    if (id_taken(row.pour)) {
        const auto* id = row.pour.find("client_tx_id");
        const auto* text = std::get_if<Text>(id);
        evidence.own_id = text == nullptr ? std::string() : text->bytes;
        std::erase_if(row.pour.columns, [](const Column& column) {
            return column.name == "client_tx_id";
        });
    }
    row.pour.seq = doubtful.place != 0 ? doubtful.place : ++next_;
    row.status = "held";
    insert(row);
    notes_.add_row(row.pour.seq, encode(evidence));
}

void Writer::put_own() {
    const auto& verdict = source_.verdict;
    const Seq settled = verdict.settled.seq;
    const auto bytes = [](const RowHash& hash) {
        return Blob{std::string(hash.begin(), hash.end())};
    };
    if (source_.found.identity) {
        const auto& identity = *source_.found.identity;
        database_.prepare(sql_identity)
            .bind(1, std::string_view(identity.journal_id))
            .bind(2, identity.epoch)
            .bind(3, std::min(identity.adopted_through, verdict.top))
            .bind(4, settled)
            .bind(5, bytes(verdict.settled.hash))
            .bind(6, std::min(identity.prunable_through, settled))
            .bind(7, std::min(identity.pruned_through, settled))
            .bind(8, identity.released_through)
            .run();
    }
    auto hash = database_.prepare(sql_hash);
    for (std::size_t i = 0; i < verdict.chain.size(); ++i) {
        const auto& point = verdict.chain[i];
        hash.bind(1, static_cast<std::int64_t>(i) + 1)
            .bind(2, point.epoch)
            .bind(3, std::min(point.first_seq, point.point.seq))
            .bind(4, point.point.seq)
            .bind(5, bytes(point.point.hash))
            .run();
    }
    auto boot = database_.prepare(sql_boot);
    for (const auto& found : source_.found.boots) {
        boot.bind(1, std::string_view(found.boot_id))
            .bind(2, found.first_seq)
            .bind(3, found.synchronized)
            .bind(4, std::string_view(found.steps))
            .run();
    }
    const auto& log = source_.found.log;
    if (log.empty() || log.back().current_after != source_.revision) {
        return;
    }
    database_.exec(sql_forget_log);
    auto line = database_.prepare(sql_log);
    for (const auto& entry : log) {
        line.bind(1, std::string_view(entry.revision))
            .bind(2, std::string_view(entry.revises))
            .bind(3, std::string_view(entry.direction))
            .bind(4, std::string_view(entry.found))
            .bind(5, std::string_view(entry.current_after))
            .bind(6, std::string_view(entry.digest))
            .bind(7, std::string_view(entry.applied_at))
            .bind(8, entry.first_seq)
            .bind(9, entry.duration_ms)
            .bind(10, std::string_view(entry.agent_version))
            .bind(11, std::string_view(entry.downgrade_sql))
            .run();
    }
}

void Writer::run() {
    for (const auto& whole : source_.verdict.whole) {
        const auto& row = source_.found.rows[whole.row];
        const auto found = read_row(source_.pages, source_.layout, source_.found, row);
        if (!found) {
            throw Error(
                ErrorKind::storage,
                "io_error",
                fmt::format("page {} reads differently from before", row.page),
                "Nothing has changed. See dmesg; the card is dying."
            );
        }
        put_whole(*found);
    }
    next_ = source_.verdict.top;
    for (const auto& doubtful : source_.verdict.doubtful) {
        put_doubtful(doubtful);
    }
    // Above every number that was ever given: none is given twice, and central hears of the rest.
    FoundPour last;
    last.pour.seq = ++next_;
    last.status = "held";
    insert(last);
    notes_.add_report(last.pour.seq, source_.report);
    put_own();
}

bool has_own_traces(const Found& found) {
    return found.identity.has_value() || !found.hashes.empty();
}

}  // namespace

std::string revision_of(const Found& found, const PourLayout& layout) {
    if (found.log.empty()) {
        return std::string(journal::first_journal_revision);
    }
    const auto& current = found.log.back().current_after;
    const auto journals =
        journal::journal_lineage().with_descendants({std::string(journal::first_journal_revision)});
    // The end of the log may be what is lost. A journal that was stepped down says so; of any other
    // the lines before its adoption are no news.
    const bool of_the_tap =
        journal::journal_lineage().find(current) != nullptr && !journals.contains(current);
    if (of_the_tap && found.log.back().direction != "downgrade" && has_own_traces(found)) {
        return std::string(journal::first_journal_revision);
    }
    if (!journals.contains(current)) {
        throw Error(
            ErrorKind::refused,
            "newer_revision",
            fmt::format("the journal is at {}, which this program doesn't know", current),
            "Nothing was changed. Run the newer tapline-agent; if the journal was stepped down to "
            "the tap's own releases, adopt it first."
        );
    }
    static_cast<void>(layout);
    return current;
}

void write_journal(const std::filesystem::path& file, const Source& source) {
    journal::OpenOptions options;
    options.create = true;
    Database database(file, options);
    database.exec(fmt::format("PRAGMA page_size={}", source.pages.page_size()));
    database.exec(sql_scratch);
    journal::MigrateOptions unhurried;
    unhurried.deadline.reset();
    journal::upgrade(database, source.revision, unhurried);
    const auto triggers = take_triggers_off(database);
    {
        journal::Transaction transaction(database);
        Writer(database, source).run();
        transaction.commit();
    }
    for (const auto& trigger : triggers) {
        database.exec(trigger.sql);
    }
    if (const auto verdict = database.text(sql_integrity); verdict != "ok") {
        throw Error(
            ErrorKind::storage,
            "io_error",
            fmt::format("{}: the new journal isn't sound: {}", file.string(), verdict),
            "Nothing has changed. See dmesg; the card may be dying: move it to another machine."
        );
    }
}

}  // namespace tapline::salvage
