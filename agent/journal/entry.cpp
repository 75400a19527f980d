#include "agent/journal/entry.hpp"

#include <fmt/format.h>

#include "agent/journal/difference.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/run_section.hpp"
#include "common/revision/plan.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_duplicate =
    "SELECT client_tx_id FROM pours WHERE client_tx_id IS NOT NULL GROUP BY client_tx_id HAVING "
    "count(*) > 1 LIMIT 1";
constexpr std::string_view sql_create =
    "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = 'pours'";
constexpr std::string_view sql_rename = "ALTER TABLE pours RENAME TO tapline_old";
constexpr std::string_view sql_drop = "DROP TABLE tapline_old";
/// The rowid itself where every one may be a seq, else the row's place.
constexpr std::string_view sql_seq =
    "CASE WHEN (SELECT min(rowid) >= 1 AND max(rowid) <= 9007199254740992 FROM tapline_old) "
    "THEN rowid ELSE row_number() OVER (ORDER BY rowid) END";
/// As j0001 makes it when there is none.
constexpr std::string_view sql_left =
    "CREATE TABLE tapline_left (seq INTEGER PRIMARY KEY, client_tx_id TEXT UNIQUE, data TEXT, "
    "recorded_at TEXT, "
    "legacy_status TEXT, status TEXT)";

std::string gen8_create() {
    auto scratch = Database::scratch();
    for (const auto& step :
         revision::plan_upgrade(journal_lineage(), {}, last_legacy_revision).steps) {
        run_statements(scratch, journal_lineage().at(step.id).upgrade);
    }
    return scratch.text(sql_create);
}

}  // namespace

void rebuild_entry(Database& database) {
    if (const auto twice = database.text(sql_duplicate); !twice.empty()) {
        const auto object = fmt::format("table pours row client_tx_id {}", twice);
        throw FileError(
            "unknown_shape",
            fmt::format("{}: two pours carry client_tx_id {}", database.file().string(), twice),
            "Give one of them another client_tx_id by hand, then run this again.",
            {{object, "changed", "one row", "several rows"}}
        );
    }
    const auto source = read_table(database, "pours");
    const auto target = expected_pours(std::string(last_legacy_revision));
    TAPLINE_CHECK(source.has_value());
    std::string columns;
    for (const auto& [name, definition] : target.columns) {
        if (source->columns.contains(name)) {
            columns += ", " + quote_name(name);
        }
    }
    database.exec(sql_rename);
    database.exec(gen8_create());
    database.exec(fmt::format(
        "INSERT INTO pours (rowid{0}) SELECT {1}{0} FROM tapline_old ORDER BY rowid",
        columns,
        sql_seq
    ));
    if (source->columns.contains("data")) {
        database.exec(sql_left);
        database.exec(fmt::format(
            "INSERT INTO tapline_left (seq, client_tx_id, data, legacy_status) "
            "SELECT {}, client_tx_id, data, COALESCE(status, '') FROM tapline_old ORDER BY rowid",
            sql_seq
        ));
    }
    database.exec(sql_drop);
}

}  // namespace tapline::journal
