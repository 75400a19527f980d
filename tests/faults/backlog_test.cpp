// A backlog of weeks: no call of the agent's walks it. Work is counted, not timed: what the disk is
// asked for, and the rows of one lock.
#include "agent/journal/backlog.hpp"

#include <limits>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/journal.hpp"
#include "tests/faults/faulty_disk.hpp"
#include "tests/sqlite/files.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;
using journal::Journal;
using journal::rows_per_look;
using journal::rows_per_mark;

namespace {

constexpr std::int64_t short_backlog = 20'000;  ///< longer than all looks of a start
constexpr std::int64_t long_backlog = 60'000;
constexpr std::int64_t two_looks = 2 * rows_per_look;
/// Inner pages of a larger tree.
constexpr std::int64_t few_pages = 12;

void fill(const fs::path& file, std::int64_t rows, const std::string& status) {
    Plain(file).exec(fmt::format(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) "
        "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, duration_ms, volume_ml, "
        "tail_volume_ml, price_cents, status, attempts, price_per_ml_at_pour) "
        "SELECT printf('%08x-0000-4000-8000-%012x', i, i), printf('%08X', i), '04A1B2C3D4', 1, "
        "8000, 250, 0, 1125, '{}', 0, 0.45 FROM n; PRAGMA wal_checkpoint(TRUNCATE)",
        rows,
        status
    ));
}

fs::path make(const TempDir& dir, std::int64_t rows, const std::string& status) {
    auto file = dir / fmt::format("{}-{}.db", status, rows);
    make_journal(file, "gen8", 0);
    static_cast<void>(journal::adopt(file));
    fill(file, rows, status);
    return file;
}

/// Central has it all.
void settle_all(const fs::path& file, std::int64_t rows) {
    Plain(file).exec(fmt::format("UPDATE tapline_journal SET acked_through = {}", rows));
}

std::string status_at(const fs::path& file, Seq seq) {
    return Plain(file).one(fmt::format("SELECT status FROM pours WHERE seq = {}", seq));
}

/// What the disk is asked for from the start to the first batch, and for one turn of the upkeep.
struct Cost {
    std::int64_t start = 0;
    std::int64_t upkeep = 0;
};

Cost cost_of(const fs::path& file) {
    FaultyDisk disk(file);
    disk.arm(Fault::none, 0, 0);
    Cost cost;
    const auto journal = Journal::open(file);
    const auto identity = journal->identity();
    static_cast<void>(journal->counts());
    REQUIRE(journal->hash_at(identity.acked_through));
    static_cast<void>(journal->next_batch(identity.acked_through, identity.acked_hash, {}));
    cost.start = disk.operations();
    static_cast<void>(journal->mark_held(std::numeric_limits<Seq>::max(), rows_per_mark));
    static_cast<void>(journal->heal_settled());
    static_cast<void>(journal->counts());
    cost.upkeep = disk.operations() - cost.start;
    return cost;
}

}  // namespace

TEST_CASE("a start and its first batch cost the disk the same, however long the backlog is") {
    const TempDir dir;
    for (const char* status : {"held", "new"}) {
        INFO(status);
        const auto some = cost_of(make(dir, short_backlog, status));
        const auto many = cost_of(make(dir, long_backlog, status));
        CHECK(many.start <= some.start + few_pages);
        CHECK(many.upkeep <= some.upkeep + few_pages);
    }
}

TEST_CASE("a start costs the disk the same, however much was settled before") {
    const TempDir dir;
    const auto few = make(dir, short_backlog, "confirmed");
    const auto lot = make(dir, long_backlog, "confirmed");
    settle_all(few, short_backlog);
    settle_all(lot, long_backlog);
    const auto some = cost_of(few);
    const auto many = cost_of(lot);
    CHECK(many.start <= some.start + few_pages);
    CHECK(many.upkeep <= some.upkeep + few_pages);
}

TEST_CASE("marks of a backlog begin with its newest pour, in bounded steps, and reach all of it") {
    const TempDir dir;
    const auto file = make(dir, two_looks + 1, "new");
    const auto journal = Journal::open(file);
    auto marked = journal->mark_held(two_looks + 1, rows_per_look);
    CHECK(marked.rows == rows_per_look);
    CHECK(marked.more);
    CHECK(status_at(file, two_looks + 1) == "held");
    CHECK(status_at(file, two_looks + 1 - rows_per_look) == "new");
    std::int64_t rows = marked.rows;
    for (int calls = 1; marked.more; ++calls) {
        REQUIRE(calls < 100);
        marked = journal->mark_held(two_looks + 1, rows_per_mark);
        CHECK(marked.rows <= rows_per_mark);
        rows += marked.rows;
    }
    CHECK(rows == two_looks + 1);
    // What comes next is the first to be marked.
    Plain(file).exec("INSERT INTO pours (client_tx_id, status) VALUES ('next', 'new')");
    marked = journal->mark_held(two_looks + 2, rows_per_mark);
    CHECK(marked.rows == 1);
    CHECK_FALSE(marked.more);
}

TEST_CASE("a settled pour of long ago that was set to new is found by and by") {
    const TempDir dir;
    const auto file = make(dir, two_looks + 1, "confirmed");
    settle_all(file, two_looks + 1);
    Plain(file).exec(fmt::format(
        "UPDATE pours SET status = 'new' WHERE seq IN (1, {}, {})", rows_per_look, two_looks
    ));
    const auto journal = Journal::open(file);
    CHECK(status_at(file, two_looks) == "confirmed");
    CHECK(status_at(file, 1) == "new");
    CHECK(journal->heal_settled().rows == 1);
    CHECK(status_at(file, rows_per_look) == "confirmed");
    const auto last = journal->heal_settled();
    CHECK(last.rows == 1);
    CHECK_FALSE(last.more);
    CHECK(status_at(file, 1) == "confirmed");
}

TEST_CASE("the depth of a backlog gets exact as it is looked at, and stays so while it drains") {
    const TempDir dir;
    const auto file = dir / "holes.db";
    make_journal(file, "gen8", 0);
    fill(file, two_looks, "new");
    Plain(file).exec("DELETE FROM pours WHERE rowid % 10 = 1");
    static_cast<void>(journal::adopt(file));
    const auto journal = Journal::open(file);
    const auto there = two_looks / 10 * 9;
    CHECK(journal->counts().depth == there + rows_per_look / 10);
    CHECK(journal->counts().depth == there);
    auto identity = journal->identity();
    std::int64_t left = there;
    while (const auto batch =
               journal->next_batch(identity.acked_through, identity.acked_hash, {})) {
        journal::AckRecord ack;
        ack.first_seq = batch->first_seq;
        ack.acked_through = batch->last_seq;
        ack.hash = batch->hash;
        journal->record_ack(ack);
        left -= static_cast<std::int64_t>(batch->rows.size());
        REQUIRE(journal->counts().depth == left);
        identity = journal->identity();
    }
    CHECK(left == 0);
}
