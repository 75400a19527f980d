#include "agent/journal/rebuild.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/journal/compiles.hpp"
#include "agent/journal/extras.hpp"
#include "common/error.hpp"
#include "common/revision/tokens.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view new_name = "tapline_new";
constexpr std::string_view sql_table =
    "SELECT wr FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name = ?1 "
    "COLLATE NOCASE";
constexpr std::string_view sql_columns =
    "SELECT name, hidden, upper(type), pk, (SELECT count(*) FROM pragma_table_xinfo(?1) WHERE pk > "
    "0) FROM pragma_table_xinfo(?1)";
constexpr std::string_view sql_parts =
    "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ?1 COLLATE NOCASE "
    "AND type IN ('index', 'trigger') AND sql IS NOT NULL ORDER BY rowid";
constexpr std::string_view sql_views =
    "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY rowid";
constexpr std::string_view sql_has_sequences =
    "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'";
constexpr std::string_view sql_sequence =
    "SELECT COALESCE(max(seq), -1) FROM sqlite_sequence WHERE name = ?1 COLLATE NOCASE";
constexpr std::string_view sql_raise_sequence =
    "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1 COLLATE NOCASE";
constexpr std::string_view sql_add_sequence =
    "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2 WHERE NOT EXISTS "
    "(SELECT 1 FROM sqlite_sequence WHERE name = ?1 COLLATE NOCASE)";
constexpr std::string_view sql_orphans = "SELECT count(*) FROM pragma_foreign_key_check";

struct Table {
    bool has_rowid = true;
    bool rowid_is_column = false;      ///< INTEGER PRIMARY KEY, or a column named rowid
    std::vector<std::string> stored;   ///< columns that hold values, as written
    std::set<std::string> normalised;  ///< all columns
};

struct Part {
    std::string type;
    std::string name;
    std::string sql;
};

/// ALTER TABLE … RENAME otherwise reads every view and trigger, which name a table that isn't there
/// at that moment.
class LegacyAlter {
  public:
    explicit LegacyAlter(Database& database)
        : database_(database), before_(database.integer("PRAGMA legacy_alter_table") != 0) {
        database_.exec("PRAGMA legacy_alter_table = ON");
    }

    ~LegacyAlter() {
        try {
            database_.exec(
                before_ ? "PRAGMA legacy_alter_table = ON" : "PRAGMA legacy_alter_table = OFF"
            );
        } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the caller is already unwinding
        }
    }

    LegacyAlter(const LegacyAlter&) = delete;
    LegacyAlter& operator=(const LegacyAlter&) = delete;

  private:
    Database& database_;
    bool before_;
};

Table read(Database& database, const std::string& name) {
    auto about = database.prepare(sql_table);
    about.bind(1, name);
    if (!about.step()) {
        throw Error(
            ErrorKind::usage,
            "rebuild_table",
            fmt::format("{}: there is no table {} to rebuild", database.file().string(), name),
            "Correct the revision; nothing has changed."
        );
    }
    Table table;
    table.has_rowid = about.integer(0) == 0;
    auto columns = database.prepare(sql_columns);
    columns.bind(1, name);
    while (columns.step()) {
        const std::string column = columns.text(0);
        table.normalised.insert(normal_name(column));
        if (columns.integer(1) == 0) {
            table.stored.push_back(column);
        }
        const bool alias =
            columns.text(2) == "INTEGER" && columns.integer(3) == 1 && columns.integer(4) == 1;
        table.rowid_is_column = table.rowid_is_column || alias || normal_name(column) == "rowid";
    }
    return table;
}

std::vector<Part> read_parts(Database& database, const std::string& table) {
    std::vector<Part> parts;
    auto rows = database.prepare(sql_parts);
    rows.bind(1, table);
    while (rows.step()) {
        parts.push_back({rows.text(0), rows.text(1), rows.text(2)});
    }
    return parts;
}

/// View -> what is wrong with it; "" where nothing is.
std::map<std::string, std::string> read_views(Database& database) {
    std::vector<std::string> names;
    {
        auto rows = database.prepare(sql_views);
        while (rows.step()) {
            names.push_back(rows.text(0));
        }
    }
    std::map<std::string, std::string> views;
    for (const std::string& name : names) {
        views[name] = view_error(database, name).value_or("");
    }
    return views;
}

void check_lost(
    Database& database, const revision::Rebuild& rebuild, const Table& before, const Table& after
) {
    std::set<std::string> may_go;
    for (const std::string& name : rebuild.drops) {
        may_go.insert(normal_name(name));
    }
    std::vector<std::string> lost;
    for (const std::string& column : before.stored) {
        if (!after.normalised.contains(normal_name(column)) &&
            may_go.erase(normal_name(column)) == 0) {
            lost.push_back(column);
        }
    }
    if (!lost.empty()) {
        throw Error(
            ErrorKind::refused,
            "column_lost",
            fmt::format(
                "{}: the new definition of {} has no place for {}",
                database.file().string(),
                rebuild.table,
                fmt::join(lost, ", ")
            ),
            "Name what may go in drop=\"column, column\" of the rebuild; nothing has changed."
        );
    }
    if (!may_go.empty()) {
        throw Error(
            ErrorKind::usage,
            "rebuild_table",
            fmt::format(
                "{}: drop= names {}, which {} doesn't lose",
                database.file().string(),
                fmt::join(may_go, ", "),
                rebuild.table
            ),
            "Correct the revision; nothing has changed."
        );
    }
}

void copy_rows(
    Database& database, const std::string& from, const Table& before, const Table& after
) {
    std::vector<std::string> columns;
    const bool keep_rowid = before.has_rowid && after.has_rowid && !after.rowid_is_column &&
                            !before.normalised.contains("rowid");
    if (keep_rowid) {
        columns.emplace_back("rowid");
    }
    for (const std::string& column : after.stored) {
        if (before.normalised.contains(normal_name(column))) {
            columns.push_back(quote_name(column));
        }
    }
    const std::string count = "SELECT count(*) FROM ";
    const std::int64_t rows = database.integer(count + quote_name(from));
    if (!columns.empty()) {
        database.exec(fmt::format(
            "INSERT INTO {0} ({1}) SELECT {1} FROM {2}{3}",
            new_name,
            fmt::join(columns, ", "),
            quote_name(from),
            before.has_rowid && !before.normalised.contains("rowid") ? " ORDER BY rowid" : ""
        ));
    }
    if (const std::int64_t copied = database.integer(fmt::format("{}{}", count, new_name));
        copied != rows) {
        throw Error(
            ErrorKind::refused,
            "rows_lost",
            fmt::format(
                "{}: {} of the {} rows of {} came along",
                database.file().string(),
                copied,
                rows,
                from
            ),
            "Nothing has changed. Does the new definition say ON CONFLICT IGNORE or REPLACE?"
        );
    }
}

bool counts_up(const std::string& create) {
    const auto tokens = revision::tokenize(create, revision::Dialect::sqlite);
    return std::any_of(tokens.begin(), tokens.end(), [](const revision::Token& each) {
        return is_word(each, "AUTOINCREMENT");
    });
}

void restore_sequence(Database& database, const std::string& table, std::int64_t last) {
    for (const auto sql : {sql_raise_sequence, sql_add_sequence}) {
        database.prepare(sql).bind(1, table).bind(2, last).run();
    }
}

[[noreturn]] void refuse_part(
    Database& database, const std::string& part, const std::string& table, const std::string& why
) {
    throw Error(
        ErrorKind::refused,
        "part_broken",
        fmt::format(
            "{}: {} doesn't fit the new definition of {}: {}",
            database.file().string(),
            part,
            table,
            why
        ),
        "Nothing has changed. Drop it before the rebuild, in the same section, and make the one "
        "that "
        "fits after it."
    );
}

void put_back(Database& database, const std::string& table, const std::vector<Part>& parts) {
    for (const Part& part : parts) {
        try {
            database.exec(part.sql);
        } catch (const Error& error) {
            if (error.kind() == ErrorKind::storage_busy) {
                throw;
            }
            refuse_part(database, part.type + " " + part.name, table, error.what());
        }
    }
    if (const auto error = trigger_error(database, table)) {
        refuse_part(database, "a trigger", table, *error);
    }
}

}  // namespace

void rebuild_table(
    Database& database, const revision::Rebuild& rebuild, const std::string& create
) {
    // DROP TABLE would otherwise delete row by row, and take the rows of other tables along.
    TAPLINE_CHECK(database.integer("PRAGMA foreign_keys") == 0);
    const std::string& name = rebuild.table;
    const Table before = read(database, name);
    const std::vector<Part> parts = read_parts(database, name);
    const auto views = read_views(database);
    const std::int64_t orphans = database.integer(sql_orphans);
    const std::int64_t sequence = [&] {
        if (database.integer(sql_has_sequences) == 0) {
            return std::int64_t{-1};
        }
        auto row = database.prepare(sql_sequence);
        row.bind(1, name);
        return row.step() ? row.integer(0) : -1;
    }();
    const LegacyAlter legacy(database);
    database.exec(std::string(create).replace(rebuild.name_at, rebuild.name_bytes, new_name));
    const Table after = read(database, std::string(new_name));
    check_lost(database, rebuild, before, after);
    copy_rows(database, name, before, after);
    database.exec(fmt::format("DROP TABLE {}", quote_name(name)));
    database.exec(fmt::format("ALTER TABLE {} RENAME TO {}", new_name, quote_name(name)));
    if (sequence >= 0 && counts_up(create)) {
        restore_sequence(database, name, sequence);
    }
    put_back(database, name, parts);
    for (const auto& [view, error] : read_views(database)) {
        if (const auto known = views.find(view); !error.empty() && known->second.empty()) {
            refuse_part(database, "view " + view, name, error);
        }
    }
    if (database.integer(sql_orphans) > orphans) {
        throw Error(
            ErrorKind::refused,
            "rows_lost",
            fmt::format(
                "{}: the rebuild of {} leaves rows whose foreign key names nothing",
                database.file().string(),
                name
            ),
            "Nothing has changed. `PRAGMA foreign_key_check` on a copy names them."
        );
    }
}

}  // namespace tapline::journal
