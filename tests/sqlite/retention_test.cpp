#include <fstream>
#include <limits>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/journal.hpp"
#include "tests/sqlite/files.hpp"

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace tapline;
using namespace tapline::test;
using journal::Journal;
using journal::PruneOrder;

namespace {

constexpr auto month = 30 * 24h;

void pour(const fs::path& file, int first, int last) {
    Plain writer(file);
    for (int number = first; number <= last; ++number) {
        REQUIRE(writer.insert(release("gen8").insert, id_of(number), number) == SQLITE_OK);
    }
}

/// Sends what is there; central allows pruning up to `prunable`.
void send_all(Journal& journal, Seq prunable) {
    for (;;) {
        const auto identity = journal.identity();
        const auto batch = journal.next_batch(identity.acked_through, identity.acked_hash, {});
        if (!batch) {
            break;
        }
        journal::AckRecord ack;
        ack.first_seq = batch->first_seq;
        ack.acked_through = batch->last_seq;
        ack.hash = batch->hash;
        journal.record_ack(ack);
    }
    journal.note_prunable(prunable);
}

PruneOrder order(std::chrono::seconds running, std::chrono::seconds keep) {
    PruneOrder order;
    order.running = running;
    order.keep = keep;
    order.at_least = 1;
    return order;
}

std::string seqs_in(const fs::path& file) {
    return Plain(file).one("SELECT min(seq) || '-' || max(seq) || ' ' || count(*) FROM pours");
}

fs::path ages_of(const fs::path& file) {
    return fs::canonical(file).string() + ".tapline.ages";
}

}  // namespace

TEST_CASE("what is acked, in a verified backup and old is pruned, part by part; nothing else is") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 1300);
    journal::adopt(file);
    {
        const auto opened = Journal::open(file);
        send_all(*opened, 0);
        CHECK(opened->prune(order(0s, 0s)).rows == 0);  // in no backup
        send_all(*opened, 1200);
        CHECK(opened->prune(order(1h, month)).rows == 0);  // too young
        CHECK(seqs_in(file) == "1-1300 1300");
        const auto first = opened->prune(order(1h + month, month));
        CHECK(first.rows == 500);
        CHECK(first.more);
        CHECK(first.through == 500);
        CHECK(seqs_in(file) == "501-1300 800");
        CHECK(opened->prune(order(1h + month, month)).through == 1000);
        const auto last = opened->prune(order(1h + month, month));
        CHECK(last.rows == 200);
        CHECK_FALSE(last.more);
        CHECK(opened->prune(order(1h + month, month)).rows == 0);
        CHECK(seqs_in(file) == "1201-1300 100");
        CHECK(opened->identity().pruned_through == 1200);
    }
    // Life goes on: same chain, new pours, and the next start finds nothing odd.
    pour(file, 5001, 5010);
    const auto opened = Journal::open(file);
    const auto identity = opened->identity();
    const auto batch = opened->next_batch(identity.acked_through, identity.acked_hash, {});
    REQUIRE(batch);
    CHECK(batch->first_seq == 1301);
    CHECK(batch->rows.size() == 10);
    CHECK(batch->absent.empty());
    CHECK(Plain(file).one("PRAGMA integrity_check") == "ok");
}

TEST_CASE("the newest pour stays, and so does every pour that isn't acked") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 20);
    journal::adopt(file);
    const auto opened = Journal::open(file);
    send_all(*opened, 20);
    CHECK(opened->prune(order(0s, 0s)).rows == 19);
    CHECK(seqs_in(file) == "20-20 1");
    pour(file, 5001, 5005);
    opened->note_prunable(1000);  // never past the cursor
    CHECK(opened->prune(order(0s, 0s)).rows == 1);
    CHECK(seqs_in(file) == "21-25 5");
}

TEST_CASE("few old pours aren't worth an hour's writing") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 100);
    journal::adopt(file);
    const auto opened = Journal::open(file);
    send_all(*opened, 60);
    auto few = order(0s, 0s);
    few.at_least = 61;
    CHECK(opened->prune(few).rows == 0);
    few.at_least = 60;
    CHECK(opened->prune(few).rows == 60);
}

TEST_CASE("the age of pours outlives a stop, and a lost or foreign file only makes them younger") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 50);
    journal::adopt(file);
    {
        const auto opened = Journal::open(file);
        send_all(*opened, 50);
        CHECK(opened->prune(order(1h, month)).rows == 0);
        opened->note_running(month);
    }
    const auto known = ages_of(file);
    REQUIRE(fs::exists(known));
    const auto copy = dir / "copy";
    fs::copy_file(known, copy);
    SECTION("kept") {
        const auto opened = Journal::open(file);
        CHECK(opened->prune(order(59min, month)).rows == 0);
        CHECK(opened->prune(order(1h, month)).rows == 49);
    }
    SECTION("lost") {
        fs::remove(known);
        const auto opened = Journal::open(file);
        CHECK(opened->prune(order(1h, month)).rows == 0);
        CHECK(opened->prune(order(month, month)).rows == 0);
        CHECK(opened->prune(order(month + 1h, month)).rows == 49);
    }
    SECTION("torn") {
        fs::resize_file(known, 30);
        const auto opened = Journal::open(file);
        CHECK(opened->prune(order(month, month)).rows == 0);
        CHECK(opened->prune(order(2 * month, month)).rows == 49);
    }
    SECTION("another journal's") {
        std::ofstream(known) << R"({"journal_id":"x","uptime_s":99999999,"marks":[[1,50]]})";
        CHECK(Journal::open(file)->prune(order(1h, month)).rows == 0);
    }
}

TEST_CASE("ages are written when pours were acked, an hour apart, and at a stop; never when idle") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 5);
    journal::adopt(file);
    const auto opened = Journal::open(file);
    static_cast<void>(opened->prune(order(1h, month)));
    CHECK_FALSE(fs::exists(ages_of(file)));  // nothing is acked
    send_all(*opened, 0);
    static_cast<void>(opened->prune(order(2h, month)));
    REQUIRE(fs::exists(ages_of(file)));
    fs::remove(ages_of(file));
    for (int hour = 3; hour < 200; ++hour) {
        static_cast<void>(opened->prune(order(std::chrono::hours(hour), month)));
    }
    CHECK_FALSE(fs::exists(ages_of(file)));
    opened->note_running(200h);
    CHECK(fs::exists(ages_of(file)));
    fs::remove(ages_of(file));
    opened->note_running(200h + 59s);  // a storm of restarts
    CHECK_FALSE(fs::exists(ages_of(file)));
}

TEST_CASE("pruned pours leave room that later ones fill, and days left can be told from it") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 4000);
    journal::adopt(file);
    const auto opened = Journal::open(file);
    send_all(*opened, 4000);
    const auto before = opened->counts();
    CHECK(before.rows_kept == 4000);
    CHECK(before.file_bytes > 4000 * 100);
    auto everything = order(0s, 0s);
    everything.rows = 4000;
    CHECK(opened->prune(everything).rows == 3999);
    const auto after = opened->counts();
    CHECK(after.rows_kept == 1);
    CHECK(after.file_bytes == before.file_bytes);
    CHECK(after.reusable_bytes > before.file_bytes / 2);
    pour(file, 5001, 6000);
    CHECK(opened->counts().file_bytes == before.file_bytes);
    CHECK(opened->counts().reusable_bytes < after.reusable_bytes);
}
