// A -wal without its file: SQLite would delete it, and the pours in it.
#include <csignal>
#include <fstream>
#include <functional>

#include <catch2/catch.hpp>

#include "agent/journal/adopt.hpp"
#include "agent/journal/journal.hpp"
#include "agent/journal/reading.hpp"
#include "agent/salvage/salvage.hpp"
#include "tests/sqlite/files.hpp"
#include "tests/sqlite/salvage_checks.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;

namespace {

constexpr int in_the_file = 40;
constexpr int in_the_wal = 20;

/// Every page of it stands in the -wal.
void make_journal_in_its_wal(const fs::path& file) {
    make_known_journal(file, {in_the_file, 20, 20});
    REQUIRE(in_child([&] {
                Plain writer(file);
                writer.exec("PRAGMA wal_autocheckpoint=0; VACUUM");
                for (int number = 1; number <= in_the_wal; ++number) {
                    writer.insert(release("gen8").insert, id_of(in_the_file + number), 100);
                }
                ::raise(SIGKILL);
            }) == -SIGKILL);
}

std::string refusal(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& error) {
        return error.code();
    }
    return "none";
}

}  // namespace

TEST_CASE("an emptied journal is opened by nobody, and salvaged from its -wal") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal_in_its_wal(file);
    const auto bytes = GENERATE(0, 1, 511);
    fs::resize_file(file, 0);
    fs::resize_file(file, static_cast<std::uintmax_t>(bytes));
    const auto wal = all_of(file.string() + "-wal");
    CHECK(refusal([&] { static_cast<void>(journal::Journal::open(file)); }) == "damaged");
    CHECK(refusal([&] { static_cast<void>(journal::JournalReader::look(file)); }) == "damaged");
    CHECK(refusal([&] { static_cast<void>(journal::open_for_reading(file)); }) == "damaged");
    CHECK(refusal([&] { static_cast<void>(journal::adopt(file)); }) != "none");
    CHECK(all_of(file.string() + "-wal") == wal);
    const auto report = salvage::salvage(file);
    CHECK(report.whole == in_the_file + in_the_wal);
    CHECK(report.doubtful == 0);
    const auto journal = journal::Journal::open(file);
    CHECK(journal->counts().max_seq > in_the_file + in_the_wal);
}

TEST_CASE("a missing journal isn't made anew beside its -wal") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal_in_its_wal(file);
    fs::remove(file);
    const auto wal = all_of(file.string() + "-wal");
    CHECK(refusal([&] { static_cast<void>(journal::Journal::open(file)); }) == "damaged");
    CHECK(refusal([&] { static_cast<void>(journal::open_for_reading(file)); }) == "damaged");
    CHECK(refusal([&] { static_cast<void>(journal::adopt(file)); }) != "none");
    CHECK_FALSE(fs::exists(file));
    CHECK(all_of(file.string() + "-wal") == wal);
    std::ofstream{file};
    CHECK(salvage::salvage(file).whole == in_the_file + in_the_wal);
}

TEST_CASE("an empty file without a -wal, or with an empty one, is as it was") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    std::ofstream{file};
    std::ofstream{file.string() + "-wal"};
    CHECK(refusal([&] { static_cast<void>(journal::open_for_reading(file)); }) == "not_adopted");
    journal::adopt(file);
    CHECK(journal::Journal::open(file)->counts().max_seq == 0);
}

TEST_CASE("a -wal that somebody removed is another file, once all that was seen is acked") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, {in_the_file, 20, 20});
    const auto journal = journal::Journal::open(file);
    CHECK_FALSE(journal->swapped());
    fs::remove(file.string() + "-wal");
    CHECK_FALSE(journal->swapped());
    RowHash hash = journal->identity().acked_hash;
    const auto batch = journal->next_batch(20, hash, {});
    REQUIRE(batch);
    journal::AckRecord ack;
    ack.first_seq = batch->first_seq;
    ack.acked_through = batch->last_seq;
    ack.hash = batch->hash;
    journal->record_ack(ack);
    CHECK(journal->swapped());
}
