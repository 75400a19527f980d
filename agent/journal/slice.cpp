#include "agent/journal/slice.hpp"

#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/journal/entry.hpp"
#include "agent/journal/run_section.hpp"
#include "common/error.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_tables =
    "SELECT sql FROM sqlite_schema WHERE type = 'table' AND (name = 'pours' COLLATE NOCASE OR "
    "(name LIKE 'tapline~_%' ESCAPE '~' AND name NOT LIKE 'tapline~_step%' ESCAPE '~'))";
constexpr std::string_view sql_own_parts =
    "SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'pours' COLLATE NOCASE AND type IN "
    "('index', 'trigger') AND sql IS NOT NULL AND name LIKE 'tapline~_%' ESCAPE '~' AND name NOT "
    "LIKE 'tapline~_step%' ESCAPE '~' AND (?1 OR type = 'trigger') ORDER BY rowid";
constexpr std::string_view sql_create =
    "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE";
constexpr std::string_view sql_columns =
    "SELECT name FROM pragma_table_info(?1) WHERE NOT (upper(type) = 'INTEGER' AND pk = 1 AND "
    "(SELECT count(*) FROM pragma_table_info(?1) WHERE pk > 0) = 1)";
constexpr std::string_view sql_left_by_id = "SELECT seq FROM tapline_left WHERE client_tx_id = ?1";
constexpr std::string_view sql_left_by_seq =
    "SELECT seq FROM tapline_left WHERE seq = ?1 AND client_tx_id IS NULL";
constexpr std::string_view sql_left_top = "SELECT COALESCE(max(seq), 0) FROM tapline_left";
constexpr std::string_view sql_slice_ids = "SELECT rowid, client_tx_id FROM pours ORDER BY rowid";
constexpr std::string_view sql_slice_rows = "SELECT rowid FROM pours ORDER BY rowid";

constexpr std::array<RowTable, 2> row_tables{pours_table, left_table};

std::string create_of(Database& database, std::string_view table) {
    auto row = database.prepare(sql_create);
    row.bind(1, table);
    return row.step() ? row.text(0) : std::string{};
}

std::vector<std::string> columns_of(Database& database, std::string_view table) {
    std::vector<std::string> columns;
    auto row = database.prepare(sql_columns);
    row.bind(1, table);
    while (row.step()) {
        columns.push_back(quote_name(row.text(0)));
    }
    return columns;
}

/// INSERT of the row that `from` stands on, rowid first.
class Copier {
  public:
    Copier(Database& to, std::string_view table, const std::vector<std::string>& columns)
        : width_(static_cast<int>(columns.size()) + 1),
          insert_(to.prepare(fmt::format(
              "INSERT INTO {} (rowid{}{}) VALUES ({})",
              table,
              columns.empty() ? "" : ", ",
              fmt::join(columns, ", "),
              fmt::join(std::vector<std::string>(columns.size() + 1, "?"), ", ")
          ))) {}

    void copy(const Statement& from) {
        for (int place = 0; place < width_; ++place) {
            insert_.bind(place + 1, from.value(place));
        }
        insert_.run();
    }

  private:
    int width_;
    Statement insert_;
};

std::string select_of(std::string_view table, const std::vector<std::string>& columns) {
    return fmt::format(
        "SELECT rowid{}{} FROM {}", columns.empty() ? "" : ", ", fmt::join(columns, ", "), table
    );
}

std::vector<std::int64_t> integers(Database& database, std::string_view sql) {
    std::vector<std::int64_t> values;
    auto row = database.prepare(sql);
    while (row.step()) {
        values.push_back(row.integer(0));
    }
    return values;
}

struct Parts {
    std::vector<std::string> names;
    std::vector<std::string> sql;
};

Parts own_parts(Database& database, bool with_indexes) {
    Parts parts;
    auto row = database.prepare(sql_own_parts);
    row.bind(1, static_cast<std::int64_t>(with_indexes ? 1 : 0));
    while (row.step()) {
        parts.names.push_back(row.text(0));
        parts.sql.push_back(row.text(1));
    }
    return parts;
}

}  // namespace

Slicer::Slicer(const Run& run, const Work& work) : run_(run), work_(work) {
    auto& live = run.database;
    auto row = live.prepare(sql_tables);
    while (row.step()) {
        tables_.push_back(row.text(0));
    }
    row.reset();
    auto parts = own_parts(live, false);
    trigger_names_ = std::move(parts.names);
    triggers_ = std::move(parts.sql);
    for (const auto& table : row_tables) {
        if (has_table(live, table.name)) {
            from_.push_back({table, columns_of(live, table.name)});
        }
    }
    auto slice = empty_slice();
    this->run(slice);
    for (const auto& table : row_tables) {
        const auto create = create_of(slice, table.name);
        if (!create.empty()) {
            to_.push_back({table, columns_of(slice, table.name)});
            shadows_.push_back(
                fmt::format("CREATE TABLE {} {}", table.shadow, create.substr(create.find('(')))
            );
        }
    }
}

Database Slicer::empty_slice() const {
    auto slice = Database::scratch();
    slice.exec("PRAGMA legacy_alter_table=ON");
    for (const auto& sql : tables_) {
        slice.exec(sql);
    }
    return slice;
}

void Slicer::run(Database& slice) const {
    for (const auto& sql : triggers_) {
        slice.exec(sql);
    }
    if (work_.entry) {
        rebuild_entry(slice);
    }
    for (const auto& step : work_.plan.steps) {
        run_statements(slice, run_.lineage.at(step.id).section(step.direction));
    }
}

std::vector<std::int64_t> Slicer::left_rows_of(Database& slice) const {
    auto& live = run_.database;
    const auto top = live.integer(sql_left_top);
    auto ids = slice.prepare(sql_slice_ids);
    auto by_id = live.prepare(sql_left_by_id);
    auto by_seq = live.prepare(sql_left_by_seq);
    std::vector<std::int64_t> found;
    while (ids.step()) {
        auto& left = ids.is_null(1) ? by_seq : by_id;
        const ResetAtExit at_exit(left);
        left.bind(1, ids.value(ids.is_null(1) ? 0 : 1));
        if (left.step()) {
            found.push_back(left.integer(0));
        } else if (ids.integer(0) <= top) {
            // Central has settled another pour by that number.
            rows_moved(live, fmt::format("rowid {} was a pour's before", ids.integer(0)));
        }
    }
    return found;
}

Database Slicer::take(const std::vector<std::int64_t>& rows) const {
    auto slice = empty_slice();
    auto& live = run_.database;
    slice.exec("BEGIN");
    for (const auto& moved : from_) {
        auto select = live.prepare(
            fmt::format("{} WHERE rowid = ?1", select_of(moved.table.name, moved.columns))
        );
        Copier copier(slice, moved.table.name, moved.columns);
        const auto wanted = moved.table.name == pours_table.name ? rows : left_rows_of(slice);
        for (const auto rowid : wanted) {
            const ResetAtExit at_exit(select);
            select.bind(1, rowid);
            if (select.step()) {
                copier.copy(select);
            }
        }
    }
    const auto before = integers(slice, sql_slice_rows);
    run(slice);
    slice.exec("COMMIT");
    const auto after = integers(slice, sql_slice_rows);
    if (after.size() != before.size()) {
        throw Error(
            ErrorKind::bug,
            "rows_changed",
            fmt::format("{}: a slice lost rows on its way", live.file().string()),
            "The pours are as they were. Run this again with --writer-stopped, and send "
            "`tapline-agent journal check --json` to the developers."
        );
    }
    if (after != before) {
        rows_moved(live, "rows of a slice got other numbers");
    }
    return slice;
}

void Slicer::put(Database& slice) const {
    for (const auto& moved : to_) {
        Copier copier(run_.database, moved.table.shadow, moved.columns);
        auto select = slice.prepare(select_of(moved.table.name, moved.columns) + " ORDER BY rowid");
        while (select.step()) {
            copier.copy(select);
        }
    }
}

void Slicer::remove(const std::vector<std::int64_t>& rows) const {
    for (const auto& moved : to_) {
        auto remove =
            run_.database.prepare(fmt::format("DELETE FROM {} WHERE rowid = ?1", moved.table.shadow)
            );
        for (const auto row : rows) {
            remove.bind(1, row).run();
        }
    }
}

void Slicer::create_empty() const {
    auto& live = run_.database;
    for (const auto& moved : from_) {
        const auto create = create_of(live, moved.table.name);
        live.exec(fmt::format("ALTER TABLE {} RENAME TO {}", moved.table.name, moved.table.gone));
        live.exec(create);
    }
    for (const auto& sql : triggers_) {
        live.exec(sql);
    }
}

void Slicer::swap(const std::function<void()>& between) const {
    auto& live = run_.database;
    for (const auto& name : trigger_names_) {
        live.exec(fmt::format("DROP TRIGGER {}", quote_name(name)));
    }
    create_empty();
    between();
    const auto parts = own_parts(live, true);
    for (const auto& moved : to_) {
        live.exec(fmt::format("DROP TABLE {}", moved.table.name));
        live.exec(fmt::format("ALTER TABLE {} RENAME TO {}", moved.table.shadow, moved.table.name));
    }
    for (const auto& sql : parts.sql) {
        live.exec(sql);
    }
}

}  // namespace tapline::journal
