// A batch against the cursor: resends, overlaps, gaps, forks, and requests that contradict
// themselves.
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "tests/pg/settle/bar.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

struct Room {
    TestDatabase database;
    pg::Session session = database.connect();
    Bar bar{session};
    settle::Settler settler{options_for(database.url())};
    FakeJournal journal{1};

    Room() {
        furnish(bar);
        journal.hello(session);
        for (const Seq seq : {1, 2, 3, 6, 7}) {
            journal.add(pour(seq, fmt::format("id-{}", seq), 100));
        }
        wait_ready(settler);
    }

    settle::Outcome send(wire::Batch batch) {
        return test::send(settler, "tap-1", std::move(batch));
    }

    std::int64_t pours() { return bar.number("SELECT count(*) FROM pours"); }

    std::int64_t cursor() { return bar.number("SELECT cursor FROM tapline.cursor"); }
};

}  // namespace

TEST_CASE("a batch sent twice is settled once and acked twice") {
    Room room;
    auto bad = pour(9, "bad", 100);
    set(bad, "card_uid", Text{"nobody"});
    room.journal.add(bad);
    const auto first = ack(room.send(room.journal.all()));
    const auto second = ack(room.send(room.journal.all()));
    CHECK(first.acked_through == 9);
    CHECK(second.acked_through == 9);
    CHECK(second.quarantined == first.quarantined);
    REQUIRE(second.quarantined.size() == 1);
    CHECK(room.pours() == 5);
    CHECK(room.bar.number("SELECT count(*) FROM tapline.quarantine") == 1);
    CHECK(room.bar.balance_cents(1) == 10'000 - 5 * 45);
}

TEST_CASE("of an overlapping batch only the new rows are settled") {
    Room room;
    CHECK(ack(room.send(room.journal.batch(1, 3))).acked_through == 3);
    CHECK(ack(room.send(room.journal.batch(2, 7))).acked_through == 7);
    CHECK(room.pours() == 5);
    CHECK(room.bar.number("SELECT count(*) FROM tapline.receipt") == 5);
}

TEST_CASE("an overlap may end in a hole of the sequence") {
    Room room;
    CHECK(ack(room.send(room.journal.batch(1, 3))).acked_through == 3);
    CHECK(ack(room.send(room.journal.batch(4, 7))).acked_through == 7);
    CHECK(ack(room.send(room.journal.batch(5, 7))).acked_through == 7);
    CHECK(room.pours() == 5);
}

TEST_CASE("a gap is refused with the seq that central needs") {
    Room room;
    const auto refused = problem(room.send(room.journal.batch(3, 7)));
    CHECK(refused.status == 409);
    CHECK(refused.code == "gap");
    CHECK(refused.action == "resync");
    CHECK(refused.expected_seq == 1);
    CHECK(room.pours() == 0);
}

TEST_CASE("another past than the settled one is a fork") {
    Room room;
    std::ignore = ack(room.send(room.journal.batch(1, 3)));
    SECTION("in what follows the cursor") {
        auto batch = room.journal.batch(4, 7);
        batch.prev_hash[0] ^= 1U;
        rehash(batch);
        CHECK(problem(room.send(batch)).code == "fork");
    }
    SECTION("in an overlap") {
        auto batch = room.journal.batch(2, 7);
        set(batch.rows[0], "volume_ml", std::int64_t{99});
        rehash(batch);
        CHECK(problem(room.send(batch)).code == "fork");
    }
    SECTION("in a resend that ends before the cursor") {
        auto batch = room.journal.batch(1, 2);
        CHECK(ack(room.send(batch)).acked_through == 3);
        set(batch.rows[1], "client_tx_id", Text{"never-stored"});
        rehash(batch);
        CHECK(problem(room.send(batch)).code == "fork");
    }
    SECTION("in a resend that ends at the cursor") {
        auto batch = room.journal.batch(1, 3);
        set(batch.rows[0], "volume_ml", std::int64_t{99});
        rehash(batch);
        const auto refused = problem(room.send(batch));
        CHECK(refused.code == "fork");
        CHECK(refused.status == 409);
    }
    CHECK(room.pours() == 3);
    CHECK(room.cursor() == 3);
}

TEST_CASE("a journal without hello is asked for one, another controller's is refused") {
    Room room;
    FakeJournal stranger(9);
    stranger.add(pour(1, "x", 100));
    const auto unknown = problem(room.send(stranger.all()));
    CHECK(unknown.status == 409);
    CHECK(unknown.code == "unknown_journal");
    CHECK(unknown.action == "resync");
    const auto foreign = problem(test::send(room.settler, "tap-2", room.journal.all()));
    CHECK(foreign.status == 403);
    CHECK(foreign.code == "not_yours");
    CHECK(room.pours() == 0);
}

TEST_CASE("a batch that contradicts itself is refused before anything is done") {
    Room room;
    auto batch = room.journal.all();
    std::string code;
    SECTION("hash") {
        batch.hash[5] ^= 1U;
        code = "hash_mismatch";
    }
    SECTION("content") {
        set(batch.rows[2], "volume_ml", std::int64_t{5'000});
        code = "hash_mismatch";
    }
    SECTION("a seq that would swallow every later pour") {
        batch.rows.back().seq = (Seq{1} << 53) + 1;
        batch.last_seq = batch.rows.back().seq;
        batch.absent.back().last = batch.last_seq - 1;
        rehash(batch);
        code = "wrong_last_seq";
    }
    SECTION("descending") {
        std::swap(batch.rows[0], batch.rows[1]);
        rehash(batch);
        code = "not_ascending";
    }
    SECTION("first_seq") {
        batch.first_seq = 2;
        code = "wrong_first_seq";
    }
    SECTION("first_seq below 1") {
        batch.first_seq = 0;
        code = "wrong_first_seq";
    }
    SECTION("last_seq") {
        batch.last_seq = 8;
        code = "wrong_last_seq";
    }
    SECTION("absent") {
        batch.absent.clear();
        code = "absent_mismatch";
    }
    SECTION("empty") {
        batch.rows.clear();
        code = "empty_batch";
    }
    SECTION("too many rows") {
        batch.rows.clear();
        batch.absent.clear();
        for (Seq seq = 1; seq <= 501; ++seq) {
            batch.rows.push_back(pour(seq, fmt::format("n-{}", seq), 1));
        }
        batch.last_seq = 501;
        rehash(batch);
        code = "too_many_rows";
    }
    SECTION("journal id") {
        batch.journal_id = "../../etc/passwd";
        code = "bad_journal_id";
    }
    SECTION("epoch") {
        batch.epoch = 0;
        code = "bad_epoch";
    }
    SECTION("revision") {
        batch.revision = "j1'; DROP";
        code = "bad_revision";
    }
    SECTION("columns") {
        std::swap(batch.rows[0].columns[0], batch.rows[0].columns[1]);
        code = "columns_not_ascending";
    }
    SECTION("truncated") {
        batch.truncated = true;
        code = "truncated_not_alone";
    }
    const auto refused = problem(room.send(batch));
    CHECK(refused.code == code);
    CHECK(refused.status == 400);
    CHECK(room.pours() == 0);
    CHECK(room.cursor() == 0);
}

TEST_CASE("a good batch settles beside a refused one of the same moment") {
    Room room;
    FakeJournal other(2, "tap-2");
    other.hello(room.session);
    other.add(pour(1, "other", 100));
    const auto outcomes =
        send_all(room.settler, {{"tap-1", room.journal.batch(3, 7)}, {"tap-2", other.all()}});
    CHECK(problem(outcomes[0]).code == "gap");
    CHECK(ack(outcomes[1]).acked_through == 1);
}

TEST_CASE("releases are told until the agent has written them down") {
    Room room;
    room.session.query(
        "INSERT INTO tapline.release (journal_id, id, epoch, seq, outcome)"
        " VALUES ($1::uuid, 1, 1, 2, 'settled'), ($1::uuid, 2, 1, 3, 'dismissed')",
        room.journal.id()
    );
    room.session.query("UPDATE tapline.journal SET last_release = 2");
    auto batch = room.journal.all();
    batch.released_through = 1;
    const auto answer = ack(room.send(batch));
    REQUIRE(answer.released.size() == 1);
    CHECK(answer.released[0] == wire::Released{2, 3, "dismissed"});
    batch.released_through = 2;
    CHECK(ack(room.send(batch)).released.empty());
}

TEST_CASE("an open hold is answered with 503 hold and nothing is settled") {
    Room room;
    SECTION("by its row") {
        room.session.run(
            "INSERT INTO tapline.hold (reason, opened_by) VALUES ('new schema', 'anna')"
        );
    }
    SECTION("by its lock alone") {
        room.session.run("SELECT pg_advisory_lock(8386107590299353089)");
    }
    const auto refused = problem(room.send(room.journal.all()));
    CHECK(refused.status == 503);
    CHECK(refused.code == "hold");
    CHECK(refused.action == "hold");
    CHECK(refused.retry_after.has_value());
    CHECK(room.pours() == 0);
}

TEST_CASE("a settler that was stopped answers 503") {
    Room room;
    room.settler.stop();
    const auto refused = problem(room.send(room.journal.all()));
    CHECK(refused.status == 503);
    CHECK(refused.code == "stopping");
}

}  // namespace tapline::test
