// What only adds is written out whole: after the upgrade nothing differs, after the downgrade
// nothing is left.
#include <catch2/catch.hpp>

#include "tests/pg/draft/lab.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

struct Case {
    const char* name;
    const char* head;
    const char* change;
};

constexpr const char* guests =
    "CREATE TABLE guests (guest_id integer PRIMARY KEY, name text, level integer NOT NULL DEFAULT "
    "1);";

// Each is written out whole: no proposal.
const Case whole[] = {
    {"schema", guests, "CREATE SCHEMA store; COMMENT ON SCHEMA store IS 'it''s back'"},
    {"extension", guests, "CREATE SCHEMA x; CREATE EXTENSION citext SCHEMA x"},
    {"enum",
     guests,
     "CREATE TYPE mood AS ENUM ('sad', 'it''s ok'); COMMENT ON TYPE mood IS 'of a guest'"},
    {"composite",
     guests,
     "CREATE TYPE size AS (width numeric(6,2), \"Label\" varchar(20) COLLATE \"C\")"},
    {"range", guests, "CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = float8mi)"},
    {"domain",
     guests,
     "CREATE DOMAIN volume AS integer DEFAULT 0 NOT NULL CONSTRAINT positive CHECK (VALUE >= 0) "
     "CHECK (VALUE < 5000)"},
    {"domain on enum used by a table",
     guests,
     "CREATE TYPE z AS ENUM ('a'); CREATE DOMAIN a AS z; CREATE TABLE t (x a DEFAULT 'a')"},
    {"collation", guests, "CREATE COLLATION plain (provider = libc, locale = 'C')"},
    {"sequence",
     guests,
     "CREATE SEQUENCE numbers AS smallint START 10 INCREMENT 5 MINVALUE 5 MAXVALUE 1000 CACHE 3 "
     "CYCLE; "
     "CREATE SEQUENCE downwards INCREMENT -1; CREATE SEQUENCE bare"},
    {"table with everything",
     guests,
     "CREATE TABLE visits (zulu text, visit_id bigint GENERATED ALWAYS AS IDENTITY (START 100) "
     "PRIMARY KEY,"
     " serial_id serial, alpha varchar(5) COLLATE \"C\" DEFAULT 'x' NOT NULL, cents integer "
     "GENERATED ALWAYS "
     "AS (length(alpha) * 2) STORED, tags text[] DEFAULT '{}', CONSTRAINT short CHECK "
     "(length(zulu) < 9), "
     "UNIQUE (alpha, zulu)) WITH (fillfactor = 70, autovacuum_enabled = off); "
     "ALTER TABLE visits ALTER zulu SET STORAGE EXTERNAL, ALTER alpha SET STATISTICS 500; "
     "COMMENT ON TABLE visits IS 'who''s in\nsecond line'; COMMENT ON COLUMN visits.zulu IS 'z'; "
     "CREATE INDEX ON visits (lower(zulu)) WHERE cents > 3; CREATE UNLOGGED TABLE pad (id int)"},
    {"table without columns", guests, "CREATE TABLE nothing ()"},
    {"foreign keys",
     guests,
     "CREATE TABLE a (id int PRIMARY KEY, b_id int, self int REFERENCES a); "
     "CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a ON DELETE CASCADE DEFERRABLE, g "
     "int "
     "REFERENCES guests); ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b"},
    {"partitions",
     guests,
     "CREATE TABLE pour (id bigint NOT NULL, at date NOT NULL, ml int CHECK (ml > 0), PRIMARY KEY "
     "(id, at), "
     "g int REFERENCES guests) PARTITION BY RANGE (at); CREATE INDEX pour_ml ON pour (ml); "
     "CREATE TABLE a_2025 PARTITION OF pour FOR VALUES FROM ('2025-01-01') TO ('2026-01-01'); "
     "CREATE TABLE pour_rest PARTITION OF pour DEFAULT"},
    {"a partition of a table that exists",
     "CREATE TABLE pour (id bigint, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE "
     "(at); "
     "CREATE INDEX pour_at ON pour (at);",
     "CREATE TABLE pour_2026 PARTITION OF pour FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')"},
    {"inheritance",
     guests,
     "CREATE TABLE animal (id int PRIMARY KEY, name text DEFAULT 'x', CHECK (name <> 'y')); "
     "CREATE TABLE dog (breed text) INHERITS (animal); ALTER TABLE dog ALTER name SET DEFAULT "
     "'rex'"},
    {"columns",
     guests,
     "ALTER TABLE guests ADD nickname varchar(20), ADD vip boolean NOT NULL DEFAULT false, "
     "ADD \"Mixed \"\"Case\" text, ADD \"select\" integer DEFAULT 7; "
     "COMMENT ON COLUMN guests.nickname IS 'as she''s called'; COMMENT ON COLUMN guests.name IS "
     "'full'"},
    {"a column with a volatile default",
     guests,
     "ALTER TABLE guests ADD token uuid; ALTER TABLE guests ALTER token SET DEFAULT "
     "gen_random_uuid()"},
    {"a default where there was none",
     guests,
     "ALTER TABLE guests ALTER name SET DEFAULT 'nobody'"},
    {"check on a table that exists",
     guests,
     "ALTER TABLE guests ADD CONSTRAINT adult CHECK (level >= 0), ADD CONSTRAINT later CHECK "
     "(level < 9) NOT "
     "VALID; COMMENT ON CONSTRAINT adult ON guests IS 'no'"},
    {"foreign key on a table that exists",
     guests,
     "CREATE TABLE towns (id int PRIMARY KEY); ALTER TABLE guests ADD town int REFERENCES towns"},
    {"unique on a table that exists",
     guests,
     "ALTER TABLE guests ADD CONSTRAINT one_name UNIQUE NULLS NOT DISTINCT (name, level); "
     "ALTER TABLE guests ADD CONSTRAINT level_once UNIQUE (level) INCLUDE (name) WITH (fillfactor "
     "= 80) DEFERRABLE; "
     "COMMENT ON CONSTRAINT one_name ON guests IS 'c'; "
     "CREATE TABLE of_level (id int PRIMARY KEY, n text, l int, FOREIGN KEY (n, l) REFERENCES "
     "guests (name, level))"},
    {"foreign key to a key that is new",
     guests,
     "ALTER TABLE guests ADD CONSTRAINT one_name UNIQUE (name); "
     "CREATE TABLE tabs (id int PRIMARY KEY, name text REFERENCES guests (name))"},
    {"primary key on a table that exists",
     "CREATE TABLE t (id int NOT NULL, x text);",
     "ALTER TABLE t ADD PRIMARY KEY (id)"},
    {"indexes on a table that exists",
     guests,
     "CREATE INDEX ON guests (lower(name) DESC NULLS LAST) INCLUDE (level) WHERE level > 3; "
     "CREATE UNIQUE INDEX \"Odd Index\" ON guests (name, level); COMMENT ON INDEX \"Odd Index\" IS "
     "'odd'"},
    {"validation",
     "CREATE TABLE t (id int); ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT VALID;",
     "ALTER TABLE t VALIDATE CONSTRAINT c"},
    {"functions",
     guests,
     "CREATE FUNCTION add_tax(price numeric, rate numeric DEFAULT 0.2) RETURNS numeric LANGUAGE "
     "sql "
     "IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'SELECT price * (1 + rate)'; "
     "CREATE FUNCTION many(VARIADIC list integer[] DEFAULT '{}') RETURNS SETOF integer LANGUAGE "
     "plpgsql ROWS 50 "
     "SECURITY DEFINER SET search_path = pg_catalog, \"$user\", pg_temp SET work_mem = '8MB' AS $$ "
     "BEGIN\n"
     "-- tapline: upgrade\nRETURN QUERY SELECT unnest(list); END $$; "
     "CREATE FUNCTION both_ways(IN a integer, OUT b integer, INOUT c text) LANGUAGE plpgsql AS $x$ "
     "BEGIN b := '$$'; END $x$; "
     "CREATE FUNCTION of_table() RETURNS SETOF guests LANGUAGE sql BEGIN ATOMIC SELECT * FROM "
     "guests; END; "
     "CREATE FUNCTION tab() RETURNS TABLE (x integer, y text) LANGUAGE sql SET search_path = '' AS "
     "$$ SELECT 1, 'a' $$; "
     "CREATE PROCEDURE note(a text) LANGUAGE sql AS $$ SELECT 1 $$; COMMENT ON FUNCTION tab() IS "
     "'t'"},
    {"functions that name what comes later",
     guests,
     "CREATE TABLE late (id int); CREATE FUNCTION a_late() RETURNS SETOF late LANGUAGE sql AS "
     "'SELECT * FROM late'; "
     "CREATE FUNCTION calls() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM a_late()'; "
     "CREATE FUNCTION z_default() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1'; "
     "CREATE TABLE b (x int DEFAULT z_default(), CHECK (x > z_default())); CREATE INDEX ON b ((x + "
     "z_default()))"},
    {"views",
     guests,
     "ALTER TABLE guests ADD nick text; CREATE VIEW z AS SELECT guest_id, nick AS \"Nick\" FROM "
     "guests; "
     "CREATE VIEW a WITH (security_barrier = true) AS SELECT * FROM z WHERE \"Nick\" <> 'it''s'; "
     "COMMENT ON VIEW a IS 'v'; COMMENT ON COLUMN a.\"Nick\" IS 'n'; "
     "CREATE MATERIALIZED VIEW m AS SELECT count(*) AS n FROM a; CREATE UNIQUE INDEX ON m (n); "
     "CREATE RULE quiet AS ON DELETE TO z DO INSTEAD NOTHING"},
    {"triggers",
     guests,
     "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; "
     "CREATE TRIGGER t AFTER UPDATE OF name ON guests FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM "
     "NEW.name) "
     "EXECUTE FUNCTION note('x', 'it''s'); ALTER TABLE guests DISABLE TRIGGER t; "
     "COMMENT ON TRIGGER t ON guests IS 'c'; CREATE CONSTRAINT TRIGGER k AFTER INSERT ON guests "
     "DEFERRABLE "
     "FOR EACH ROW EXECUTE FUNCTION note(); CREATE TABLE n (id int); CREATE TRIGGER t BEFORE "
     "INSERT ON n "
     "FOR EACH ROW EXECUTE FUNCTION note()"},
    {"statistics",
     guests,
     "CREATE STATISTICS s (ndistinct) ON name, level FROM guests; ALTER STATISTICS s SET "
     "STATISTICS 9"},
    {"policies and row security of a new table",
     guests,
     "CREATE TABLE secret (id int, o text); ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE "
     "ROW LEVEL "
     "SECURITY; CREATE POLICY own ON secret FOR SELECT TO PUBLIC USING (o = current_user); "
     "CREATE POLICY strict ON secret AS RESTRICTIVE FOR UPDATE USING (id > 1) WITH CHECK (id < 9)"},
    {"privileges",
     guests,
     "GRANT SELECT, INSERT ON guests TO draft_alice WITH GRANT OPTION; GRANT UPDATE (name) ON "
     "guests TO draft_alice; "
     "CREATE TABLE t (id int, x text); GRANT SELECT ON t TO PUBLIC; GRANT SELECT (x) ON t TO "
     "draft_alice; "
     "CREATE SEQUENCE s; GRANT USAGE ON SEQUENCE s TO draft_alice; CREATE VIEW v AS SELECT 1 AS a; "
     "GRANT SELECT ON v TO \"Draft Bob\""},
    {"publication",
     guests,
     "CREATE PUBLICATION partly FOR TABLE guests (guest_id, name) WHERE (guest_id > 3) WITH "
     "(publish = 'insert'); "
     "CREATE PUBLICATION everything FOR ALL TABLES"},
    {"event trigger",
     guests,
     "CREATE FUNCTION note_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$; "
     "CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION "
     "note_ddl()"},
    {"odd names",
     guests,
     "CREATE SCHEMA \"Odd \"\" Schema\"; CREATE TABLE \"Odd \"\" Schema\".\"a column b\" (\"user\" "
     "int PRIMARY KEY, "
     "\"it's\" text DEFAULT E'back\\\\slash', \"between\" int, CONSTRAINT \"a.b\" CHECK "
     "(\"between\" > 0)); "
     "CREATE TABLE \"order\" (\"table\" int REFERENCES \"Odd \"\" Schema\".\"a column b\"); "
     "COMMENT ON TABLE \"order\" IS E'tab\\there -- tapline: upgrade'; "
     "CREATE FUNCTION \"coalesce\"(\"Arg\" \"order\") RETURNS int LANGUAGE sql AS 'SELECT 1'"},
};

}  // namespace

TEST_CASE("Draft.WritesOutWhatOnlyAddsAndTheWayBack") {
    static const bool roles = [] {
        PgCluster::shared()
            .connect("postgres")
            .run("CREATE ROLE draft_alice; CREATE ROLE \"Draft Bob\"");
        return true;
    }();
    CHECK(roles);
    for (const Case& each : whole) {
        DYNAMIC_SECTION(each.name) {
            const Drafted drafted = draft_of(each.head, each.change);
            check_sound(drafted);
            CHECK(drafted.proposed == std::vector<std::string>{});
            CHECK(drafted.decide == std::vector<std::string>{});
            CHECK(drafted.left.empty());
            CHECK_FALSE(drafted.irreversible);
            CHECK_FALSE(drafted.files.empty());
        }
    }
}

TEST_CASE("Draft.ValuesOfAnEnumerationGetTheirPlace") {
    const Drafted drafted = draft_of(
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t (id int, m mood);",
        "ALTER TYPE mood ADD VALUE 'it''s bad' BEFORE 'sad';; ALTER TYPE mood ADD VALUE 'so-so' "
        "AFTER "
        "'sad';; ALTER TYPE mood ADD VALUE 'fine';; ALTER TABLE t ADD n mood DEFAULT 'so-so'"
    );
    check_sound(drafted);
    CHECK(drafted.left.empty());
    CHECK(drafted.irreversible);
    CHECK(drafted.files.size() == 2);
    CHECK(drafted.proposed.empty());
}

TEST_CASE("Draft.ColumnsOfANewTableKeepTheirOrder") {
    const Drafted drafted =
        draft_of("CREATE TABLE g (id int);", "CREATE TABLE t (z int, m int, a int)");
    REQUIRE(drafted.files.size() == 1);
    const std::string& text = drafted.files[0];
    CHECK(text.find("    z integer") < text.find("    m integer"));
    CHECK(text.find("    m integer") < text.find("    a integer"));
}

}  // namespace tapline::test
