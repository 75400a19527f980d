#include <csignal>
#include <fstream>
#include <map>

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/check.hpp"
#include "tests/sqlite/files.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;

TEST_CASE("a -wal that a killed writer left is adopted with every committed pour") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 10);
    REQUIRE(in_child([&] {
                Plain writer(file);
                writer.exec("PRAGMA wal_autocheckpoint=0");
                for (int number = 11; number <= 200; ++number) {
                    writer.insert(release("gen8").insert, id_of(number), 100);
                }
                ::raise(SIGKILL);
            }) == -SIGKILL);
    REQUIRE(fs::file_size(file.string() + "-wal") > 100'000);
    int lost = 0;
    SECTION("whole") {}
    SECTION("with a torn tail") {
        const auto wal = file.string() + "-wal";
        fs::resize_file(wal, fs::file_size(wal) - 3000);
        lost = 1;
    }
    SECTION("with a zeroed tail, as after a power cut") {
        const auto wal = file.string() + "-wal";
        fs::resize_file(wal, fs::file_size(wal) + 3 * 4120);
    }
    SECTION("with leftovers of an earlier round behind the current one") {
        Plain writer(file);
        writer.exec("PRAGMA wal_autocheckpoint=0; PRAGMA wal_checkpoint(RESTART)");
        writer.insert(release("gen8").insert, id_of(201), 100);
        lost = -1;
        CHECK(journal::adopt(file).adopted_through == 201);
        return;
    }
    CHECK(journal::adopt(file).adopted_through == 200 - lost);
    CHECK(journal::check(file).problem.empty());
    CHECK(journal::adopt(file).adopted_through == 200 - lost);
    CHECK(
        Plain(file).one("SELECT count(DISTINCT client_tx_id) FROM pours") ==
        std::to_string(200 - lost)
    );
}

TEST_CASE("a hot journal that a killed writer left is rolled back and the file adopted") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen1", 300);
    REQUIRE(in_child([&] {
                Plain writer(file);
                writer.exec(
                    "PRAGMA cache_size=2; BEGIN; UPDATE pours SET volume_ml = 9999, card_uid = "
                    "hex(randomblob(200))"
                );
                writer.exec("UPDATE pours SET start_ts = hex(randomblob(200))");
                ::raise(SIGKILL);
            }) == -SIGKILL);
    REQUIRE(fs::file_size(file.string() + "-journal") > 512);
    const auto report = journal::adopt(file);
    CHECK(report.recognised == "gen1");
    CHECK(report.adopted_through == 300);
    CHECK(Plain(file).one("SELECT count(*) FROM pours WHERE volume_ml = 9999") == "0");
}

namespace {

/// The file is either as it was, or wholly at head; nothing between.
std::string state_after_kill(const fs::path& file, const Account& before) {
    const auto seen = journal::current(file);
    if (seen.name == "j0001") {
        CHECK(account_of(file, "legacy_status") == before);
        CHECK(
            Plain(file).one("SELECT current_after FROM tapline_revision ORDER BY id DESC LIMIT 1"
            ) == "j0001"
        );
        CHECK(Plain(file).one("SELECT count(*) FROM tapline_journal") == "1");
        return "new";
    }
    CHECK(account_of(file) == before);
    // A machine that is slow enough gets as far as steps.
    CHECK(
        Plain(file).one("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'tapline%' AND name "
                        "NOT LIKE 'tapline_step%'") == "0"
    );
    return "old";
}

}  // namespace

TEST_CASE("SIGKILL at every stage of an adoption leaves the old journal or the new one") {
    std::map<std::string, int> kills;
    for (const auto* const origin : {"gen4", "gen2"}) {
        for (int stage = 1;; ++stage) {
            const TempDir dir;
            const auto file = dir / "local_journal.db";
            make_journal(file, origin, 50);
            const auto before = account_of(file);
            const auto status = in_child([&] {
                int seen = 0;
                journal::MigrateOptions options;
                options.progress = [&](std::string_view) {
                    if (++seen == stage) {
                        ::raise(SIGKILL);
                    }
                };
                journal::adopt(file, options);
            });
            if (status == 0) {
                break;
            }
            REQUIRE(status == -SIGKILL);
            ++kills[state_after_kill(file, before)];
            const auto again = journal::adopt(file);
            CHECK(again.head == "j0001");
            CHECK(account_of(file, "legacy_status") == before);
        }
    }
    WARN(
        "kills at stages: " << kills["old"] << " left the old file, " << kills["new"]
                            << " the new one"
    );
    CHECK(kills["old"] >= 30);
    CHECK(kills["new"] >= 2);
}

TEST_CASE("SIGKILL at any time of an adoption leaves the old journal or the new one") {
    std::map<std::string, int> kills;
    for (int microseconds = 5'000; microseconds < 400'000 && kills["new"] < 4;
         microseconds += microseconds / 6) {
        const TempDir dir;
        const auto file = dir / "local_journal.db";
        make_journal(file, "gen6", 3000);
        const auto before = account_of(file);
        const auto status = in_child_killed_after([&] { journal::adopt(file); }, microseconds);
        CHECK((status == -SIGKILL || status == 0));
        if (status == 0) {
            break;
        }
        ++kills[state_after_kill(file, before)];
        CHECK(journal::adopt(file).head == "j0001");
        CHECK(account_of(file, "legacy_status") == before);
    }
    WARN(
        "kills by time: " << kills["old"] << " left the old file, " << kills["new"]
                          << " the new one"
    );
    CHECK(kills["old"] + kills["new"] >= 10);
}

TEST_CASE("a migration that doesn't fit its deadline is rolled back and says what to do") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 20'000);
    const auto before = account_of(file);
    journal::MigrateOptions options;
    options.deadline = std::chrono::milliseconds(1);
    options.steps.reset();
    try {
        journal::adopt(file, options);
        FAIL("adopted");
    } catch (const Error& error) {
        CHECK(error.code() == "too_slow");
        CHECK(exit_code(error.kind()) == 4);
    }
    CHECK(account_of(file) == before);
    options.deadline.reset();
    CHECK(journal::adopt(file, options).changed);
}
