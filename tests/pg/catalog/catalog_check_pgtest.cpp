// check and its sources: snapshots, and scratch databases.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "central/catalog/expectation.hpp"
#include "central/catalog/scratch.hpp"
#include "central/pg/url.hpp"
#include "central/revision/execute.hpp"
#include "common/error.hpp"
#include "tests/pg/catalog/rich.hpp"

namespace tapline::test {

namespace {

namespace fs = std::filesystem;
using catalog::Change;

pg::ConnectOptions connect_to(const TestDatabase& database) {
    return {.url = database.url(), .application_name = "test"};
}

std::vector<catalog::Finding> check(
    const TestDatabase& database, catalog::CheckOptions options = {}
) {
    options.connect = connect_to(database);
    return catalog::check_database(revision::load_lineages({}), options);
}

/// A directory with a copy of the revision files, and snapshots that a test may spoil.
class Directory {
  public:
    Directory() : path_(fs::temp_directory_path() / fmt::format("tapline-cat-{}", getpid())) {
        fs::remove_all(path_);
        fs::copy(
            fs::path(TAPLINE_SOURCE) / "migrations/postgres", path_, fs::copy_options::recursive
        );
    }

    ~Directory() { fs::remove_all(path_); }

    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

    void replace(const fs::path& file, const std::string& a, const std::string& b) const {
        std::stringstream text;
        text << std::ifstream(path_ / file).rdbuf();
        std::string whole = text.str();
        REQUIRE(whole.find(a) != std::string::npos);
        whole.replace(whole.find(a), a.size(), b);
        std::ofstream(path_ / file) << whole;
    }

  private:
    fs::path path_;
};

std::int64_t scratch_databases() {
    auto session = PgCluster::shared().connect("postgres");
    return session
        .run("SELECT count(*) FROM pg_database WHERE datname LIKE 'tapline\\_scratch\\_%'")[0]
        .integer(0);
}

}  // namespace

TEST_CASE("Check.SnapshotsInTheTreeAreWhatTheRevisionsMake") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet set = revision::load_lineages({});
    for (const catalog::Snapshot& made : catalog::make_snapshots(set, connect_to(database))) {
        const auto kept = catalog::find_snapshot(
            std::nullopt, revision::parse_lineage_name(made.lineage), made.heads
        );
        INFO("make it with `tapline-central snapshot`: " << made.lineage);
        REQUIRE(kept);
        CHECK(catalog::snapshot_text(*kept) == catalog::snapshot_text(made));
    }
    CHECK(scratch_databases() == 0);
}

TEST_CASE("Check.ADatabaseAtHeadHasNoFindings") {
    TestDatabase database;
    INFO(shown(check(database)));
    CHECK(check(database).empty());
}

TEST_CASE("Check.NamesWhatNoRevisionMade") {
    TestDatabase database;
    auto session = database.connect();
    session.run(
        "CREATE TABLE public.loyalty (id serial PRIMARY KEY); CREATE TABLE tapline.more (id "
        "integer); "
        "ALTER TABLE pours ALTER volume_ml TYPE bigint; DROP INDEX ix_pours_keg_id; "
        "ALTER TABLE taps DISABLE TRIGGER tapline_note_tap_keg; "
        "CREATE TRIGGER theirs AFTER INSERT ON pours EXECUTE FUNCTION "
        "suppress_redundant_updates_trigger()"
    );
    const auto findings = check(database);
    INFO(shown(findings));
    REQUIRE(findings.size() == 6);
    CHECK(findings[0].object == "index ix_pours_keg_id");
    CHECK(findings[0].change == Change::removed);
    CHECK(findings[1].object == "table loyalty");
    CHECK(findings[1].change == Change::added);
    CHECK(findings[2].object == "table pours column volume_ml");
    CHECK(findings[2].expected == catalog::Attributes{{"type", "integer"}});
    CHECK(findings[3].object == "table tapline.more");
    CHECK(findings[4].object == "trigger tapline_note_tap_keg on taps");
    CHECK(findings[4].found == catalog::Attributes{{"enabled", "no"}});
    CHECK(findings[5].object == "trigger theirs on pours");
    catalog::CheckOptions options;
    options.only = revision::LineageName::tapline;
    CHECK(check(database, options).size() == 2);
    options.only = revision::LineageName::app;
    CHECK(check(database, options).size() == 4);
    for (const catalog::Finding& finding : findings) {
        options.accepted.insert({finding.object, catalog::digest(finding)});
    }
    options.only.reset();
    CHECK(check(database, options).empty());
}

TEST_CASE("Check.ADatabaseOfAnotherOwnerHasNotDrifted") {
    TestDatabase database;
    auto session = database.connect();
    session.run(
        "CREATE ROLE cat_dora; DO $$ DECLARE o record; BEGIN FOR o IN SELECT format('ALTER TABLE "
        "%I.%I OWNER TO cat_dora', schemaname, tablename) AS sql FROM pg_tables WHERE schemaname = "
        "'public' LOOP EXECUTE o.sql; END LOOP; END $$"
    );
    INFO(shown(check(database)));
    CHECK(check(database).empty());
    session.run("ALTER TABLE kegs OWNER TO tapline");
    const auto findings = check(database);
    INFO(shown(findings));
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].object == "table kegs");
    CHECK(findings[0].found == catalog::Attributes{{"owner", "tapline"}});
}

TEST_CASE("Check.AnAppThatOnlyAlembicRanIsComparedAlone") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet app =
        revision::load_lineages({std::nullopt, revision::LineageName::app});
    revision::RunOptions run;
    run.connect = connect_to(database);
    revision::Runner(app, run).upgrade("heads");
    CHECK(check(database).empty());
    database.connect().run("DROP SCHEMA tapline CASCADE");
    INFO(shown(check(database)));
    CHECK(check(database).empty());
}

TEST_CASE("Check.ADatabaseAtNoRevisionIsRefused") {
    TestDatabase database(TestDatabase::Schema::empty);
    try {
        (void)check(database);
        FAIL("it was compared");
    } catch (const Error& error) {
        CHECK(error.code() == "no_revision");
        CHECK(exit_code(error.kind()) == 3);
    }
}

TEST_CASE("Check.WithoutASnapshotOrFromAnotherMajorTheRevisionsAreRun") {
    TestDatabase database;
    const Directory directory;
    catalog::CheckOptions options;
    options.directory = directory.path();
    const fs::path file = "app/snapshots/0001_m1_baseline.json";
    // The snapshot is believed …
    const std::string column = "\"table audit_logs column details\": {\"type\":";
    directory.replace(file, column + "\"text\"", column + "\"bigint\"");
    REQUIRE(check(database, options).size() == 1);
    // … unless it says that it is of another server, or isn't there.
    directory.replace(file, "\"server_major\": 15", "\"server_major\": 14");
    CHECK(check(database, options).empty());
    fs::remove(directory.path() / file);
    CHECK(check(database, options).empty());
    database.connect().run("CREATE TABLE public.rogue (id integer)");
    CHECK(check(database, options).size() == 1);
    CHECK(scratch_databases() == 0);
}

TEST_CASE("Check.ADatabaseAtAnOlderRevisionIsComparedWithThat") {
    TestDatabase database;
    const Directory directory;
    std::ofstream(directory.path() / "app/0002_more.sql")
        << "-- more\n-- Revision ID: 0002_more\n-- Revises: 0001_m1_baseline\n-- Create Date: "
           "2026-01-01\n-- Phase: expand\n\n-- tapline: upgrade\nALTER TABLE pours ADD foam_ml "
           "integer;\n-- tapline: downgrade\nALTER TABLE pours DROP foam_ml;\n";
    const revision::LineageSet set = revision::load_lineages({directory.path(), std::nullopt});
    catalog::CheckOptions options;
    options.connect = connect_to(database);
    options.directory = directory.path();
    CHECK(catalog::check_database(set, options).empty());
    revision::RunOptions run;
    run.connect = options.connect;
    revision::Runner(set, run).upgrade("heads");
    INFO(shown(catalog::check_database(set, options)));
    CHECK(catalog::check_database(set, options).empty());
    database.connect().run("ALTER TABLE pours DROP foam_ml");
    const auto findings = catalog::check_database(set, options);
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].object == "table pours column foam_ml");
    CHECK(findings[0].change == Change::removed);
}

TEST_CASE("Scratch.IsDroppedAlsoWhenARevisionFails") {
    TestDatabase database(TestDatabase::Schema::empty);
    const Directory directory;
    directory.replace(
        "app/0001_m1_baseline.sql", "CREATE TABLE cards (", "SELECT 1/0; CREATE TABLE cards ("
    );
    const revision::LineageSet set = revision::load_lineages({directory.path(), std::nullopt});
    CHECK_THROWS_AS(catalog::make_snapshots(set, connect_to(database)), Error);
    CHECK(scratch_databases() == 0);
}

TEST_CASE("Scratch.SweepsWhatAKilledRunLeftAnHourAgoAndNothingElse") {
    auto admin = PgCluster::shared().connect("postgres");
    const pg::Result names = admin.run(
        "SELECT 'tapline_scratch_' || extract(epoch FROM now())::bigint - 3700 || '_0123456789ab', "
        "'tapline_scratch_' || extract(epoch FROM now())::bigint - 3500 || '_0123456789ab'"
    );
    const std::string old(names[0].text(0));
    const std::string young(names[0].text(1));
    for (const std::string& name : {old, young, std::string("tapline_scratch_mine")}) {
        admin.run("CREATE DATABASE " + name);
    }
    TestDatabase database(TestDatabase::Schema::empty);
    {
        const catalog::ScratchDatabase scratch(connect_to(database));
        pg::Session session(scratch.connect());
        CHECK(session.run("SELECT current_database()")[0].text(0) == scratch.name());
        CHECK(scratch_databases() == 3);
    }
    CHECK(scratch_databases() == 2);
    CHECK(admin.query("SELECT 1 FROM pg_database WHERE datname = $1", old).empty());
    admin.run("DROP DATABASE " + young);
    admin.run("DROP DATABASE tapline_scratch_mine");
}

TEST_CASE("Scratch.AnotherDatabaseOfAUrlKeepsAllElse") {
    const pg::DatabaseUrl url = pg::parse_database_url(
        pg::with_database(
            "postgresql://bar:it's%20a%20%5Csecret@h1:5433,h2/bar?sslmode=require", "other'db"
        ),
        "test"
    );
    CHECK(url.database == "other'db");
    CHECK(url.user == "bar");
    CHECK(url.password == "it's a \\secret");
    CHECK(url.hosts == std::vector<pg::Host>{{"h1", "5433"}, {"h2", "5432"}});
    CHECK(url.masked.find("sslmode=require") != std::string::npos);
}

TEST_CASE("Scratch.ARoleThatMayNotCreateDatabasesIsTold") {
    TestDatabase database(TestDatabase::Schema::empty);
    database.connect().run("CREATE ROLE cat_small LOGIN");
    pg::ConnectOptions options = connect_to(database);
    options.url += " options='-c role=cat_small'";
    try {
        const catalog::ScratchDatabase scratch(options);
        FAIL("it made one");
    } catch (const Error& error) {
        CHECK(error.code() == "scratch_database");
        CHECK(error.hint().find("CREATEDB") != std::string::npos);
    }
}

}  // namespace tapline::test
