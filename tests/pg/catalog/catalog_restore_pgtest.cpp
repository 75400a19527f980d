// What must not be called drift.
#include <atomic>
#include <chrono>
#include <thread>

#include <catch2/catch.hpp>

#include "central/catalog/read.hpp"
#include "common/error.hpp"
#include "tests/pg/catalog/rich.hpp"

namespace tapline::test {

using catalog::compare;

TEST_CASE("Catalog.ADatabaseRestoredFromItsDumpHasNotDrifted") {
    const CopyOf target("template0");
    dump_and_restore(rich_database(), target.name());
    const catalog::Catalog restored = read(target.name());
    INFO(shown(compare(rich_catalog(), restored)));
    CHECK(compare(rich_catalog(), restored).empty());
    CHECK(restored.objects.size() == rich_catalog().objects.size());
    // The claim is empty unless restoring changed what PostgreSQL prints.
    CHECK(
        restored.objects.at("table guest constraint guest_kind_check").attributes !=
        rich_catalog().objects.at("table guest constraint guest_kind_check").attributes
    );
    // A second round changes nothing any more.
    const CopyOf again("template0");
    dump_and_restore(target.name(), again.name());
    INFO(shown(compare(rich_catalog(), read(again.name()))));
    CHECK(compare(rich_catalog(), read(again.name())).empty());
}

TEST_CASE("Catalog.ExpressionsOfEveryFormSurviveDumpAndRestore") {
    (void)rich_database();  // makes the roles
    const CopyOf source("template0");
    run_file(source.name(), "odd_expressions.sql");
    const CopyOf target("template0");
    dump_and_restore(source.name(), target.name());
    const catalog::Catalog before = read(source.name());
    const catalog::Catalog after = read(target.name());
    INFO(shown(compare(before, after)));
    CHECK(compare(before, after).empty());
    int printed_differently = 0;
    for (const auto& [name, object] : before.objects) {
        printed_differently += object.attributes == after.objects.at(name).attributes ? 0 : 1;
    }
    CHECK(printed_differently > 20);
}

TEST_CASE("Catalog.ARestoreUnderAnotherOwnerHasNotDrifted") {
    TestDatabase source;
    auto admin = PgCluster::shared().connect("postgres");
    admin.run("CREATE ROLE cat_carol LOGIN");
    const CopyOf target("template0");
    admin.run("ALTER DATABASE " + target.name() + " OWNER TO cat_carol");
    dump_and_restore(source.name(), target.name(), {"--no-owner", "--role=tapline"});
    auto session = target.connect();
    session.run(
        "DO $$ DECLARE o record; BEGIN FOR o IN SELECT format('ALTER TABLE %I.%I OWNER TO "
        "cat_carol', "
        "schemaname, tablename) AS sql FROM pg_tables WHERE schemaname IN ('public', 'tapline') "
        "LOOP "
        "EXECUTE o.sql; END LOOP; END $$; ALTER SCHEMA tapline OWNER TO cat_carol; "
        "DO $$ DECLARE f regprocedure; BEGIN FOR f IN SELECT oid FROM pg_proc WHERE pronamespace = "
        "'tapline'::regnamespace LOOP EXECUTE format('ALTER FUNCTION %s OWNER TO cat_carol', f); "
        "END LOOP; END $$;"
    );
    INFO(shown(compare(read(source.name()), read(target.name()))));
    CHECK(compare(read(source.name()), read(target.name())).empty());
}

TEST_CASE("Catalog.DataStatisticsColumnOrderAndPhysicalThingsAreNoDrift") {
    const char* const changes[] = {
        "INSERT INTO guest (name, letter) SELECT 'g' || i, 'a' FROM generate_series(1, 100) i; "
        "ANALYZE guest; SELECT nextval('numbers')",
        "REINDEX TABLE guest",
        "VACUUM FULL guest",
        "CLUSTER guest USING guest_name_idx",
        "CREATE TEMP TABLE t (id integer); CREATE TEMP VIEW v AS SELECT * FROM t",
        "ALTER TABLE scratchpad ADD late text; ALTER TABLE scratchpad DROP late",
        "ALTER TABLE legs ADD count2 integer; "
        "ALTER TABLE legs DROP count2",
        "DROP TABLE \"Odd Name\"; CREATE TABLE \"Odd Name\" (\"quo\"\"te\" text, \"select\" text, "
        "\"Some Column\" integer); CREATE INDEX \"Odd Index\" ON \"Odd Name\" (\"Some Column\")",
        // Privileges that say what is so anyway.
        "GRANT ALL ON \"Odd Name\" TO tapline; REVOKE SELECT ON bare FROM PUBLIC",
        "DROP INDEX guest_name_idx; CREATE INDEX guest_name_idx ON public.guest  USING btree "
        "(name ASC NULLS LAST); ALTER TABLE guest CLUSTER ON guest_name_idx; "
        "COMMENT ON INDEX guest_name_idx IS 'for the bar'",
        "CREATE OR REPLACE VIEW egg AS SELECT   hen.id FROM public.hen",
    };
    for (const char* change : changes) {
        const CopyOf copy(rich_database());
        auto session = copy.connect();
        session.run(change);
        INFO(change << "\n" << shown(compare(rich_catalog(), read(copy.name()))));
        CHECK(compare(rich_catalog(), read(copy.name())).empty());
    }
}

TEST_CASE("Catalog.SettingsOfTheSessionDontChangeWhatIsRead") {
    const CopyOf copy(rich_database());
    auto admin = PgCluster::shared().connect("postgres");
    for (const char* setting :
         {"TimeZone = 'Asia/Tokyo'",
          "IntervalStyle = 'iso_8601'",
          "DateStyle = 'German'",
          "search_path = 'store, public'",
          "quote_all_identifiers = on",
          "extra_float_digits = -3",
          "row_security = off"}) {
        admin.run("ALTER DATABASE " + copy.name() + " SET " + setting);
    }
    INFO(shown(compare(rich_catalog(), read(copy.name()))));
    CHECK(compare(rich_catalog(), read(copy.name())).empty());
}

TEST_CASE("Catalog.OneConnectionIsEnough") {
    const CopyOf copy(rich_database());
    copy.connect().run("CREATE ROLE cat_single LOGIN CONNECTION LIMIT 1");
    // The last of two settings of the same name counts.
    const pg::ConnectOptions single{
        .url = PgCluster::shared().url(copy.name()) + " user=cat_single",
        .application_name = "test"};
    {
        const pg::Session first(single);
        CHECK_THROWS_AS(pg::Session(single), Error);
    }
    // A backend counts until it has ended, which is after its client has closed the connection.
    auto observer = copy.connect();
    constexpr const char* living = "SELECT 1 FROM pg_stat_activity WHERE usename = 'cat_single'";
    for (int tries = 0; tries < 1000 && !observer.run(living).empty(); ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    CHECK(compare(read(copy.name()), catalog::read_catalog(single)).empty());
}

TEST_CASE("Catalog.ObjectsThatComeAndGoMeanwhileAreNoError") {
    const CopyOf copy(rich_database());
    std::atomic<bool> stop = false;
    std::thread churn([&copy, &stop] {
        auto session = copy.connect();
        while (!stop) {
            session.run(
                "CREATE TABLE brief (id serial PRIMARY KEY, a integer CHECK (a > 0)); CREATE INDEX "
                "brief_idx ON brief (a) WHERE a > 1; CREATE VIEW brief_view AS SELECT a FROM brief"
            );
            session.run("DROP TABLE brief CASCADE");
        }
    });
    int complete = 0;
    int refused = 0;
    for (int i = 0; i < 10; ++i) {
        try {
            const auto findings = compare(rich_catalog(), read(copy.name()));
            for (const catalog::Finding& finding : findings) {
                CHECK(finding.object.find("brief") != std::string::npos);
            }
            ++complete;
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::pg);
            ++refused;
        }
    }
    stop = true;
    churn.join();
    INFO(complete << " complete, " << refused << " refused");
    CHECK(complete + refused == 10);
    CHECK(complete > 0);
}

TEST_CASE("Catalog.ARoleWithoutAnyRightsReadsTheSame") {
    const CopyOf copy(rich_database());
    auto session = copy.connect();
    const catalog::Catalog before = read(copy.name());
    session.run("CREATE ROLE cat_nobody LOGIN; SET SESSION AUTHORIZATION cat_nobody");
    pg::Session nobody(
        {.url = PgCluster::shared().url(copy.name()) + " options='-c role=cat_nobody'",
         .application_name = "test"}
    );
    const catalog::Catalog seen = catalog::read_catalog(nobody);
    INFO(shown(compare(before, seen)));
    CHECK(compare(before, seen).empty());
}

}  // namespace tapline::test
