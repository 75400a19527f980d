// A journal that goes on in a new epoch: epoch, cursor and chain change together.
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/journal.hpp"
#include "tests/sqlite/files.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;
using journal::Journal;

namespace {

/// `last` pours, acked in batches of `step` up to `acked`.
std::unique_ptr<Journal> make(const fs::path& file, int last, Seq acked, std::int64_t step) {
    make_journal(file, "gen8", 0);
    journal::adopt(file);
    {
        Plain writer(file);
        writer.exec("BEGIN");
        for (int number = 1; number <= last; ++number) {
            REQUIRE(writer.insert(release("gen8").insert, id_of(number), number) == SQLITE_OK);
        }
        writer.exec("COMMIT");
    }
    auto opened = Journal::open(file);
    while (opened->identity().acked_through < acked) {
        const auto before = opened->identity();
        journal::BatchLimits limits;
        limits.rows = std::min<std::int64_t>(step, acked - before.acked_through);
        const auto batch = opened->next_batch(before.acked_through, before.acked_hash, limits);
        journal::AckRecord ack;
        ack.first_seq = batch->first_seq;
        ack.acked_through = batch->last_seq;
        ack.hash = batch->hash;
        opened->record_ack(ack);
    }
    return opened;
}

wire::EpochGrant grant_at(Journal& journal, Seq cursor) {
    wire::EpochGrant grant;
    grant.epoch = 5;
    grant.cursor = cursor;
    grant.hash = *journal.hash_at(cursor);
    grant.prunable_through = cursor;
    return grant;
}

}  // namespace

TEST_CASE("a new epoch starts anywhere in the file, and the chain goes on") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    auto opened = make(file, 60, 50, 7);
    const auto end = opened->hash_at(60);
    const Seq start = GENERATE(Seq{0}, Seq{7}, Seq{20}, Seq{50}, Seq{60});
    CAPTURE(start);
    opened->start_epoch(grant_at(*opened, start));
    opened.reset();
    opened = Journal::open(file);
    const auto identity = opened->identity();
    CHECK(identity.epoch == 5);
    CHECK(identity.acked_through == start);
    CHECK(identity.acked_hash == opened->hash_at(start));
    CHECK(identity.prunable_through == start);
    for (Seq seq = 0; seq <= 60; ++seq) {
        CHECK(opened->hash_at(seq).has_value());
    }
    CHECK(opened->hash_at(60) == end);
    const auto batch = opened->next_batch(start, identity.acked_hash, {});
    REQUIRE(batch.has_value() == (start < 60));
    if (batch) {
        CHECK(batch->epoch == 5);
        CHECK(batch->first_seq == start + 1);
        CHECK(batch->hash == end);
    }
    // A `new` row behind the cursor would close the tap for ever.
    CHECK(
        Plain(file).one(
            fmt::format("SELECT count(*) FROM pours WHERE status = 'new' AND seq <= {}", start)
        ) == "0"
    );
}

TEST_CASE("points of the chain are true, ascend, and reach before and after what is acked") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 1'000, 900, 3);
    const auto points = opened->chain_points(100);
    CHECK(points.size() == 100);
    CHECK(points.front().seq < 900);
    CHECK(points.back().seq > 900);
    Seq before = 0;
    for (const auto& point : points) {
        CHECK(point.seq > before);
        CHECK(opened->hash_at(point.seq) == point.hash);
        before = point.seq;
    }
    CHECK(points.size() <= wire::max_chain_points);
}

TEST_CASE("a journal without an ack has points too") {
    const TempDir dir;
    const auto opened = make(dir / "local_journal.db", 3, 0, 1);
    CHECK(opened->chain_points(100).size() == 4);
}

TEST_CASE("killed while the epoch is written, a journal is in the old or in the new one") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    auto opened = make(file, 200, 150, 10);
    const auto grant = grant_at(*opened, 120);
    opened.reset();
    int old_ones = 0;
    for (int round = 0; round < 20; ++round) {
        in_child_killed_after([&] { Journal::open(file)->start_epoch(grant); }, 500 * round);
        const auto identity = Journal::open(file)->identity();
        const bool is_new = identity.epoch == 5;
        CHECK(identity.acked_through == (is_new ? 120 : 150));
        old_ones += is_new ? 0 : 1;
        if (is_new) {
            break;
        }
    }
    CHECK(old_ones >= 1);
}

TEST_CASE("what may be pruned follows central's word, never past the cursor") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 60, 50, 10);
    const auto remove = [&](int seq) {
        return Plain(file).run(fmt::format("DELETE FROM pours WHERE seq = {}", seq));
    };
    CHECK(remove(1) != SQLITE_OK);
    opened->note_prunable(30);
    CHECK(remove(30) == SQLITE_OK);
    CHECK(remove(31) != SQLITE_OK);
    opened->note_prunable(999);
    CHECK(opened->identity().prunable_through == 50);
    CHECK(remove(51) != SQLITE_OK);
    // A restored centre starts from its own.
    opened->note_prunable(10);
    CHECK(remove(29) != SQLITE_OK);
}
