// Every attribute of types, routines and the rest.
#include <catch2/catch.hpp>

#include "tests/pg/catalog/one_change.hpp"

namespace tapline::test {

using catalog::Change;

TEST_CASE("Catalog.EachChangeOfATypeOrDomainIsOneFinding") {
    const OneChange changes[] = {
        {"CREATE TYPE extra AS ENUM ('a')", "type extra", Change::added},
        {"CREATE TYPE store.extra AS (a integer)", "type store.extra", Change::added},
        {"DROP TYPE span", "type span", Change::removed},
        {"ALTER TYPE mood ADD VALUE 'fine' BEFORE 'ok'", "type mood", Change::changed, "values"},
        {"ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'", "type mood", Change::changed, "values"},
        {"COMMENT ON TYPE mood IS NULL", "type mood", Change::changed, "comment"},
        {"ALTER TYPE mood OWNER TO cat_bob", "type mood", Change::changed, "owner"},
        {"REVOKE USAGE ON TYPE mood FROM PUBLIC", "type mood", Change::changed, "privileges"},
        {"CREATE TYPE pair AS (a integer, b text); DROP TYPE pair; CREATE TYPE twin AS RANGE "
         "(subtype "
         "= integer); COMMENT ON TYPE twin IS 'x'",
         "type twin",
         Change::added},
        {"COMMENT ON COLUMN store.size.label IS 'x'",
         "type store.size",
         Change::changed,
         "attribute comments"},
        {"DROP TYPE span; CREATE TYPE span AS RANGE (subtype = float8)",
         "type span",
         Change::changed,
         "subtype difference"},
        {"DROP TYPE span; CREATE TYPE span AS RANGE (subtype = float8, subtype_diff = float8mi, "
         "multirange_type_name = spans)",
         "type span",
         Change::changed,
         "multirange"},
        {"CREATE DOMAIN extra AS integer CHECK (VALUE > 1)", "domain extra", Change::added},
        {"ALTER DOMAIN volume SET DEFAULT 1", "domain volume", Change::changed, "default"},
        {"ALTER DOMAIN volume DROP NOT NULL", "domain volume", Change::changed, "not null"},
        {"ALTER DOMAIN volume DROP CONSTRAINT volume_positive",
         "domain volume",
         Change::changed,
         "constraint volume_positive"},
        {"ALTER DOMAIN code ADD CONSTRAINT more CHECK (VALUE <> 'q') NOT VALID",
         "domain code",
         Change::changed,
         "constraint more"},
        {"ALTER DOMAIN code DROP CONSTRAINT code_known; ALTER DOMAIN code ADD CONSTRAINT "
         "code_known "
         "CHECK (VALUE IN ('a', 'b'))",
         "domain code",
         Change::changed,
         "constraint code_known"},
        {"ALTER DOMAIN code OWNER TO cat_bob", "domain code", Change::changed, "owner"},
        {"COMMENT ON DOMAIN code IS NULL", "domain code", Change::changed, "comment"},
        {"COMMENT ON CONSTRAINT code_known ON DOMAIN code IS 'x'",
         "domain code",
         Change::changed,
         "constraint code_known comment"},
        {"CREATE COLLATION extra (provider = libc, locale = 'C')",
         "collation extra",
         Change::added},
        {"DROP COLLATION plain; CREATE COLLATION plain (provider = libc, locale = 'POSIX')",
         "collation plain",
         Change::changed,
         "locale"},
        {"DROP COLLATION plain; CREATE COLLATION plain (provider = icu, locale = 'de', "
         "deterministic "
         "= false)",
         "collation plain"},
        {"COMMENT ON COLLATION plain IS 'x'", "collation plain", Change::changed, "comment"},
    };
    check_each(changes);
}

TEST_CASE("Catalog.ReorderedEnumAndCompositeTypesAreSeen") {
    const CopyOf copy(rich_database());
    copy.connect().run("CREATE TYPE e AS ENUM ('a', 'b'); CREATE TYPE c AS (x integer, y text)");
    const CopyOf other(rich_database());
    other.connect().run("CREATE TYPE e AS ENUM ('b', 'a'); CREATE TYPE c AS (y text, x integer)");
    const auto findings = catalog::compare(read(copy.name()), read(other.name()));
    INFO(shown(findings));
    REQUIRE(findings.size() == 2);
    CHECK(findings[0].found == catalog::Attributes{{"attributes", "y text, x integer"}});
    CHECK(findings[1].found == catalog::Attributes{{"values", "'b', 'a'"}});
}

TEST_CASE("Catalog.EachChangeOfARoutineIsOneFinding") {
    const char* const tax = "function add_tax(numeric, numeric)";
    const char* const list = "function many(integer[])";
    const OneChange changes[] = {
        {"CREATE FUNCTION add_tax(integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
         "function add_tax(integer)",
         Change::added},
        {"CREATE FUNCTION store.extra(mood, store.size) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
         "function store.extra(mood, store.size)",
         Change::added},
        {"CREATE FUNCTION bare() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
         "function bare()",
         Change::added},
        {"DROP FUNCTION add_tax", tax, Change::removed},
        {"DROP PROCEDURE tidy", "procedure tidy(integer)", Change::removed},
        {"CREATE OR REPLACE FUNCTION add_tax(price numeric, rate numeric DEFAULT 0.3) RETURNS "
         "numeric "
         "LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 5 AS 'SELECT price * (1 + "
         "rate)'",
         tax,
         Change::changed,
         "arguments"},
        {"CREATE OR REPLACE FUNCTION add_tax(price numeric, rate numeric DEFAULT 0.2) RETURNS "
         "numeric "
         "LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 5 AS 'SELECT price  * (1 + "
         "rate)'",
         tax,
         Change::changed,
         "body"},
        {"SET check_function_bodies = off; "
         "CREATE OR REPLACE FUNCTION add_tax(price numeric, rate numeric DEFAULT 0.2) RETURNS "
         "numeric "
         "LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 5 AS 'SELECT price * (1 + "
         "rate)'",
         tax,
         Change::changed,
         "language"},
        {"ALTER FUNCTION add_tax STABLE", tax, Change::changed, "volatility"},
        {"ALTER FUNCTION add_tax CALLED ON NULL INPUT", tax, Change::changed, "strict"},
        {"ALTER FUNCTION add_tax SECURITY DEFINER", tax, Change::changed, "security"},
        {"ALTER FUNCTION add_tax NOT LEAKPROOF", tax, Change::changed, "leakproof"},
        {"ALTER FUNCTION add_tax PARALLEL RESTRICTED", tax, Change::changed, "parallel"},
        {"ALTER FUNCTION add_tax COST 6", tax, Change::changed, "cost"},
        {"ALTER FUNCTION many ROWS 51", list, Change::changed, "rows"},
        {"ALTER FUNCTION many SET work_mem = '9MB'", list, Change::changed, "settings"},
        {"ALTER FUNCTION many RESET ALL", list, Change::changed, "settings"},
        {"ALTER FUNCTION many SUPPORT generate_series_int4_support",
         list,
         Change::changed,
         "support"},
        {"ALTER FUNCTION many OWNER TO cat_bob", list, Change::changed, "owner"},
        {"GRANT EXECUTE ON FUNCTION add_tax TO PUBLIC", tax, Change::changed, "privileges"},
        {"REVOKE EXECUTE ON FUNCTION many FROM PUBLIC; GRANT EXECUTE ON FUNCTION many TO cat_bob",
         list,
         Change::changed,
         "privileges"},
        {"COMMENT ON FUNCTION add_tax IS NULL", tax, Change::changed, "comment"},
        {"DROP FUNCTION store.table_of; CREATE FUNCTION store.table_of() RETURNS TABLE (x integer, "
         "z "
         "mood) LANGUAGE sql AS $$ SELECT 1, 'ok'::public.mood $$",
         "function store.table_of()"},
        {"CREATE OR REPLACE FUNCTION known_kind(kind varchar) RETURNS boolean LANGUAGE sql STABLE "
         "RETURN kind IN ('day', 'month') AND (1 = 1 AND kind <> 'x')",
         "function known_kind(character varying)",
         Change::changed,
         "sql body"},
        {"CREATE OR REPLACE PROCEDURE tidy(days integer DEFAULT 8) LANGUAGE plpgsql AS $$ BEGIN "
         "DELETE "
         "FROM public.guest WHERE false; END $$",
         "procedure tidy(integer)",
         Change::changed,
         "arguments"},
        {"CREATE AGGREGATE extra(integer) (sfunc = int4pl, stype = integer)",
         "aggregate extra(integer)",
         Change::added},
        {"CREATE OR REPLACE AGGREGATE longest(text) (sfunc = text_smaller, stype = text, initcond "
         "= "
         "'', combinefunc = text_larger, parallel = safe)",
         "aggregate longest(text)",
         Change::changed,
         "state function"},
        {"CREATE OR REPLACE AGGREGATE longest(text) (sfunc = text_larger, stype = text, initcond = "
         "'q', combinefunc = text_larger, parallel = safe)",
         "aggregate longest(text)",
         Change::changed,
         "initial state"},
        {"COMMENT ON AGGREGATE longest(text) IS 'x'",
         "aggregate longest(text)",
         Change::changed,
         "comment"},
        {"CREATE OPERATOR === (leftarg = integer, rightarg = integer, function = close_to)",
         "operator ===(integer, integer)",
         Change::added},
        {"DROP OPERATOR store.<<<>>> (integer, integer)",
         "operator store.<<<>>>(integer, integer)",
         Change::removed},
        {"ALTER OPERATOR ~~~ (integer, integer) SET (restrict = neqsel)",
         "operator ~~~(integer, integer)",
         Change::changed,
         "restrict"},
        {"CREATE CAST (integer AS mood) WITH INOUT", "cast (integer AS mood)", Change::added},
        {"DROP CAST (mood AS integer); CREATE CAST (mood AS integer) WITH FUNCTION "
         "mood_number(mood)",
         "cast (mood AS integer)",
         Change::changed,
         "context"},
    };
    check_each(changes);
}

TEST_CASE("Catalog.ASubscriptionIsSeen") {
    const CopyOf copy(rich_database());
    auto session = copy.connect();
    session.run("CREATE SUBSCRIPTION sub CONNECTION 'dbname=x' PUBLICATION p WITH (connect = false)"
    );
    session.run("ALTER SUBSCRIPTION sub SET (slot_name = NONE)");
    const auto findings = catalog::compare(rich_catalog(), read(copy.name()));
    session.run("DROP SUBSCRIPTION sub");
    INFO(shown(findings));
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].object == "subscription sub");
}

TEST_CASE("Catalog.EachChangeOfAnythingElseIsOneFinding") {
    const OneChange changes[] = {
        {"CREATE SCHEMA extra", "schema extra", Change::added},
        {"COMMENT ON SCHEMA store IS NULL", "schema store", Change::changed, "comment"},
        {"ALTER SCHEMA store OWNER TO cat_bob", "schema store"},
        {"GRANT CREATE ON SCHEMA public TO PUBLIC", "schema public", Change::changed, "privileges"},
        {"REVOKE USAGE ON SCHEMA store FROM cat_alice",
         "schema store",
         Change::changed,
         "privileges"},
        {"CREATE EXTENSION hstore", "extension hstore", Change::added},
        {"DROP EXTENSION citext", "extension citext", Change::removed},
        {"ALTER EXTENSION citext SET SCHEMA public", "extension citext", Change::changed, "schema"},
        {"UPDATE pg_extension SET extversion = '1.0' WHERE extname = 'citext'",
         "extension citext",
         Change::changed,
         "version"},
        {"CREATE PUBLICATION extra", "publication extra", Change::added},
        {"ALTER PUBLICATION everything SET (publish = 'insert')",
         "publication everything",
         Change::changed,
         "publish"},
        {"ALTER PUBLICATION partly SET (publish_via_partition_root)",
         "publication partly",
         Change::changed,
         "via root"},
        {"ALTER PUBLICATION partly DROP TABLE store.keg",
         "publication partly",
         Change::changed,
         "table store.keg"},
        {"ALTER PUBLICATION partly SET TABLE guest (guest_id) WHERE (guest_id BETWEEN 1 AND 9 AND "
         "guest_id <> 3), store.keg",
         "publication partly",
         Change::changed,
         "table public.guest"},
        {"ALTER PUBLICATION partly SET TABLE guest (guest_id, kind) WHERE (guest_id > 1), "
         "store.keg",
         "publication partly",
         Change::changed,
         "where of public.guest"},
        {"ALTER PUBLICATION stored ADD TABLES IN SCHEMA public",
         "publication stored",
         Change::changed,
         "schemas"},
        {"ALTER PUBLICATION stored OWNER TO cat_bob",
         "publication stored",
         Change::changed,
         "owner"},
        {"DROP EVENT TRIGGER watch_ddl", "event trigger watch_ddl", Change::removed},
        {"ALTER EVENT TRIGGER watch_ddl DISABLE",
         "event trigger watch_ddl",
         Change::changed,
         "enabled"},
        {"DROP EVENT TRIGGER watch_ddl; CREATE EVENT TRIGGER watch_ddl ON ddl_command_end EXECUTE "
         "FUNCTION note_ddl()",
         "event trigger watch_ddl",
         Change::changed,
         "tags"},
        {"ALTER DEFAULT PRIVILEGES IN SCHEMA store GRANT INSERT ON TABLES TO cat_bob",
         "default privileges of @owner in schema store on tables",
         Change::changed,
         "privileges"},
        {"ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO PUBLIC",
         "default privileges of @owner on functions",
         Change::removed},
        {"ALTER DEFAULT PRIVILEGES FOR ROLE cat_bob GRANT SELECT ON SEQUENCES TO cat_alice",
         "default privileges of cat_bob on sequences",
         Change::added},
        {"CREATE FOREIGN DATA WRAPPER extra", "foreign-data wrapper extra", Change::added},
        {"ALTER FOREIGN DATA WRAPPER nowhere OPTIONS (SET debug 'false')",
         "foreign-data wrapper nowhere",
         Change::changed,
         "options"},
        {"ALTER SERVER far OPTIONS (SET host 'i')", "server far", Change::changed, "options"},
        {"ALTER SERVER far VERSION '2'", "server far", Change::changed, "version"},
        {"DROP USER MAPPING FOR cat_alice SERVER far",
         "user mapping for cat_alice server far",
         Change::removed},
        {"DROP FOREIGN TABLE remote", "foreign table remote", Change::removed},
        // The generic sweep.
        {"DROP TEXT SEARCH CONFIGURATION beer", "text search configuration beer", Change::removed},
        {"CREATE TEXT SEARCH DICTIONARY words (template = simple)",
         "text search dictionary words",
         Change::added},
        {"DROP CONVERSION my_conversion", "conversion my_conversion", Change::removed},
        {"CREATE ACCESS METHOD other TYPE INDEX HANDLER bthandler",
         "access method other",
         Change::added},
        {"CREATE LANGUAGE mine HANDLER plpgsql_call_handler", "language mine", Change::added},
        {"CREATE OPERATOR FAMILY fam USING hash", "operator family fam USING hash", Change::added},
        {"COMMENT ON OPERATOR CLASS backwards USING btree IS 'x'",
         "operator class backwards USING btree",
         Change::changed,
         "comment"},
    };
    check_each(changes);
}

}  // namespace tapline::test
