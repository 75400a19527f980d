#include "central/import/table_data.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tapline::alembic {

namespace {

constexpr std::string_view tables_sql = R"sql(
SELECT format('%I.%I', n.nspname, c.relname), format('%I', a.attname),
    t.typname = ANY ('{timestamptz,timestamp,date,time,timetz,uuid}')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'tapline')
    AND NOT (n.nspname = 'public' AND c.relname = 'alembic_version')
ORDER BY 1, a.attname
)sql";
constexpr std::string_view sequences_sql = R"sql(
SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value::text, '')
FROM pg_sequences WHERE schemaname <> 'tapline'
)sql";

/// The text of values in the order of the columns' names; added up, so that the order of the rows
/// doesn't matter.
std::string sum_of(const std::vector<std::string>& columns) {
    if (columns.empty()) {
        return "'0'";
    }
    return fmt::format(
        "coalesce(sum(hashtextextended(ROW({})::text, 0)::numeric), 0)::text",
        fmt::join(columns, ", ")
    );
}

struct Columns {
    std::vector<std::string> steady;
    std::vector<std::string> fleeting;
};

TableData read_table(pg::Session& session, const std::string& name, const Columns& columns) {
    std::string select = fmt::format("SELECT count(*)::text, {}", sum_of(columns.steady));
    for (const std::string& each : columns.fleeting) {
        select += ", " + sum_of({each});
    }
    // Names come from the catalog, quoted by format(%I).
    const pg::Result result = session.run(fmt::format("{} FROM ONLY {}", select, name));
    TableData data{std::string(result[0].text(0)), std::string(result[0].text(1)), {}};
    for (std::size_t i = 0; i < columns.fleeting.size(); ++i) {
        data.fleeting[columns.fleeting[i]] = result[0].text(2 + static_cast<int>(i));
    }
    return data;
}

}  // namespace

DatabaseData read_data(pg::Session& session) {
    DatabaseData data;
    std::map<std::string, Columns> tables;
    const pg::Result found = session.run(tables_sql);
    for (const pg::Row row : found) {
        Columns& columns = tables[std::string(row.text(0))];
        (row.boolean(2) ? columns.fleeting : columns.steady).emplace_back(row.text(1));
    }
    for (const auto& [name, columns] : tables) {
        data.tables[name] = read_table(session, name, columns);
    }
    const pg::Result sequences = session.run(sequences_sql);
    for (const pg::Row row : sequences) {
        data.sequences[std::string(row.text(0))] = row.text(1);
    }
    return data;
}

DataDifferences compare_data(const DatabaseData& alembic, const DatabaseData& ours) {
    DataDifferences differences;
    for (const auto& [name, theirs] : alembic.tables) {
        const auto mine = ours.tables.find(name);
        if (mine == ours.tables.end()) {
            continue;
        }
        if (theirs.rows != mine->second.rows) {
            differences.found.push_back(fmt::format(
                "table {}: {} rows with Alembic, {} with tapline",
                name,
                theirs.rows,
                mine->second.rows
            ));
        } else if (theirs.steady != mine->second.steady) {
            differences.found.push_back(fmt::format("table {}: its rows hold other values", name));
        }
        for (const auto& [column, sum] : theirs.fleeting) {
            const auto own = mine->second.fleeting.find(column);
            if (own != mine->second.fleeting.end() && own->second != sum &&
                theirs.rows == mine->second.rows) {
                differences.notes.push_back(fmt::format(
                    "table {} column {}: a moment or a random id that is made while the step runs?",
                    name,
                    column
                ));
            }
        }
    }
    for (const auto& [name, last] : alembic.sequences) {
        const auto mine = ours.sequences.find(name);
        if (mine != ours.sequences.end() && mine->second != last) {
            differences.found.push_back(fmt::format(
                "sequence {}: its last value is {} with Alembic, {} with tapline",
                name,
                last.empty() ? "none" : last,
                mine->second.empty() ? "none" : mine->second
            ));
        }
    }
    return differences;
}

}  // namespace tapline::alembic
