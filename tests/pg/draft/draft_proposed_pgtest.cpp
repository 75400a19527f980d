// What doesn't only add is asked about and never done; and the verb's own refusals.
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/pg/draft/lab.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using Names = std::vector<std::string>;

constexpr const char* guests =
    "CREATE TABLE guests (guest_id integer PRIMARY KEY, name varchar(20) NOT NULL, level integer "
    "DEFAULT 1,"
    " CONSTRAINT fair CHECK (level > 0)); CREATE INDEX by_name ON guests (name); COMMENT ON TABLE "
    "guests IS 'g'; "
    "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS "
    "'SELECT 1'; "
    "CREATE VIEW v AS SELECT guest_id FROM guests; CREATE SEQUENCE s;";

struct Case {
    const char* name;
    const char* change;
    Names proposed;
    const char* sql;  ///< a line that is there in comments
};

const Case cases[] = {
    {"a table that is gone",
     "DROP VIEW v; DROP TABLE guests",
     {"table guests", "view v"},
     "-- | DROP TABLE public.guests;"},
    {"a column that is gone",
     "ALTER TABLE guests DROP level",
     {"table guests column level", "table guests constraint fair"},
     "-- | ALTER TABLE public.guests DROP COLUMN level;"},
    {"a constraint that is gone",
     "ALTER TABLE guests DROP CONSTRAINT fair",
     {"table guests constraint fair"},
     "-- | ALTER TABLE public.guests DROP CONSTRAINT fair;"},
    {"an index, a sequence, a function and a view that are gone",
     "DROP INDEX by_name; DROP SEQUENCE s; DROP FUNCTION f(); DROP VIEW v",
     {"function f()", "index by_name", "sequence s", "view v"},
     "-- | DROP FUNCTION public.f();"},
    {"a type of a column",
     "DROP VIEW v; ALTER TABLE guests ALTER guest_id TYPE bigint",
     {"table guests column guest_id", "view v"},
     "-- | ALTER TABLE public.guests ALTER COLUMN guest_id TYPE bigint;"},
    {"a longer text",
     "ALTER TABLE guests ALTER name TYPE varchar(40)",
     {"table guests column name"},
     "-- | ALTER TABLE public.guests ALTER COLUMN name TYPE character varying(40);"},
    {"NOT NULL on a column that exists",
     "ALTER TABLE guests ALTER level SET NOT NULL",
     {"table guests column level"},
     "-- | ALTER TABLE public.guests ALTER COLUMN level SET NOT NULL;"},
    {"NOT NULL taken away, and another default",
     "ALTER TABLE guests ALTER name DROP NOT NULL, ALTER level SET DEFAULT 2",
     {"table guests column level", "table guests column name"},
     "-- | ALTER TABLE public.guests ALTER COLUMN level SET DEFAULT 2;"},
    {"a default that is gone",
     "ALTER TABLE guests ALTER level DROP DEFAULT",
     {"table guests column level"},
     "-- | ALTER TABLE public.guests ALTER COLUMN level DROP DEFAULT;"},
    {"a default that fits the new type alone",
     "ALTER TABLE guests ALTER name TYPE integer USING 1, ALTER name SET DEFAULT 7",
     {"table guests column name"},
     "-- | ALTER TABLE public.guests ALTER COLUMN name SET DEFAULT 7;"},
    {"a comment that is gone",
     "COMMENT ON TABLE guests IS NULL",
     {"table guests"},
     "-- DECIDE: table guests"},
    {"another check",
     "ALTER TABLE guests DROP CONSTRAINT fair, ADD CONSTRAINT fair CHECK (level > 1)",
     {"table guests constraint fair"},
     "-- | ALTER TABLE public.guests ADD CONSTRAINT fair CHECK ((level > 1));"},
    {"another function",
     "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 2 -- tapline: "
     "upgrade\n$$",
     {"function f()"},
     "-- | CREATE OR REPLACE FUNCTION public.f()"},
    {"another view",
     "CREATE OR REPLACE VIEW v AS SELECT guest_id + 0 AS guest_id FROM guests",
     {"view v"},
     "-- | CREATE OR REPLACE VIEW public.v AS"},
    {"another index",
     "DROP INDEX by_name; CREATE INDEX by_name ON guests (name, level)",
     {"index by_name"},
     "-- | CREATE INDEX by_name ON public.guests USING btree (name, level);"},
    {"values of an enumeration in another order",
     "DROP TYPE mood; CREATE TYPE mood AS ENUM ('ok', 'sad')",
     {"type mood"},
     "-- DECIDE: type mood"},
    {"a value of an enumeration that is gone",
     "DROP TYPE mood; CREATE TYPE mood AS ENUM ('sad')",
     {"type mood"},
     "-- DECIDE: type mood"},
    {"a renamed column",
     "ALTER TABLE guests RENAME level TO grade",
     {"table guests column grade", "table guests column level", "table guests constraint fair"},
     "-- | ALTER TABLE public.guests RENAME COLUMN level TO grade;"},
    {"a renamed table",
     "ALTER TABLE guests RENAME TO visitors",
     {"index by_name", "table guests", "table visitors", "view v"},
     "-- | ALTER TABLE public.guests RENAME TO visitors;"},
    {"a renamed index",
     "ALTER INDEX by_name RENAME TO of_name",
     {"index by_name", "index of_name"},
     "-- | ALTER INDEX public.by_name RENAME TO of_name;"},
    {"a renamed constraint",
     "ALTER TABLE guests RENAME CONSTRAINT fair TO just",
     {"table guests constraint fair", "table guests constraint just"},
     "-- | ALTER TABLE public.guests RENAME CONSTRAINT fair TO just;"},
    {"an owner",
     "ALTER SEQUENCE s OWNER TO proposed_alice",
     {"sequence s"},
     "-- DECIDE: sequence s"},
    {"rights taken away",
     "REVOKE ALL ON FUNCTION f() FROM PUBLIC",
     {"function f()"},
     "-- | REVOKE EXECUTE ON FUNCTION public.f() FROM PUBLIC;"},
    {"row security of a table that exists",
     "ALTER TABLE guests ENABLE ROW LEVEL SECURITY",
     {"table guests"},
     "-- DECIDE: table guests"},
    {"a generated column of a table that exists",
     "ALTER TABLE guests ADD twice int GENERATED ALWAYS AS (level * 2) STORED",
     {"table guests column twice"},
     "-- | ALTER TABLE public.guests ADD COLUMN twice integer GENERATED"},
    {"an identity of a table that exists, and what stands on it",
     "ALTER TABLE guests ADD nr int GENERATED ALWAYS AS IDENTITY; CREATE INDEX by_nr ON guests "
     "(nr); "
     "CREATE VIEW w AS SELECT nr FROM guests",
     {"index by_nr", "table guests column nr", "view w"},
     "-- | CREATE VIEW public.w AS"},
    {"an exclusion of a table that exists",
     "ALTER TABLE guests ADD EXCLUDE USING btree (name WITH =)",
     {"table guests constraint guests_name_excl"},
     "-- | ALTER TABLE public.guests ADD CONSTRAINT guests_name_excl"},
};

std::string all_text(const Drafted& drafted) {
    std::string text;
    for (const std::string& each : drafted.files) {
        text += each;
    }
    return text;
}

Names sorted(Names names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

/// A directory with one empty revision, for the verb's own manners.
class Project {
  public:
    Project() : path_(fs::temp_directory_path() / fmt::format("tapline-dp-{}", getpid())) {
        fs::remove_all(path_);
        fs::create_directories(path_ / "app");
        std::ofstream(path_ / "app/0001_head.sql")
            << "-- head\n-- Revision ID: 0001\n-- Revises:\n-- Create Date: 2026-01-01\n\n"
               "-- tapline: upgrade\nCREATE TABLE g (id int);\n-- tapline: downgrade\nDROP TABLE "
               "g;\n";
    }

    ~Project() { fs::remove_all(path_); }

    Project(const Project&) = delete;
    Project& operator=(const Project&) = delete;

    [[nodiscard]] Outcome run(Names arguments, const std::string& url) const {
        arguments.insert(arguments.end(), {"--dir", path_.string(), "--lineage", "app", "--json"});
        return run_central(arguments, url);
    }

    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(fs::directory_iterator(path_ / "app"), fs::directory_iterator())
        );
    }

    [[nodiscard]] std::string path() const { return path_.string(); }

  private:
    fs::path path_;
};

const Names autogenerate{"revision", "-m", "x", "--rev-id", "dddd", "--autogenerate"};

}  // namespace

TEST_CASE("Draft.AsksAboutWhatDoesNotOnlyAdd") {
    static const bool role = [] {
        PgCluster::shared().connect("postgres").run("CREATE ROLE proposed_alice");
        return true;
    }();
    CHECK(role);
    for (const Case& each : cases) {
        DYNAMIC_SECTION(each.name) {
            // A table beside it, so that there is something to run.
            const Drafted drafted =
                draft_of(guests, std::string(each.change) + "; CREATE TABLE beside (id int)");
            check_sound(drafted);
            CHECK(sorted(drafted.proposed) == each.proposed);
            CHECK(drafted.written == Names{"table beside"});
            INFO(all_text(drafted));
            CHECK(all_text(drafted).find(each.sql) != std::string::npos);
        }
    }
}

TEST_CASE("Draft.AColumnThatIsToBeNotNullComesNullableFirst") {
    const Drafted drafted =
        draft_of("CREATE TABLE g (id int);", "ALTER TABLE g ADD x int NOT NULL");
    check_sound(drafted);
    CHECK(drafted.written == Names{"table g column x"});
    CHECK(drafted.proposed == Names{"table g column x"});
    REQUIRE(drafted.left.size() == 1);
    CHECK(drafted.left[0].found == catalog::Attributes{{"not null", "yes"}});
    CHECK(
        all_text(drafted).find("\nALTER TABLE public.g ADD COLUMN x integer;\n") !=
        std::string::npos
    );
}

TEST_CASE("Draft.ASerialColumnOfATableThatExistsIsFilledByItsAuthor") {
    const Drafted drafted = draft_of("CREATE TABLE g (id int);", "ALTER TABLE g ADD nr serial");
    check_sound(drafted);
    CHECK(drafted.proposed == Names{"table g column nr"});
    REQUIRE(drafted.left.size() == 1);
    CHECK(drafted.left[0].found == catalog::Attributes{{"not null", "yes"}});
}

TEST_CASE("Draft.ProposesEveryStepOfWhatStandsOnAProposal") {
    const Drafted drafted = draft_of(
        "CREATE TABLE guests (id int PRIMARY KEY, name text); CREATE TABLE tabs (id int, guest "
        "int);",
        "ALTER TABLE guests RENAME TO visitors; ALTER TABLE tabs ADD CONSTRAINT of_guest FOREIGN "
        "KEY "
        "(guest) REFERENCES visitors; ALTER TABLE tabs ADD CONSTRAINT c CHECK (id > 0)"
    );
    check_sound(drafted);
    CHECK(
        sorted(drafted.proposed) ==
        Names{"table guests", "table tabs constraint of_guest", "table visitors"}
    );
    CHECK(sorted(drafted.written) == Names{"table tabs constraint c"});
}

TEST_CASE("Draft.AsksAboutPartitionedTablesThatExist") {
    const Drafted drafted = draft_of(
        "CREATE TABLE g (id int PRIMARY KEY); CREATE TABLE p (id int, at date NOT NULL) PARTITION "
        "BY RANGE (at); "
        "CREATE TABLE p_rest PARTITION OF p DEFAULT;",
        "CREATE INDEX by_id ON p (id); ALTER TABLE p ADD CONSTRAINT once UNIQUE (id, at); ALTER "
        "TABLE p ADD "
        "CONSTRAINT of_g FOREIGN KEY (id) REFERENCES g; CREATE TABLE p_2026 PARTITION OF p FOR "
        "VALUES FROM "
        "('2026-01-01') TO ('2027-01-01'); ALTER TABLE p ADD note text; ALTER TABLE p ADD "
        "CONSTRAINT c CHECK (id > 0)"
    );
    check_sound(drafted);
    CHECK(
        sorted(drafted.proposed) ==
        Names{
            "index by_id",
            "index p_2026_id_idx",
            "table p constraint of_g",
            "table p constraint once",
            "table p_2026"}
    );
    CHECK(sorted(drafted.written) == Names{"table p column note", "table p constraint c"});
}

TEST_CASE("Draft.WithoutTheRightToTryItSaysSo") {
    const Project project;
    const TestDatabase database(TestDatabase::Schema::empty);
    REQUIRE(project.run({"upgrade", "head"}, database.url()).code == 0);
    REQUIRE(
        run_central({"snapshot", "--dir", project.path(), "--lineage", "app"}, database.url())
            .code == 0
    );
    pg::Session session = database.connect();
    session.run(
        "CREATE TABLE h (id int); CREATE ROLE draft_modest LOGIN PASSWORD 'x'; GRANT SELECT ON ALL "
        "TABLES IN "
        "SCHEMA public TO draft_modest; REVOKE SELECT ON g, h FROM draft_modest"
    );
    const std::string modest = database.url() + " user=draft_modest";
    const Outcome made = project.run(autogenerate, modest);
    INFO(made.out << made.err << modest);
    REQUIRE(made.code == 0);
    CHECK(json::parse(made.out)["tried"] == false);
}

TEST_CASE("Draft.OfProposalsAloneRefusesToRun") {
    const Project project;
    const TestDatabase database(TestDatabase::Schema::empty);
    REQUIRE(project.run({"upgrade", "head"}, database.url()).code == 0);
    database.connect().run("DROP TABLE g");
    const Outcome made = project.run(autogenerate, database.url());
    CHECK(made.code == 0);
    const json revisions = json::parse(made.out)["revisions"];
    REQUIRE(revisions.size() == 1);
    CHECK(revisions[0]["written"] == json::array());
    CHECK(revisions[0]["proposed"][0]["object"] == "table g");
    CHECK(revisions[0]["revises"] == json{"0001"});
    const Outcome run = project.run({"upgrade", "head"}, database.url());
    CHECK(run.code == 3);
    CHECK(json::parse(run.out)["error"]["kind"] == "refused_by_revision");
    CHECK(run.out.find("nothing but proposals") != std::string::npos);
    CHECK(run_central({"lint", revisions[0]["file"]}, "").code == 0);
}

TEST_CASE("Draft.WithoutADifferenceWritesNothing") {
    const Project project;
    const TestDatabase database(TestDatabase::Schema::empty);
    REQUIRE(project.run({"upgrade", "head"}, database.url()).code == 0);
    const Outcome made = project.run(autogenerate, database.url());
    CHECK(made.code == 0);
    const json body = json::parse(made.out);
    CHECK(body["revisions"] == json::array());
    CHECK(body["compared"].get<std::string>().find("database " + database.name()) == 0);
    CHECK(project.files() == 1);
}

TEST_CASE("Draft.RefusesADatabaseThatStandsElsewhere") {
    const Project project;
    const TestDatabase database(TestDatabase::Schema::empty);
    Outcome made = project.run(autogenerate, database.url());
    CHECK(made.code == 3);
    const json error = json::parse(made.out)["error"];
    CHECK(error["kind"] == "not_at_head");
    CHECK(error["message"].get<std::string>().find("stands at base") != std::string::npos);
    CHECK(project.files() == 1);
    made = run_central(
        {"revision", "-m", "x", "--autogenerate", "--sql", "x", "--dir", project.path()},
        database.url()
    );
    CHECK(made.code == 2);
    CHECK(project.run(autogenerate, "").code == 2);
}

TEST_CASE("Draft.FromAFileRunsItInAnEmptyDatabase") {
    const Drafted drafted = draft_from(
        "CREATE TABLE guests (id int PRIMARY KEY);",
        "SELECT pg_catalog.set_config('search_path', '', false);\n"
        "CREATE TABLE public.guests (id int PRIMARY KEY, name text);\nCREATE TABLE public.tabs (id "
        "int);"
    );
    check_sound(drafted);
    CHECK(drafted.proposed.empty());
    CHECK(drafted.left.empty());
    CHECK(sorted(drafted.written) == Names{"table guests column name", "table tabs"});
}

TEST_CASE("Draft.FromAFileThatDoesNotRunNamesItsLine") {
    const Project project;
    const TestDatabase database(TestDatabase::Schema::empty);
    const std::string file = project.path() + "/schema.sql";
    std::ofstream(file
    ) << "\\restrict abc\nCREATE TABLE a (id int);\nCREATE TABLE b (id nonesuch);\n";
    const Outcome made = project.run({"revision", "-m", "x", "--from", file}, database.url());
    CHECK(made.code == 5);
    CHECK(
        json::parse(made.out)["error"]["message"].get<std::string>().find("schema.sql line 3: ") !=
        std::string::npos
    );
    CHECK(project.files() == 1);
}

}  // namespace tapline::test
