#include "central/draft/positions.hpp"

#include <fmt/format.h>

#include "central/catalog/names.hpp"

namespace tapline::draft {

namespace {

constexpr std::string_view positions_sql = R"sql(
SELECT n.nspname, c.relname, a.attname, a.attnum::integer
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema'
)sql";

}  // namespace

Positions read_positions(pg::Session& session) {
    Positions positions;
    const pg::Result rows = session.run(positions_sql);
    for (const pg::Row row : rows) {
        const std::string column = fmt::format(
            "table {} column {}",
            catalog::qualified(row.text(0), row.text(1)),
            catalog::quoted(row.text(2))
        );
        positions[column] = static_cast<int>(row.integer(3));
    }
    return positions;
}

}  // namespace tapline::draft
