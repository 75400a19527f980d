#include "agent/journal/salvage_notes.hpp"

#include <algorithm>
#include <utility>

#include "common/salvage_note.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_create =
    "CREATE TABLE IF NOT EXISTS tapline_salvage (seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, "
    "evidence TEXT NOT NULL, epoch INTEGER)";
constexpr std::string_view sql_exists =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'tapline_salvage'";
constexpr std::string_view sql_add =
    "INSERT OR REPLACE INTO tapline_salvage (seq, kind, evidence) VALUES (?1, ?2, ?3)";
constexpr std::string_view sql_due =
    "SELECT count(*) FROM tapline_salvage WHERE kind = 'report' AND epoch IS NULL";
constexpr std::string_view sql_begun =
    "UPDATE tapline_salvage SET epoch = ?1 WHERE kind = 'report' AND epoch IS NULL";

Database& with_table(Database& database) {
    database.exec(sql_create);
    return database;
}

}  // namespace

bool has_salvage_notes(Database& database) {
    return database.integer(sql_exists) != 0;
}

void put_note(RawPour& pour, std::string evidence) {
    std::erase_if(pour.columns, [](const Column& column) { return column.name == salvage_column; });
    const auto place =
        std::find_if(pour.columns.begin(), pour.columns.end(), [](const Column& column) {
            return column.name > salvage_column;
        });
    pour.columns.insert(place, {std::string(salvage_column), Text{std::move(evidence)}});
}

SalvageNotes::SalvageNotes(Database& database) : add_(with_table(database).prepare(sql_add)) {}

void SalvageNotes::add_row(Seq seq, std::string_view evidence) {
    add_.bind(1, seq).bind(2, std::string_view("row")).bind(3, evidence).run();
}

void SalvageNotes::add_report(Seq seq, std::string_view report) {
    add_.bind(1, seq).bind(2, std::string_view("report")).bind(3, report).run();
}

bool salvage_epoch_due(Database& database) {
    return has_salvage_notes(database) && database.integer(sql_due) != 0;
}

void note_salvage_epoch(Database& database, std::int64_t epoch) {
    if (has_salvage_notes(database)) {
        database.prepare(sql_begun).bind(1, epoch).run();
    }
}

}  // namespace tapline::journal
