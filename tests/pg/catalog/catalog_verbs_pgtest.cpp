// Exit codes and output of check, diff and snapshot, through the program's own entry.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <sstream>

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/context.hpp"
#include "tests/pg/catalog/rich.hpp"

namespace tapline::test {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct Outcome {
    int code = 0;
    std::string out;
    std::string err;

    [[nodiscard]] json body() const { return json::parse(out); }
};

class Redirect {
  public:
    Redirect() : out_(std::cout.rdbuf(out.rdbuf())), err_(std::cerr.rdbuf(err.rdbuf())) {}

    ~Redirect() {
        std::cout.rdbuf(out_);
        std::cerr.rdbuf(err_);
    }

    Redirect(const Redirect&) = delete;
    Redirect& operator=(const Redirect&) = delete;

    std::ostringstream out;
    std::ostringstream err;

  private:
    std::streambuf* out_;
    std::streambuf* err_;
};

Outcome run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "tapline-central");
    std::vector<char*> argv;
    for (std::string& argument : arguments) {
        argv.push_back(argument.data());
    }
    Redirect redirect;
    const int code = cli::run_program(static_cast<int>(argv.size()), argv.data());
    return {code, redirect.out.str(), redirect.err.str()};
}

class DatabaseUrl {
  public:
    explicit DatabaseUrl(const std::string& url) { setenv("DATABASE_URL", url.c_str(), 1); }

    ~DatabaseUrl() { unsetenv("DATABASE_URL"); }

    DatabaseUrl(const DatabaseUrl&) = delete;
    DatabaseUrl& operator=(const DatabaseUrl&) = delete;
};

}  // namespace

TEST_CASE("CatalogVerbs.CheckExitsWith1AndNamesWhatDrifted") {
    TestDatabase database;
    const DatabaseUrl url(database.url());
    Outcome outcome = run({"check", "--json"});
    CHECK(outcome.code == 0);
    CHECK(outcome.body() == json{{"findings", json::array()}, {"accepted", 0}});
    CHECK(run({"check"}).out == "no differences\n");
    database.connect().run("ALTER TABLE pours ADD x integer; CREATE VIEW public.v AS SELECT 1 AS a"
    );
    outcome = run({"check", "--json"});
    CHECK(outcome.code == 1);
    REQUIRE(outcome.body()["findings"].size() == 2);
    const json finding = outcome.body()["findings"][0];
    CHECK(finding["object"] == "table pours column x");
    CHECK(finding["kind"] == "added");
    CHECK(finding["expected"].is_null());
    CHECK(finding["found"] == json{{"type", "integer"}});
    outcome = run({"check"});
    CHECK(outcome.code == 1);
    CHECK(outcome.out.find("added    table pours column x\n") != std::string::npos);
    CHECK(outcome.out.find("2 differences\n") != std::string::npos);
    CHECK(run({"check", "--lineage", "tapline"}).code == 0);
}

TEST_CASE("CatalogVerbs.DiffComparesTwoDatabases") {
    TestDatabase from;
    TestDatabase to;
    const std::vector<std::string> arguments{
        "diff", "--from", from.url(), "--to", to.url(), "--json"};
    CHECK(run(arguments).code == 0);
    to.connect().run("ALTER TABLE pours ALTER volume_ml SET DEFAULT 1; DROP TABLE audit_logs");
    const Outcome outcome = run(arguments);
    CHECK(outcome.code == 1);
    const json findings = outcome.body()["findings"];
    REQUIRE(findings.size() == 2);
    CHECK(findings[0]["object"] == "table audit_logs");
    CHECK(findings[0]["kind"] == "removed");
    CHECK(findings[1]["expected"] == json{{"default", nullptr}});
    CHECK(findings[1]["found"] == json{{"default", "1"}});
}

TEST_CASE("CatalogVerbs.DiffSeesTheOwnerOfTheOnlyTable") {
    TestDatabase from(TestDatabase::Schema::empty);
    TestDatabase to(TestDatabase::Schema::empty);
    (void)rich_database();  // makes the roles
    from.connect().run("CREATE TABLE a (id integer)");
    to.connect().run("CREATE TABLE a (id integer); ALTER TABLE a OWNER TO cat_bob");
    const json findings =
        run({"diff", "--from", from.url(), "--to", to.url(), "--json"}).body()["findings"];
    REQUIRE(findings.size() == 1);
    CHECK(findings[0]["found"] == json{{"owner", "cat_bob"}});
}

TEST_CASE("CatalogVerbs.AServerThatIsAwayIs4AndAMissingFlagIs2") {
    TestDatabase database;
    const std::string nowhere = "host=/nonexistent dbname=x connect_timeout=2";
    Outcome outcome = run({"diff", "--from", database.url(), "--to", nowhere, "--json"});
    CHECK(outcome.code == 4);
    CHECK(outcome.body()["error"]["kind"] == "connect_failed");
    CHECK(run({"diff", "--from", database.url()}).code == 2);
    const DatabaseUrl url(nowhere);
    CHECK(run({"check", "--json"}).code == 4);
    CHECK(run({"check", "--lineage", "nonesuch"}).code == 2);
    outcome = run({"diff", "--from", "postgresql://u:geheim@h/d", "--to", nowhere});
    CHECK(outcome.code == 2);
    CHECK(outcome.err.find("geheim") == std::string::npos);
}

TEST_CASE("CatalogVerbs.CheckOfANewDatabaseIsRefused") {
    TestDatabase database(TestDatabase::Schema::empty);
    const DatabaseUrl url(database.url());
    const Outcome outcome = run({"check", "--json"});
    CHECK(outcome.code == 3);
    CHECK(outcome.body()["error"]["kind"] == "no_revision");
}

TEST_CASE("CatalogVerbs.SnapshotWritesAFilePerLineageHead") {
    TestDatabase database(TestDatabase::Schema::empty);
    const fs::path directory = fs::temp_directory_path() / fmt::format("tapline-sn-{}", getpid());
    fs::create_directories(directory / "app");
    const fs::path source = fs::path(TAPLINE_SOURCE) / "migrations/postgres/app";
    fs::copy_file(
        source / "0001_m1_baseline.sql",
        directory / "app" / "0001_m1_baseline.sql",
        fs::copy_options::overwrite_existing
    );
    const DatabaseUrl url(database.url());
    const Outcome outcome =
        run({"snapshot", "--dir", directory.string(), "--lineage", "app", "--json"});
    CHECK(outcome.code == 0);
    REQUIRE(outcome.body()["snapshots"].size() == 1);
    CHECK(outcome.body()["snapshots"][0]["heads"] == json{"0001_m1_baseline"});
    CHECK(
        fs::file_size(directory / "app/snapshots/0001_m1_baseline.json") ==
        fs::file_size(source / "snapshots/0001_m1_baseline.json")
    );
    CHECK(run({"snapshot", "--dir", "/nonexistent"}).code == 2);
    fs::remove_all(directory);
}

TEST_CASE("CatalogVerbs.SnapshotWithoutADatabaseUsesAPrivateServer") {
    const fs::path directory = fs::temp_directory_path() / fmt::format("tapline-sp-{}", getpid());
    fs::create_directories(directory);
    std::error_code ignored;
    fs::copy_file(
        fs::path(TAPLINE_SOURCE) / "migrations/postgres/app/0001_m1_baseline.sql",
        directory / "0001_m1_baseline.sql",
        ignored
    );
    const Outcome outcome = run({"snapshot", "--dir", directory.string()});
    INFO(outcome.err);
    CHECK(outcome.code == 0);
    CHECK(fs::exists(directory / "snapshots/0001_m1_baseline.json"));
    CHECK_FALSE(fs::exists(fs::temp_directory_path() / fmt::format("tapline-snapshot-{}", getpid()))
    );
    fs::remove_all(directory);
}

}  // namespace tapline::test
