#include <catch2/catch.hpp>

#include "tests/pg/revision_lab.hpp"

namespace tapline::test {

namespace {

Error downgrade_error(const TestDatabase& database, const revision::LineageSet& set) {
    return error_of([&] { revision::Runner(set, options_for(database)).downgrade("base"); });
}

}  // namespace

TEST_CASE("Revision.ADowngradeNeverDropsReceiptsOrQuarantine") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet set = revision::load_lineages({});
    revision::Runner(set, options_for(database)).upgrade("heads");
    database.connect().run(
        "INSERT INTO tapline.quarantine (journal_id, epoch, seq, row_hash, revision, raw, code, "
        "detail, time_quality) VALUES (gen_random_uuid(), 1, 1, '\\x00', 'j0001', '\\x7b7d', "
        "'unknown_card', '', 'unknown')"
    );
    const Error error = downgrade_error(database, set);
    CHECK(error.sqlstate() == "55006");
    CHECK(error.code() == "refused_by_revision");
    CHECK(exit_code(error.kind()) == 3);
    // The step above it, which holds no pours, is down.
    CHECK(heads_of(database, set) == AppliedHeads{{"0001_m1_baseline"}, {"t0001_settling"}});
    auto session = database.connect();
    session.run("DELETE FROM tapline.quarantine");
    revision::Runner(set, options_for(database)).downgrade("base");
    CHECK(heads_of(database, set) == at_base);
}

TEST_CASE("Downgrade.TablesOfTheBarThatHoldRowsAreNotDroppedUnlessToldSo") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet set = revision::load_lineages({});
    revision::Runner(set, options_for(database)).upgrade("heads");
    auto session = database.connect();
    session.run(
        "INSERT INTO beverages (beverage_id, name, sell_price_per_liter) "
        "VALUES (gen_random_uuid(), 'Pils', 9)"
    );
    const Error error = downgrade_error(database, set);
    CHECK(error.code() == "rows_would_go");
    CHECK(exit_code(error.kind()) == 3);
    CHECK(std::string(error.what()).ends_with("hold rows: public.beverages"));
    CHECK(session.run("SELECT count(*) FROM beverages")[0].integer(0) == 1);
    CHECK(heads_of(database, set).front() == set.front().lineage.heads());
    revision::RunOptions options = options_for(database);
    options.discard_rows = true;
    revision::Runner(set, options).downgrade("base");
    CHECK(heads_of(database, set) == at_base);
}

TEST_CASE("Downgrade.TablesThatWereEmptiedAreDropped") {
    TestDatabase database(TestDatabase::Schema::empty);
    const revision::LineageSet set = revision::load_lineages({});
    revision::Runner(set, options_for(database)).upgrade("heads");
    auto session = database.connect();
    session.run(
        "INSERT INTO beverages (beverage_id, name, sell_price_per_liter) "
        "VALUES (gen_random_uuid(), 'Pils', 9)"
    );
    session.run("DELETE FROM beverages");
    revision::Runner(set, options_for(database)).downgrade("base");
    CHECK(heads_of(database, set) == at_base);
}

TEST_CASE("Downgrade.ARenamedOrRebuiltTableLosesNothing") {
    TestDatabase database(TestDatabase::Schema::empty);
    Files files;
    files.write("aaaa", "", "CREATE TABLE a (id int); CREATE TABLE c (id int);", "DROP TABLE a;");
    files.write(
        "bbbb",
        "aaaa",
        "ALTER TABLE a RENAME TO b;",
        "ALTER TABLE b RENAME TO a; CREATE TABLE d AS SELECT id FROM c; DROP TABLE c;"
        " ALTER TABLE d RENAME TO c;"
    );
    const revision::LineageSet set = files.load();
    revision::Runner(set, options_for(database)).upgrade("heads");
    auto session = database.connect();
    session.run("INSERT INTO b VALUES (1)");
    session.run("INSERT INTO c VALUES (1)");
    revision::Runner(set, options_for(database)).downgrade("aaaa");
    CHECK(session.run("SELECT count(*) FROM a")[0].integer(0) == 1);
    CHECK(downgrade_error(database, set).code() == "rows_would_go");
}

TEST_CASE("Downgrade.AGuardOfTheAuthorIsARefusalInHisWords") {
    TestDatabase database(TestDatabase::Schema::empty);
    Files files;
    files.write(
        "aaaa", "", "SELECT 1;", "DO $$ BEGIN RAISE EXCEPTION 'first close the till'; END $$;"
    );
    const revision::LineageSet set = files.load();
    revision::Runner(set, options_for(database)).upgrade("heads");
    const Error error = downgrade_error(database, set);
    CHECK(error.code() == "refused_by_revision");
    CHECK(exit_code(error.kind()) == 3);
    CHECK(std::string(error.what()).find("first close the till") != std::string::npos);
}

TEST_CASE("Downgrade.WhatTaplineStandsOnStaysAlsoWhenOnlyAppIsNamed") {
    TestDatabase database;
    const revision::LineageSet set = revision::load_lineages({});
    const revision::LineageSet app =
        revision::load_lineages({std::nullopt, revision::LineageName::app});
    const Error down = downgrade_error(database, app);
    CHECK(down.code() == "dependency_missing");
    CHECK(exit_code(down.kind()) == 3);
    const Error stamp =
        error_of([&] { revision::Runner(app, options_for(database)).stamp({"base"}); });
    CHECK(stamp.code() == "dependency_missing");
    CHECK(heads_of(database, set) == all_heads(set));
    revision::Runner(set, options_for(database)).downgrade("base");
    CHECK(heads_of(database, set) == at_base);
}

}  // namespace tapline::test
