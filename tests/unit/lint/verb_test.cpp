// tapline-central lint: JSON, exit codes, context options, ids of revisions.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>
#include <vector>

#include <unistd.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "central/cli/context.hpp"

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class Folder {
  public:
    Folder() : path_(fs::temp_directory_path() / ("tapline-lint-" + std::to_string(::getpid()))) {
        fs::create_directory(path_);
    }

    ~Folder() { fs::remove_all(path_); }

    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path_ / name) << text;
        return (path_ / name).string();
    }

    [[nodiscard]] std::string path() const { return path_.string(); }

  private:
    fs::path path_;
};

struct Run {
    int exit_code = 0;
    json output;
};

Run lint(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"tapline-central", "lint", "--json"});
    std::vector<char*> argv;
    for (std::string& each : arguments) {
        argv.push_back(each.data());
    }
    const std::ostringstream out;
    const std::ostringstream error;
    std::streambuf* const stdout_before = std::cout.rdbuf(out.rdbuf());
    std::streambuf* const stderr_before = std::cerr.rdbuf(error.rdbuf());
    Run run;
    run.exit_code = tapline::cli::run_program(static_cast<int>(argv.size()), argv.data());
    std::cout.rdbuf(stdout_before);
    std::cerr.rdbuf(stderr_before);
    run.output = json::parse(out.str(), nullptr, false);
    return run;
}

std::string revision(const std::string& id, const std::string& parent, const std::string& sql) {
    return "-- m\n-- Revision ID: " + id + "\n-- Revises: " + parent +
           "\n-- Create Date: 2026-11-20\n\n-- tapline: upgrade\n" + sql +
           "\n-- tapline: downgrade\n";
}

}  // namespace

TEST_CASE("LintVerb.AFindingHasTheKeysOfTheContractAndBlocksByExitCode") {
    const Folder folder;
    const std::string file = folder.write("x.sql", "\nALTER TABLE pours ALTER a TYPE bigint;\n");
    const Run run = lint({file});
    CHECK(run.exit_code == 1);
    REQUIRE(run.output["findings"].size() == 1);
    const json& finding = run.output["findings"][0];
    std::set<std::string> keys;
    for (const auto& each : finding.items()) {
        keys.insert(each.key());
    }
    CHECK(
        keys ==
        std::set<std::string>{
            "file", "line", "hazard", "severity", "object", "lock", "message", "safe_way"}
    );
    CHECK(finding["file"] == file);
    CHECK(finding["line"] == 2);
    CHECK(finding["hazard"] == "table_rewrite");
    CHECK(finding["severity"] == "block");
    CHECK(finding["object"] == "table pours column a");
    CHECK(finding["lock"] == "ACCESS EXCLUSIVE");
}

TEST_CASE("LintVerb.WarningsAndNothingExitWithZero") {
    const Folder folder;
    const Run warned = lint({folder.write("x.sql", "GRANT SELECT ON pours TO reporting;")});
    CHECK(warned.exit_code == 0);
    CHECK(warned.output["findings"].size() == 1);
    const Run clean = lint({folder.write("y.sql", "ALTER TABLE pours ADD COLUMN a integer;")});
    CHECK(clean.exit_code == 0);
    CHECK(clean.output == json{{"findings", json::array()}});
}

TEST_CASE("LintVerb.BrokenSqlAndMissingFilesAreUsage") {
    const Folder folder;
    const Run broken = lint({folder.write("x.sql", "ALTER TABL pours;")});
    CHECK(broken.exit_code == 2);
    CHECK(broken.output["error"]["kind"] == "sql_syntax");
    const Run missing = lint({folder.path() + "/none.sql"});
    CHECK(missing.exit_code == 2);
    CHECK(missing.output["error"]["kind"] == "no_such_file");
    CHECK(lint({}).exit_code == 2);
}

TEST_CASE("LintVerb.SchemaBeforeAndNoTransactionAreRead") {
    const Folder folder;
    const std::string schema = folder.write("schema.sql", "CREATE TABLE t (a varchar(20));");
    const std::string before =
        folder.write("before.sql", "ALTER TABLE t ADD CONSTRAINT c CHECK (a > '') NOT VALID;");
    const std::string file = folder.write(
        "x.sql", "ALTER TABLE t ALTER a TYPE varchar(30);\nALTER TABLE t VALIDATE CONSTRAINT c;"
    );
    CHECK(lint({"--schema", schema, "--before", before, "--no-transaction", file})
              .output["findings"]
              .empty());
    const Run together = lint({"--schema", schema, "--before", before, file});
    REQUIRE(together.output["findings"].size() == 1);
    CHECK(together.output["findings"][0]["hazard"] == "slow_work_under_lock");
}

TEST_CASE("LintVerb.ARevisionComesUponWhatItNeeds") {
    const Folder folder;
    folder.write("aaaa_one.sql", revision("aaaa", "", "CREATE TABLE t (a varchar(20));"));
    folder.write(
        "bbbb_two.sql", revision("bbbb", "aaaa", "ALTER TABLE t ALTER a TYPE varchar(30);")
    );
    folder.write("cccc_three.sql", revision("cccc", "bbbb", "DROP TABLE t;"));
    CHECK(lint({"--dir", folder.path(), "bbbb"}).output["findings"].empty());
    const Run head = lint({"--dir", folder.path(), "head"});
    REQUIRE(head.output["findings"].size() == 2);
    CHECK(head.output["findings"][0]["file"] == "cccc_three.sql");
    CHECK(head.exit_code == 1);
    const Run unknown = lint({"--dir", folder.path(), "zzzz"});
    CHECK(unknown.exit_code == 2);
    CHECK(unknown.output["error"]["kind"] == "not_found");
}
