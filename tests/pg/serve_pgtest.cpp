#include <catch2/catch.hpp>

#include "central/cli/context.hpp"
#include "central/cli/service.hpp"
#include "central/cli/start_checks.hpp"
#include "central/revision/execute.hpp"
#include "common/error.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

template <typename Call>
Error error_of(Call&& call) {
    try {
        call();
    } catch (const Error& error) {
        return error;
    }
    return {ErrorKind::bug, "no_error", "nothing was thrown"};
}

cli::ServeOptions options_for(const TestDatabase& database) {
    cli::ServeOptions options;
    options.listen = cli::parse_listen("127.0.0.1:0");
    options.database_url = database.url();
    return options;
}

}  // namespace

TEST_CASE("Serve.RefusesADatabaseBehindHeadAndNamesTheCure") {
    TestDatabase database(TestDatabase::Schema::empty);
    const Error at_base = error_of([&] { cli::serve(options_for(database)); });
    CHECK(at_base.code() == "behind_head");
    CHECK(exit_code(at_base.kind()) == 3);
    CHECK(at_base.hint().find("tapline-central upgrade") != std::string::npos);
    const revision::LineageSet app =
        revision::load_lineages({std::nullopt, revision::LineageName::app});
    revision::RunOptions options;
    options.connect.url = database.url();
    revision::Runner(app, options).upgrade("heads");
    CHECK(error_of([&] { cli::serve(options_for(database)); }).code() == "behind_head");
}

TEST_CASE("Serve.RefusesARevisionOfOursThatItHasNoFileFor") {
    TestDatabase database;
    database.connect().run("UPDATE tapline.alembic_version SET version_num = 't0999_future'");
    const Error error = error_of([&] { cli::serve(options_for(database)); });
    CHECK(error.code() == "unknown_revision");
    CHECK(exit_code(error.kind()) == 3);
    CHECK(std::string(error.what()).find("t0999_future") != std::string::npos);
}

TEST_CASE("Serve.TheBarsOwnRevisionsAreItsOwnBusiness") {
    const revision::LineageSet set = revision::load_lineages({});
    CHECK_NOTHROW(cli::check_at_head(set, {{"0002_m2_visit_model"}, set[1].lineage.heads()}));
    TestDatabase database;
    pg::Session session = database.connect();
    session.run("UPDATE public.alembic_version SET version_num = '0002_m2_visit_model'");
    CHECK_FALSE(cli::obstacle_in_schema(set, session));
}

TEST_CASE("Serve.ADatabaseTakenDownBesideItIsAnObstacle") {
    TestDatabase database;
    pg::Session session = database.connect();
    const revision::LineageSet set = revision::load_lineages({});
    CHECK_FALSE(cli::obstacle_in_schema(set, session));
    revision::RunOptions options;
    options.connect.url = database.url();
    revision::Runner(set, options).downgrade("base");
    const auto obstacle = cli::obstacle_in_schema(set, session);
    REQUIRE(obstacle);
    CHECK(obstacle->find("at base and has to be at 0001_m1_baseline") != std::string::npos);
}

TEST_CASE("Serve.RefusesPoursColumnsThatItDoesNotFill") {
    TestDatabase database;
    pg::Session session = database.connect();
    cli::check_pours_columns(session);
    session.run("ALTER TABLE pours ADD visit_id uuid NOT NULL, ALTER keg_id DROP NOT NULL");
    const Error error = error_of([&] { cli::serve(options_for(database)); });
    CHECK(error.code() == "unknown_schema");
    CHECK(exit_code(error.kind()) == 3);
    const std::string text = error.what();
    CHECK(text.find("visit_id") != std::string::npos);
    CHECK(text.find("keg_id") != std::string::npos);
    CHECK(text.find("card_uid") == std::string::npos);
}

TEST_CASE("Serve.ADatabaseThatDoesNotSayIsProduction") {
    TestDatabase database;
    pg::Session session = database.connect();
    CHECK(cli::environment_of(session) == "production");
    cli::mark_as_dev(session);
    CHECK(cli::environment_of(session) == "dev");
    session.run("UPDATE tapline.setting SET value = 'staging' WHERE key = 'environment'");
    cli::mark_as_dev(session);
    CHECK(cli::environment_of(session) == "staging");
}

TEST_CASE("Serve.ListensOnTheLoopbackOnly") {
    CHECK(cli::parse_listen("127.0.0.1:8080").port == 8080);
    CHECK(cli::parse_listen("localhost:0").host == "127.0.0.1");
    CHECK(cli::parse_listen("[::1]:65535").host == "::1");
    for (const char* text : {"0.0.0.0:8080", "[::]:8080", "192.168.1.2:8080", "bar.example:8080"}) {
        CHECK(exit_code(error_of([&] { (void)cli::parse_listen(text); }).kind()) == 3);
    }
    for (const char* text :
         {"8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", ":8080", "x:y"}) {
        CHECK(exit_code(error_of([&] { (void)cli::parse_listen(text); }).kind()) == 2);
    }
}

TEST_CASE("Serve.MetricsAreForTheLoopbackAndSaySo") {
    const Error open = error_of([] { (void)cli::parse_metrics("0.0.0.0:9464"); });
    CHECK(open.code() == "metrics_beyond_loopback");
    CHECK(exit_code(open.kind()) == 3);
    const Error port =
        error_of([] { (void)cli::parse_metrics("127.0.0.1:70000", "metrics in x"); });
    CHECK_THAT(port.what(), Catch::Contains("metrics in x"));
    CHECK_THAT(port.hint(), !Catch::Contains("listen"));
}

TEST_CASE("Serve.NoDatabaseIsAUsageError") {
    cli::Context context;
    context.environment = [](const std::string&) { return std::nullopt; };
    const Error error = error_of([&] { (void)context.database(); });
    CHECK(error.code() == "no_database");
    CHECK(exit_code(error.kind()) == 2);
    context.database_url_flag = "postgresql://bar@db/bar";
    CHECK(context.database().source == "--database-url");
}

}  // namespace tapline::test
