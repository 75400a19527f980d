// Contracts that require a journal: they wait for the fleet and move what central settles.
#include <atomic>
#include <thread>
#include <tuple>

#include <catch2/catch.hpp>

#include "central/compat/contract.hpp"
#include "central/revision/half_done.hpp"
#include "common/revision/file.hpp"
#include "tests/pg/revision_lab.hpp"
#include "tests/pg/settle/bar.hpp"

namespace tapline::test {

namespace {

using revision::LineageSet;
using revision::Runner;

/// The embedded lineages, and on top of the bar's a contract that requires j0002.
LineageSet with_contract(
    const std::string& up, const std::string& down, const std::string& options
) {
    LineageSet set = revision::load_lineages({});
    std::vector<revision::Revision> revisions = set[0].lineage.revisions();
    revisions.push_back(revision::parse(
        {"c0001_x.sql",
         "-- x\n-- Revision ID: c0001\n-- Revises: 0001_m1_baseline\n-- Create Date: 2026-01-01\n"
         "-- Phase: contract\n-- Requires Journal: j0002\n\n-- tapline: upgrade" +
             options + "\n" + up + "\n-- tapline: downgrade" + options + "\n" + down + "\n"},
        revision::Dialect::postgres
    ));
    set[0].lineage = revision::Lineage(std::move(revisions));
    return set;
}

struct Room {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar{session};
    LineageSet set = with_contract("CREATE TABLE done (a int);", "DROP TABLE done;", "");

    Room() {
        furnish(bar);
        session.run(
            "INSERT INTO tapline.journal_revision (revision, place, since, agent_version)"
            " VALUES ('j0002', 2, 't0006_compat', '0.2.0')"
        );
    }

    void up() { Runner(set, options_for(database)).upgrade("heads"); }

    static wire::Hello at(const FakeJournal& journal, const std::string& revision) {
        auto message = journal.hello_message();
        message.revision = revision;
        message.oldest_unacked_revision = revision;
        return message;
    }

    std::string minimum() {
        return bar.text(
            "SELECT string_agg(contract || ' ' || revision, ',') FROM tapline.journal_minimum"
        );
    }

    std::string head() { return bar.text("SELECT version_num FROM public.alembic_version"); }

    static revision::RunOptions options_for(const TestDatabase& database) {
        return tapline::test::options_for(database);
    }
};

/// What a run is blocked by; fails when it isn't.
std::vector<compat::Blocker> blocked(const std::function<void()>& run) {
    try {
        run();
    } catch (const compat::Blocked& error) {
        CHECK(error.code() == "fleet_behind");
        CHECK(error.kind() == ErrorKind::refused);
        return error.blockers();
    }
    FAIL("nothing stood in the way");
    return {};
}

}  // namespace

TEST_CASE("Contract.WaitsForTheFleetAndMovesTheMinimumWithItself") {
    Room room;
    FakeJournal journal(1);
    journal.add(pour(1, "a", 100));
    std::ignore = fleet::hello(room.session, "tap-1", Room::at(journal, "j0001"));
    const auto who = blocked([&] { room.up(); });
    REQUIRE(who.size() == 1);
    CHECK(who[0].controller == "tap-1");
    CHECK(who[0].reason == compat::Reason::writes_old);
    CHECK(room.minimum().empty());
    CHECK(room.head() == "0001_m1_baseline");
    std::ignore = fleet::hello(room.session, "tap-1", Room::at(journal, "j0002"));
    room.up();
    CHECK(room.minimum() == "c0001 j0002");
    CHECK(room.head() == "c0001");
    Runner(room.set, Room::options_for(room.database)).downgrade("0001_m1_baseline");
    CHECK(room.minimum().empty());
}

TEST_CASE("Contract.OneThatFailsMovesNothing") {
    Room room;
    room.set = with_contract("CREATE TABLE done (a int); SELECT 1 / 0;", "DROP TABLE done;", "");
    CHECK(error_of([&] { room.up(); }).sqlstate() == "22012");
    CHECK(room.minimum().empty());
}

TEST_CASE("Contract.ADatabaseWithoutAFleetWaitsForNobodyAndKeepsTheMinimumAllTheSame") {
    TestDatabase database(TestDatabase::Schema::empty);
    auto set = with_contract("SELECT 1;", "SELECT 1;", "");
    Runner(set, Room::options_for(database)).upgrade("heads");
    pg::Session session = database.connect();
    // j0002 isn't known there yet; once it is, the next run writes down what counts.
    session.run(
        "INSERT INTO tapline.journal_revision (revision, place, since, agent_version)"
        " VALUES ('j0002', 2, 't0006_compat', '0.2.0')"
    );
    CHECK(Runner(set, Room::options_for(database)).upgrade("heads").steps.empty());
    CHECK(Bar(session).text("SELECT contract FROM tapline.journal_minimum") == "c0001");
}

TEST_CASE("Contract.OneThatRequiresAnUnknownJournalIsRefused") {
    Room room;
    room.session.run("DELETE FROM tapline.journal_revision WHERE revision = 'j0002'");
    CHECK(error_of([&] { room.up(); }).code() == "journal_unknown");
}

TEST_CASE("Contract.InPiecesMovesTheMinimumBeforeTheFirstAndGivesItBackWithTheLast") {
    Room room;
    room.session.run("SET search_path = public; CREATE TABLE wide (id int PRIMARY KEY, n int)");
    room.set = with_contract(
        "CREATE INDEX CONCURRENTLY wide_n ON wide (n); ANALYZE wide;",
        "DROP INDEX CONCURRENTLY wide_n; ANALYZE wide;",
        " transaction=off"
    );
    const auto killed_after = [&](std::size_t statement, revision::Direction direction) {
        auto options = Room::options_for(room.database);
        options.progress = [statement](const revision::StatementProgress& at) {
            if (at.executed && at.statement == statement) {
                throw Error(ErrorKind::bug, "killed", "as if killed");
            }
        };
        Runner runner(room.set, options);
        const auto run = [&] {
            direction == revision::Direction::upgrade ? runner.upgrade("heads")
                                                      : runner.downgrade("0001_m1_baseline");
        };
        CHECK(error_of(run).code() == "killed");
    };
    killed_after(0, revision::Direction::upgrade);
    CHECK(room.minimum() == "c0001 j0002");
    CHECK(room.head() == "0001_m1_baseline");
    // Half done: the minimum holds, so whoever comes now is refused and needn't be waited for.
    FakeJournal late(1);
    late.add(pour(1, "a", 100));
    std::ignore = fleet::hello(room.session, "tap-1", Room::at(late, "j0001"));
    room.up();
    CHECK(room.head() == "c0001");
    killed_after(0, revision::Direction::downgrade);
    CHECK(room.minimum() == "c0001 j0002");
    Runner(room.set, Room::options_for(room.database)).downgrade("0001_m1_baseline");
    CHECK(room.minimum().empty());
}

TEST_CASE("Contract.StampingIsContractingForTheFleet") {
    Room room;
    Runner runner(room.set, Room::options_for(room.database));
    runner.stamp({"c0001"});
    CHECK(room.minimum() == "c0001 j0002");
    runner.stamp({"0001_m1_baseline"});
    CHECK(room.minimum().empty());
}

TEST_CASE("Contract.NeverPassesBesideASettleOfTheOlderShape") {
    Room room;
    FakeJournal journal(1);
    journal.add(pour(1, "a", 100));
    // It reports j0001 and has no pours as far as hello knows, so it doesn't block; its batch comes
    // while the contract is on its way.
    auto quiet = Room::at(journal, "j0001");
    quiet.max_seq = 0;
    std::ignore = fleet::hello(room.session, "tap-1", quiet);
    pg::Session settling = room.database.connect();
    settling.run("BEGIN");
    settling.run("SELECT pg_advisory_xact_lock_shared(8386107590299353090)");
    auto options = Room::options_for(room.database);
    options.lock_timeout = std::chrono::milliseconds(200);
    options.table_lock_wait = std::chrono::milliseconds(300);
    const auto waiting = error_of([&] { Runner(room.set, options).upgrade("heads"); });
    CHECK(waiting.code() == "table_locked");
    CHECK(room.minimum().empty());
    settling.run("ROLLBACK");
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    pg::Session contract = room.database.connect();
    contract.run("BEGIN");
    compat::fix_minimum(contract, {"app", "c0001", "j0002"}, "tester");
    // Between the minimum's move and its COMMIT nothing settles by the old one, nor says hello.
    CHECK(problem(send(settler, "tap-1", journal.all())).code == "hold");
    CHECK(
        std::get<wire::Problem>(fleet::hello(room.session, "tap-1", quiet)).code == "being_changed"
    );
    contract.run("COMMIT");
    CHECK(problem(send(settler, "tap-1", journal.all())).code == "journal_too_old");
    CHECK(room.bar.number("SELECT count(*) FROM pours") == 0);
}

TEST_CASE("Contract.UnderLoadOfManyJournalsNothingOldIsSettledAfterItsCommit") {
    Room room;
    constexpr int journals = 6;
    constexpr Seq pours = 150;
    std::vector<FakeJournal> fleet_of;
    for (int i = 1; i <= journals; ++i) {
        auto& made = fleet_of.emplace_back(i, "tap-" + std::to_string(i));
        for (Seq seq = 1; seq <= pours; ++seq) {
            made.add(pour(seq, fmt::format("{}-{}", i, seq), 10));
        }
        // Nobody blocks by what they say, and all go on sending rows of the older shape.
        std::ignore = fleet::hello(room.session, made.controller(), Room::at(made, "j0002"));
        room.session.run("UPDATE tapline.journal SET max_seq = 0");
    }
    settle::Settler settler(options_for(room.database.url()));
    wait_ready(settler);
    std::atomic<int> kept{0};
    std::jthread load([&] {
        for (Seq seq = 1; seq <= pours; ++seq) {
            std::vector<std::pair<std::string, wire::Batch>> batches;
            for (const auto& one : fleet_of) {
                batches.emplace_back(one.controller(), one.batch(seq, seq));
            }
            for (const auto& outcome : send_all(settler, batches)) {
                const auto* ack = std::get_if<wire::Ack>(&outcome);
                kept += ack != nullptr && !ack->quarantined.empty() ? 1 : 0;
            }
        }
    });
    while (room.bar.number("SELECT count(*) FROM tapline.receipt") < 2 * journals) {
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    // In the contract's own transaction: what is settled then is all that ever will be.
    room.set = with_contract(
        "CREATE TABLE seen AS SELECT count(*) AS n FROM tapline.receipt;", "DROP TABLE seen;", ""
    );
    room.up();
    load.join();
    for (const auto& one : fleet_of) {
        // What was told to come back comes back, and is kept.
        const auto again = ack(send(settler, one.controller(), one.all()));
        kept += static_cast<int>(again.quarantined.size());
    }
    CHECK(kept > 0);
    CHECK(
        room.bar.number("SELECT n FROM seen") ==
        room.bar.number("SELECT count(*) FROM tapline.receipt")
    );
    CHECK(room.bar.number("SELECT count(*) FROM tapline.receipt") < pours * journals);
}

}  // namespace tapline::test
