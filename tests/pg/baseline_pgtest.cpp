#include <fstream>
#include <set>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "central/pg/session.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

using nlohmann::json;

const char* const tables_sql =
    "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' "
    "AND relname <> 'alembic_version' ORDER BY relname COLLATE \"C\"";
const char* const columns_sql =
    "SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod), "
    "NOT a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) ORDER BY a.attnum) "
    "FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
    "WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped";
const char* const constraints_sql =
    "SELECT coalesce(json_agg(json_build_array(conname, pg_get_constraintdef(oid)) "
    "ORDER BY conname COLLATE \"C\"), '[]') FROM pg_constraint WHERE conrelid = $1::regclass";
const char* const indexes_sql =
    "SELECT coalesce(json_agg(json_build_array(i.indexrelid::regclass::text, "
    "pg_get_indexdef(i.indexrelid)) ORDER BY i.indexrelid::regclass::text COLLATE \"C\"), '[]') "
    "FROM pg_index i WHERE i.indrelid = $1::regclass "
    "AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid "
    "AND c.contype IN ('p', 'u'))";

json expected() {
    std::ifstream in(std::string(TAPLINE_PG_TEST_DIR) + "/baseline-schema.json");
    return json::parse(in);
}

json read(pg::Session& session, const char* sql, const std::string& table) {
    return json::parse(session.query(sql, table)[0].text(0));
}

}  // namespace

TEST_CASE("Baseline.TheFirstRevisionMakesTheBarsSchemaExactly") {
    TestDatabase database;
    pg::Session session = database.connect();
    const json facts = expected();
    std::set<std::string> tables;
    const pg::Result rows = session.run(tables_sql);
    for (const pg::Row row : rows) {
        tables.emplace(row.text(0));
    }
    REQUIRE(facts.size() == 10);
    for (const auto& [table, wanted] : facts.items()) {
        INFO(table);
        REQUIRE(tables.erase(table) == 1);
        CHECK(read(session, columns_sql, table) == wanted["columns"]);
        CHECK(read(session, constraints_sql, table) == wanted["constraints"]);
        CHECK(read(session, indexes_sql, table) == wanted["indexes"]);
    }
    CHECK(tables.empty());
}

TEST_CASE("Baseline.TapIdsComeFromASequenceThatBelongsToTheColumn") {
    TestDatabase database;
    pg::Session session = database.connect();
    CHECK(
        session.run("SELECT pg_get_serial_sequence('public.taps', 'tap_id')")[0].text(0) ==
        "public.taps_tap_id_seq"
    );
}

TEST_CASE("Baseline.TheVersionTableIsAlembics") {
    TestDatabase database;
    pg::Session session = database.connect();
    const pg::Result row = session.run(
        "SELECT format_type(a.atttypid, a.atttypmod), a.attnotnull, c.conname "
        "FROM pg_attribute a JOIN pg_constraint c ON c.conrelid = a.attrelid AND c.contype = 'p' "
        "WHERE a.attrelid = 'public.alembic_version'::regclass AND a.attname = 'version_num'"
    );
    REQUIRE(row.rows() == 1);
    CHECK(row[0].text(0) == "character varying(32)");
    CHECK(row[0].boolean(1));
    CHECK(row[0].text(2) == "alembic_version_pkc");
}

}  // namespace tapline::test
