#include "agent/journal/own_objects.hpp"

#include "agent/journal/create_rules.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/schema.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_own_objects =
    "SELECT type || ' ' || name, sql FROM sqlite_schema "
    "WHERE name LIKE 'tapline~_%' ESCAPE '~' AND name NOT IN ('tapline_revision', "
    "'tapline_salvage') AND name NOT LIKE 'tapline~_step%' ESCAPE '~' AND sql IS NOT NULL";

}  // namespace

ObjectMap own_objects(Database& database) {
    ObjectMap objects;
    auto row = database.prepare(sql_own_objects);
    while (row.step()) {
        objects.emplace(row.text(0), normal_sql(row.text(1)));
    }
    return objects;
}

ObjectMap expected_objects(const std::string& revision) {
    auto scratch = Database::scratch();
    MigrateOptions options;
    options.deadline.reset();
    upgrade(scratch, revision, options);
    return own_objects(scratch);
}

}  // namespace tapline::journal
