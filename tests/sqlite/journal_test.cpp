#include "agent/journal/journal.hpp"

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "tests/sqlite/files.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;
using journal::AckRecord;
using journal::Journal;

namespace {

void pour(const fs::path& file, int first, int last) {
    Plain writer(file);
    writer.exec("BEGIN");
    for (int number = first; number <= last; ++number) {
        REQUIRE(writer.insert(release("gen8").insert, id_of(number), number) == SQLITE_OK);
    }
    writer.exec("COMMIT");
}

/// An adopted journal with pours 1..legacy from before and legacy+1..last after.
std::unique_ptr<Journal> make(const fs::path& file, int legacy, int last) {
    make_journal(file, "gen8", legacy);
    journal::adopt(file);
    pour(file, legacy + 1, last);
    return Journal::open(file);
}

std::vector<std::string> statuses(const fs::path& file, Seq from, Seq to) {
    return Plain(file).rows(
        fmt::format("SELECT status FROM pours WHERE seq BETWEEN {} AND {} ORDER BY seq", from, to)
    );
}

AckRecord ack_of(const wire::Batch& batch) {
    AckRecord ack;
    ack.first_seq = batch.first_seq;
    ack.acked_through = batch.last_seq;
    ack.hash = batch.hash;
    return ack;
}

}  // namespace

TEST_CASE("batches carry every pour once, in order, with one chain of hashes") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 30, 1234);
    Seq after = 0;
    RowHash hash{};
    std::size_t rows = 0;
    while (const auto batch = opened->next_batch(after, hash, {})) {
        CHECK(batch->first_seq == after + 1);
        CHECK(batch->prev_hash == hash);
        CHECK(batch->revision == "j0001");
        CHECK(batch->rows.size() <= wire::max_batch_rows);
        CHECK(wire::encode(*batch).size() <= wire::max_batch_bytes);
        CHECK(batch->absent.empty());
        for (const auto& row : batch->rows) {
            ++rows;
            CHECK(row.seq == static_cast<Seq>(rows));
            hash = next_hash(hash, row);
        }
        CHECK(batch->hash == hash);
        CHECK(batch->last_seq == batch->rows.back().seq);
        after = batch->last_seq;
    }
    CHECK(rows == 1234);
    CHECK(opened->hash_at(1234) == hash);
    CHECK(opened->hash_at(0) == RowHash{});
    CHECK_FALSE(opened->hash_at(1235));
    CHECK_FALSE(opened->hash_at(-1));
}

TEST_CASE("a row has every column but status and attempts, in name order, NULLs left out") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 1, 2);
    const auto batch = opened->next_batch(0, {}, {});
    REQUIRE(batch);
    std::string names;
    for (const auto& column : batch->rows[1].columns) {
        names += column.name + " ";
    }
    CHECK(
        names ==
        "card_uid client_tx_id duration_ms price_cents price_per_ml_at_pour recorded_at short_id "
        "tail_volume_ml tap_id volume_ml "
    );
    const auto* legacy = batch->rows[0].find("legacy_status");
    REQUIRE(legacy != nullptr);
    CHECK(*legacy == Value(Text{"confirmed"}));
    CHECK(*batch->rows[1].find("price_per_ml_at_pour") == Value(45.0));
    CHECK(*batch->rows[1].find("volume_ml") == Value(std::int64_t{2}));
}

TEST_CASE("statuses and attempts never change a hash") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 10, 40);
    const auto before = opened->hash_at(40);
    Plain(file).exec("UPDATE pours SET status = 'whatever', attempts = 77");
    CHECK(opened->hash_at(40) == before);
}

TEST_CASE("limits hold: rows, bytes, and a row over the limit goes alone and cut") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    auto opened = make(file, 0, 20);
    {
        Plain writer(file);
        REQUIRE(
            writer.insert(
                "INSERT INTO pours (client_tx_id, card_uid, volume_ml) VALUES (?1, "
                "hex(zeroblob(400000)), ?2)",
                "huge",
                5
            ) == SQLITE_OK
        );
    }
    pour(file, 101, 110);
    journal::BatchLimits limits;
    limits.rows = 7;
    const auto seven = opened->next_batch(0, {}, limits);
    REQUIRE(seven);
    CHECK(seven->rows.size() == 7);
    limits = {};
    limits.bytes = 8000;
    const auto small = opened->next_batch(0, {}, limits);
    REQUIRE(small);
    CHECK(small->rows.size() >= 2);
    CHECK(wire::encode(*small).size() <= 8000);

    const auto until_huge = opened->next_batch(0, {}, {});
    REQUIRE(until_huge);
    CHECK(until_huge->last_seq == 20);
    CHECK_FALSE(until_huge->truncated);
    const auto huge = opened->next_batch(20, until_huge->hash, {});
    REQUIRE(huge);
    CHECK(huge->rows.size() == 1);
    CHECK(huge->truncated);
    CHECK(wire::encode(*huge).size() <= wire::max_batch_bytes);
    CHECK(huge->hash == opened->hash_at(21));
    CHECK(huge->hash != next_hash(until_huge->hash, huge->rows.front()));
    const auto rest = opened->next_batch(21, huge->hash, {});
    REQUIRE(rest);
    CHECK(rest->rows.size() == 10);
    CHECK_FALSE(rest->truncated);
}

TEST_CASE("holes between rows are named, and many holes end a batch") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 0);
    {
        Plain old(file);
        old.exec(
            "BEGIN; WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 3 FROM n WHERE i < 6000) "
            "INSERT INTO pours (rowid, client_tx_id, volume_ml) SELECT i, 'row ' || i, 1 FROM n; "
            "COMMIT"
        );
    }
    journal::adopt(file);
    const auto opened = Journal::open(file);
    journal::BatchLimits limits;
    limits.rows = 100'000;
    limits.bytes = 100'000'000;
    const auto batch = opened->next_batch(0, {}, limits);
    REQUIRE(batch);
    CHECK(batch->absent.size() == wire::max_absent_ranges);
    CHECK(batch->absent.front() == wire::AbsentRange{1, 2});
    CHECK(batch->rows.size() == 1000);
    CHECK(wire::encode(*opened->next_batch(0, {}, {})).size() <= wire::max_batch_bytes);
    CHECK(opened->hash_at(4) == opened->hash_at(3));
}

TEST_CASE("nothing new gives no batch") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 0, 3);
    CHECK_FALSE(opened->next_batch(3, {}, {}));
    CHECK(opened->next_batch(2, {}, {})->rows.size() == 1);
}

TEST_CASE("an ack moves the cursor and the writer's statuses, and no other") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    auto opened = make(file, 14, 40);
    const auto legacy = statuses(file, 1, 14);
    const auto batch = opened->next_batch(0, {}, {});
    REQUIRE(batch);
    CHECK(opened->mark_held(40, 1000).rows > 26);
    CHECK(opened->mark_held(40, 1000).rows == 0);
    CHECK(statuses(file, 15, 40) == std::vector<std::string>(26, "held"));
    CHECK(opened->counts().depth == 40);

    auto ack = ack_of(*batch);
    ack.acked_through = 38;
    ack.hash = *opened->hash_at(38);
    ack.quarantined = {20, 2};
    ack.prunable_through = 99;
    opened->record_ack(ack);

    const auto identity = opened->identity();
    CHECK(identity.acked_through == 38);
    CHECK(identity.acked_hash == ack.hash);
    CHECK(identity.prunable_through == 38);
    CHECK(
        statuses(file, 19, 21) == std::vector<std::string>{"confirmed", "quarantined", "confirmed"}
    );
    CHECK(statuses(file, 39, 40) == std::vector<std::string>{"held", "held"});
    CHECK(legacy[1] == "failed");
    CHECK(statuses(file, 2, 2) == std::vector<std::string>{"failed"});
    CHECK(statuses(file, 3, 3) == std::vector<std::string>{"audit_only"});
    CHECK(Plain(file).one("SELECT legacy_status FROM pours WHERE seq = 5") == "new");
    CHECK(opened->counts().depth == 2);

    AckRecord later;
    later.acked_through = 38;
    later.released = {{3, 20, "settled"}, {4, 2, "dismissed"}};
    opened->record_ack(later);
    CHECK(statuses(file, 20, 20) == std::vector<std::string>{"confirmed"});
    CHECK(opened->identity().released_through == 4);
    CHECK(opened->identity().acked_hash == ack.hash);

    opened.reset();
    opened = Journal::open(file);
    CHECK(opened->identity().acked_through == 38);
    CHECK(opened->hash_at(38) == ack.hash);
}

TEST_CASE("marks are bounded and tell when none is left") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 0, 25);
    CHECK(opened->mark_held(12, 10).rows == 10);
    CHECK(opened->mark_held(12, 10).rows == 2);
    CHECK(opened->mark_held(12, 10).rows == 0);
    CHECK(statuses(file, 12, 13) == std::vector<std::string>{"held", "new"});
    CHECK(opened->mark_held(1000, 100).rows == 13);
    pour(file, 26, 27);
    CHECK(opened->mark_held(1000, 100).rows == 2);
}

TEST_CASE("central's cursor may go forward and back") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 0, 1800);
    const auto at_1700 = *opened->hash_at(1700);
    const auto at_300 = *opened->hash_at(300);
    opened->move_cursor(1700, at_1700);
    CHECK(opened->identity().acked_through == 1700);
    CHECK(Plain(file).one("SELECT count(*) FROM pours WHERE status = 'confirmed'") == "1700");
    CHECK(opened->counts().depth == 100);
    opened->move_cursor(300, at_300);
    CHECK(opened->identity().acked_through == 300);
    CHECK(opened->identity().acked_hash == at_300);
    CHECK(opened->counts().depth == 1500);
    CHECK(opened->hash_at(1700) == at_1700);
    const auto batch = opened->next_batch(300, at_300, {});
    REQUIRE(batch);
    CHECK(batch->first_seq == 301);
    opened->record_ack(ack_of(*batch));
    CHECK(opened->identity().acked_through == 300 + static_cast<Seq>(batch->rows.size()));
}

TEST_CASE("stored hashes stay few, and any past point of the chain can still be told") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 0, 900);
    RowHash hash{};
    journal::BatchLimits one;
    one.rows = 1;
    std::vector<RowHash> chain{RowHash{}};
    for (Seq after = 0; after < 900; ++after) {
        const auto batch = opened->next_batch(after, hash, one);
        REQUIRE(batch);
        hash = batch->hash;
        chain.push_back(hash);
        opened->record_ack(ack_of(*batch));
    }
    CHECK(Plain(file).one("SELECT count(*) BETWEEN 64 AND 80 FROM tapline_hash") == "1");
    for (const Seq seq : {1, 63, 64, 65, 500, 836, 899, 900}) {
        CHECK(opened->hash_at(seq) == chain[static_cast<std::size_t>(seq)]);
    }
    Plain(file).exec(
        "UPDATE tapline_journal SET prunable_through = 700, pruned_through = 600; DELETE FROM "
        "pours WHERE seq <= 600"
    );
    CHECK_FALSE(opened->hash_at(500));
    CHECK(opened->hash_at(640) == chain[640]);
    CHECK(opened->hash_at(900) == hash);
}

TEST_CASE("a settled pour that a technician set to new closes no tap") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    auto opened = make(file, 0, 10);
    opened->record_ack(ack_of(*opened->next_batch(0, {}, {})));
    opened.reset();
    Plain(file).exec("UPDATE pours SET status = 'new' WHERE seq IN (3, 4)");
    opened = Journal::open(file);
    CHECK(statuses(file, 1, 10) == std::vector<std::string>(10, "confirmed"));
}

TEST_CASE("data_version changes with other programs' commits only, and swapping the file is seen") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 0, 5);
    const auto version = opened->data_version();
    opened->mark_held(5, 5);
    opened->checkpoint();
    CHECK(opened->data_version() == version);
    pour(file, 6, 6);
    CHECK(opened->data_version() != version);
    CHECK_FALSE(opened->swapped());
    fs::copy_file(file, dir / "other.db");
    fs::rename(dir / "other.db", file);
    CHECK(opened->swapped());
}

TEST_CASE("a checkpoint copies the WAL back, counts what is left, and gives way to a writer") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 0, 1);
    opened->checkpoint();
    CHECK(opened->counts().wal_pages == 0);
    for (int number = 2; number <= 80; ++number) {
        pour(file, number, number);
    }
    const auto pages = opened->counts().wal_pages;
    CHECK(pages >= 79);
    {
        Plain writer(file);
        writer.exec("BEGIN IMMEDIATE");
        CHECK(opened->checkpoint() == pages);
        writer.exec("ROLLBACK");
    }
    CHECK(opened->checkpoint() == 0);
    CHECK(opened->counts().wal_pages == 0);
    CHECK(opened->counts().max_seq == 80);
    CHECK(opened->counts().free_bytes > 0);
}

TEST_CASE("counts tell depth and the oldest un-acked pour that has a time") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto opened = make(file, 5, 9);
    auto counts = opened->counts();
    CHECK(counts.depth == 9);
    CHECK(
        counts.oldest_recorded_at == Plain(file).one("SELECT recorded_at FROM pours WHERE seq = 6")
    );
    opened->record_ack(ack_of(*opened->next_batch(0, {}, {})));
    counts = opened->counts();
    CHECK(counts.depth == 0);
    CHECK_FALSE(counts.oldest_recorded_at);
}

TEST_CASE("boots and clock steps go with the rows they belong to") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    auto opened = make(file, 0, 30);
    opened->note_clock({"boot-a", 1, false, {{4, -500}}});
    opened->note_clock({"boot-a", 9, true, {{7, 90'000}}});
    opened->note_clock({"boot-a", 9, true, {}});
    opened->note_clock({"boot-b", 11, false, {}});
    opened->note_clock({"boot-c", 21, true, {}});
    opened->note_clock({"boot-c", 21, true, {}});
    opened.reset();
    opened = Journal::open(file);
    journal::BatchLimits limits;
    limits.rows = 15;
    const auto batch = opened->next_batch(0, {}, limits);
    REQUIRE(batch);
    REQUIRE(batch->boots.size() == 2);
    CHECK(batch->boots[0] == wire::Boot{"boot-a", 1, true, {{4, -500}, {7, 90'000}}});
    CHECK(batch->boots[1] == wire::Boot{"boot-b", 11, false, {}});
    CHECK(
        opened->next_batch(20, {}, {})->boots == std::vector<wire::Boot>{{"boot-c", 21, true, {}}}
    );
    CHECK_FALSE(batch->clock.boot_id.empty());

    wire::Boot jumpy{"boot-d", 31, false, {}};
    for (int step = 0; step < 50; ++step) {
        jumpy.steps.push_back({31 + step, 10});
    }
    opened->note_clock(jumpy);
    pour(file, 31, 31);
    const auto last = opened->next_batch(30, {}, {});
    REQUIRE(last->boots.size() == 1);
    CHECK(last->boots[0].steps.size() == 32);
    std::int64_t sum = 0;
    for (const auto& step : last->boots[0].steps) {
        sum += step.delta_ms;
    }
    CHECK(sum == 500);
}

TEST_CASE("only an adopted journal can be opened, and only by one agent") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const auto code = [&] {
        try {
            (void)Journal::open(file);
            return std::string("opened");
        } catch (const Error& error) {
            CHECK_FALSE(error.hint().empty());
            return error.code();
        }
    };
    CHECK(code() == "not_adopted");
    make_journal(file, "gen8", 3);
    CHECK(code() == "not_adopted");
    journal::adopt(file);
    const auto first = Journal::open(file);
    CHECK(code() == "locked");
}
