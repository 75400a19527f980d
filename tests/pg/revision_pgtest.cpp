#include <csignal>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/pg/revision_lab.hpp"

namespace tapline::test {

namespace {

using std::chrono::milliseconds;

/// Everything that a revision may make, as one text per object.
std::string catalog(const TestDatabase& database) {
    pg::Session session = database.connect();
    const pg::Result rows = session.run(
        "SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM ("
        "SELECT format('column %s.%s.%s %s %s %s %s', n.nspname, c.relname, a.attname, a.attnum, "
        "format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)) AS "
        "line "
        "FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
        "JOIN pg_namespace n ON n.oid = c.relnamespace "
        "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
        "WHERE n.nspname IN ('public', 'tapline') AND a.attnum > 0 AND NOT a.attisdropped "
        "UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, "
        "pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace::regnamespace::text "
        "IN ('public', 'tapline') "
        "UNION ALL SELECT format('trigger %s', pg_get_triggerdef(oid)) FROM pg_trigger "
        "WHERE NOT tgisinternal "
        "UNION ALL SELECT format('function %s', pg_get_functiondef(oid)) FROM pg_proc "
        "WHERE pronamespace::regnamespace::text IN ('public', 'tapline')) AS lines"
    );
    return std::string(rows[0].text(0));
}

/// Runs `upgrade heads` in a process of its own that is killed before the n-th statement.
bool upgrade_killed_at(const TestDatabase& database, std::size_t statement) {
    const pid_t child = fork();
    if (child == 0) {
        std::size_t seen = 0;
        const revision::LineageSet set = revision::load_lineages({});
        revision::RunOptions options = options_for(database);
        options.progress = [&](const revision::StatementProgress&) {
            if (seen++ == statement) {
                kill(getpid(), SIGKILL);
            }
        };
        revision::Runner(set, options).upgrade("heads");
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status);
}

}  // namespace

TEST_CASE("Revision.UpDownUpGivesTheSameSchema") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet set = revision::load_lineages({});
    revision::Runner(set, options_for(database)).upgrade("heads");
    const std::string first = catalog(database);
    CHECK(heads_of(database, set) == all_heads(set));
    revision::Runner(set, options_for(database)).downgrade("base");
    CHECK(heads_of(database, set) == at_base);
    const std::string down = catalog(database);
    CHECK(down.find("public.pours") == std::string::npos);
    CHECK(down.find("tapline.revision_log") != std::string::npos);
    CHECK(down.find("function") == std::string::npos);
    revision::Runner(set, options_for(database)).upgrade("heads");
    CHECK(catalog(database) == first);
}

TEST_CASE("Revision.UpgradeAtHeadDoesNothing") {
    TestDatabase database;
    const revision::LineageSet set = revision::load_lineages({});
    CHECK(revision::Runner(set, options_for(database)).upgrade("heads").steps.empty());
}

TEST_CASE("Revision.AnUpgradeBringsAlongWhatItDependsOn") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet set = revision::load_lineages({});
    const auto report = revision::Runner(set, options_for(database)).upgrade("t0001");
    REQUIRE(report.steps.size() == 2);
    CHECK(report.steps[0].id == "0001_m1_baseline");
    const Error error = error_of([&] {
        const revision::LineageSet app =
            revision::load_lineages({std::nullopt, revision::LineageName::app});
        TestDatabase other(TestDatabase::Schema::empty);
        const revision::LineageSet ours =
            revision::load_lineages({std::nullopt, revision::LineageName::tapline});
        revision::Runner(ours, options_for(other)).upgrade("heads");
    });
    CHECK(error.code() == "dependency_missing");
}

TEST_CASE("Revision.TaplineAloneGoesUpOnABarThatIsThere") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet app =
        revision::load_lineages({std::nullopt, revision::LineageName::app});
    const revision::LineageSet ours =
        revision::load_lineages({std::nullopt, revision::LineageName::tapline});
    revision::Runner(app, options_for(database)).upgrade("heads");
    SECTION("at a revision that we know") {}
    SECTION("past it, by the bar's own Alembic") {
        database.connect().run("UPDATE public.alembic_version SET version_num = '0002_m2'");
    }
    const std::size_t all = ours.front().lineage.revisions().size();
    CHECK(revision::Runner(ours, options_for(database)).upgrade("heads").steps.size() == all);
    CHECK(heads_of(database, ours).front() == ours.front().lineage.heads());
}

TEST_CASE("Revision.KillingAnUpgradeLeavesAKnownSetOfHeads") {
    const revision::LineageSet set = revision::load_lineages({});
    const AppliedHeads after_app{set[0].lineage.heads(), {}};
    std::size_t between = 0;
    std::size_t killed = 0;
    for (std::size_t statement = 0;; statement += 7) {
        TestDatabase database(TestDatabase::Schema::empty);
        if (!upgrade_killed_at(database, statement)) {
            CHECK(heads_of(database, set) == all_heads(set));
            break;
        }
        ++killed;
        const AppliedHeads heads = heads_of(database, set);
        INFO("killed before statement " << statement);
        const bool app_alone = heads == at_base || heads == after_app;
        const bool one_of_ours = heads.at(0) == after_app.at(0) && heads.at(1).size() == 1 &&
                                 set[1].lineage.find(heads.at(1).front()) != nullptr;
        CHECK((app_alone || one_of_ours));
        if (heads == after_app) {
            ++between;
        }
        revision::Runner(set, options_for(database)).upgrade("heads");
        CHECK(heads_of(database, set) == all_heads(set));
    }
    CHECK(killed >= 8);
    CHECK(between >= 2);
}

TEST_CASE("Revision.TwoRunnersAtOnceBothEndWell") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet set = revision::load_lineages({});
    std::vector<std::size_t> steps(4);
    std::vector<std::thread> runners;
    for (std::size_t& done : steps) {
        runners.emplace_back([&database, &set, &done] {
            done = revision::Runner(set, options_for(database)).upgrade("heads").steps.size();
        });
    }
    std::size_t total = 0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        runners[i].join();
        total += steps[i];
    }
    CHECK(total == set[0].lineage.revisions().size() + set[1].lineage.revisions().size());
    CHECK(heads_of(database, set) == all_heads(set));
}

TEST_CASE("Revision.ARunnerThatWaitsTooLongSaysForWhom") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet set = revision::load_lineages({});
    pg::Session other = database.connect();
    other.run("SELECT pg_advisory_lock(32758232781516389)");
    revision::RunOptions options = options_for(database);
    options.lock_wait = milliseconds(300);
    const Error error = error_of([&] { revision::Runner(set, options).upgrade("heads"); });
    CHECK(error.code() == "runner_busy");
    CHECK(std::string(error.what()).find(std::to_string(other.backend_pid())) != std::string::npos);
}

TEST_CASE("Revision.AChangedAppliedFileStopsEverythingUntilItIsStamped") {
    TestDatabase database(TestDatabase::Schema::empty);
    Files files;
    files.write("aaaa", "", "CREATE TABLE a (id int);", "DROP TABLE a;");
    revision::Runner(files.load(), options_for(database)).upgrade("heads");
    files.write("aaaa", "", "CREATE TABLE a (id /* a comment */ int);", "DROP TABLE a;");
    files.write("bbbb", "aaaa", "CREATE TABLE b (id int);", "DROP TABLE b;");
    revision::LineageSet set = files.load();
    revision::Runner(set, options_for(database)).upgrade("bbbb");
    files.write("aaaa", "", "CREATE TABLE a (id bigint);", "DROP TABLE a;");
    set = files.load();
    const Error error =
        error_of([&] { revision::Runner(set, options_for(database)).downgrade("aaaa"); });
    CHECK(error.code() == "digest_changed");
    CHECK(exit_code(error.kind()) == 3);
    CHECK(error.hint().find("stamp --lineage app bbbb") != std::string::npos);
    revision::Runner(set, options_for(database)).stamp({"bbbb"});
    CHECK(revision::Runner(set, options_for(database)).downgrade("aaaa").steps.size() == 1);
}

TEST_CASE("Revision.AFailedStatementNamesFileAndLineAndLeavesNothing") {
    TestDatabase database(TestDatabase::Schema::empty);
    Files files;
    files.write(
        "aaaa", "", "CREATE TABLE a (id int);\n\nCREATE TABLE a (id int);", "DROP TABLE a;"
    );
    const revision::LineageSet set = files.load();
    const Error error =
        error_of([&] { revision::Runner(set, options_for(database)).upgrade("heads"); });
    CHECK(error.kind() == ErrorKind::pg);
    CHECK(error.sqlstate() == "42P07");
    CHECK(std::string(error.what()).find("aaaa_x.sql line 10") != std::string::npos);
    CHECK(heads_of(database, set).front().empty());
    pg::Session session = database.connect();
    CHECK(session.run("SELECT to_regclass('a') IS NULL")[0].boolean(0));
    CHECK(session.run("SELECT outcome FROM tapline.revision_log")[0].text(0) == "failed");
}

TEST_CASE("Revision.ABlockedRevisionTriesAgainAndNamesWhoBlocks") {
    TestDatabase database(TestDatabase::Schema::empty);
    Files files;
    files.write("aaaa", "", "CREATE TABLE a (id int);", "DROP TABLE a;");
    revision::Runner(files.load(), options_for(database)).upgrade("heads");
    files.write(
        "bbbb", "aaaa", "ALTER TABLE a ADD b int;", "ALTER TABLE a DROP b;", " lock_timeout=800ms"
    );
    const revision::LineageSet set = files.load();
    pg::Session holder = database.connect();
    std::string said;
    revision::RunOptions options = options_for(database);
    options.say = [&said](const std::string& line) { said += line + "\n"; };
    {
        pg::Transaction holding(holder);
        holder.run("SELECT count(*) FROM a");
        options.table_lock_wait = milliseconds(100);
        const Error error = error_of([&] { revision::Runner(set, options).upgrade("heads"); });
        CHECK(error.code() == "table_locked");
        CHECK(exit_code(error.kind()) == 4);
        const std::string pid = std::to_string(holder.backend_pid());
        CHECK(
            std::string(error.what()).find("process " + pid + " (user tapline") != std::string::npos
        );
        CHECK(heads_of(database, set).front() == std::vector<std::string>{"aaaa"});
    }
    pg::Transaction holding(holder);
    holder.run("SELECT count(*) FROM a");
    std::thread release([&holding] {
        std::this_thread::sleep_for(milliseconds(1'000));
        holding.rollback();
    });
    options.table_lock_wait = milliseconds(20'000);
    revision::Runner(set, options).upgrade("heads");
    release.join();
    CHECK(heads_of(database, set).front() == std::vector<std::string>{"bbbb"});
    CHECK(said.find("next try in") != std::string::npos);
}

TEST_CASE("Revision.ADatabaseThatAlembicMadeIsAcceptedAsItStands") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet app =
        revision::load_lineages({std::nullopt, revision::LineageName::app});
    revision::Runner(app, options_for(database)).upgrade("heads");
    pg::Session session = database.connect();
    // What is left is what Alembic leaves: tables and a version row, nothing of ours.
    session.run("DROP SCHEMA tapline CASCADE");
    const revision::LineageSet set = revision::load_lineages({});
    CHECK(heads_of(database, set) == AppliedHeads{{"0001_m1_baseline"}, {}});
    const auto report = revision::Runner(set, options_for(database)).upgrade("heads");
    REQUIRE(report.steps.size() == set[1].lineage.revisions().size());
    CHECK(report.steps[0].lineage == revision::LineageName::tapline);
    CHECK(
        session.run("SELECT version_num FROM public.alembic_version")[0].text(0) ==
        "0001_m1_baseline"
    );
}

TEST_CASE("Revision.ARoleNamedLikeOurSchemaStillFindsTheBarsVersionTable") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet set = revision::load_lineages({});
    revision::Runner(set, options_for(database)).upgrade("heads");
    pg::Session session = database.connect();
    REQUIRE(session.run("SELECT current_user")[0].text(0) == "tapline");
    CHECK(session.run("SELECT version_num FROM alembic_version")[0].text(0) == "0001_m1_baseline");
}

TEST_CASE("Revision.AnUnknownVersionRowStopsUpgradeAndStampUnlessItIsPurged") {
    TestDatabase database;
    pg::Session session = database.connect();
    session.run("UPDATE public.alembic_version SET version_num = '57c6ac405ef5'");
    const revision::LineageSet set = revision::load_lineages({});
    const Error error =
        error_of([&] { revision::Runner(set, options_for(database)).upgrade("heads"); });
    CHECK(error.code() == "unknown_revision");
    CHECK(exit_code(error.kind()) == 3);
    CHECK(std::string(error.what()).find("57c6ac405ef5") != std::string::npos);
    const Error stamp =
        error_of([&] { revision::Runner(set, options_for(database)).stamp({"0001_m1_baseline"}); });
    CHECK(stamp.code() == "unknown_revision");
    CHECK(stamp.hint().find("stamp --purge") != std::string::npos);
    revision::Runner(set, options_for(database)).stamp({"0001_m1_baseline"}, true);
    CHECK(heads_of(database, set) == all_heads(set));
}

TEST_CASE("Revision.TheLogTellsWhoDidWhatAndHowToGoBack") {
    TestDatabase database;
    pg::Session session = database.connect();
    const pg::Result rows = session.run(
        "SELECT lineage, revision_id, action, outcome, length(digest), system_user_name, "
        "downgrade_sql "
        "FROM tapline.revision_log ORDER BY log_id"
    );
    const revision::LineageSet set = revision::load_lineages({});
    const std::size_t all = set[0].lineage.revisions().size() + set[1].lineage.revisions().size();
    REQUIRE(static_cast<std::size_t>(rows.rows()) == all);
    CHECK(rows[0].text(0) == "app");
    CHECK(rows[0].text(1) == "0001_m1_baseline");
    CHECK(rows[0].text(2) == "upgrade");
    CHECK(rows[0].text(3) == "done");
    CHECK(rows[0].integer(4) == 64);
    CHECK_FALSE(rows[0].text(5).empty());
    CHECK(rows[0].text(6).find("DROP TABLE pours") != std::string_view::npos);
}

}  // namespace tapline::test
