// Migrations and backups with each operation of the disk failing once, beside a tap that writes.
// After every fault: the file is sound and at one known revision, every pour and status whose
// COMMIT the tap saw is there, the tap can write on, and the next run goes through.
#include <map>
#include <set>
#include <string>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/backup.hpp"
#include "agent/journal/central_word.hpp"
#include "agent/journal/journal.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/step_tables.hpp"
#include "tests/faults/campaign.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;
using revision::Direction;

namespace {

constexpr int pours_before = 12;
/// A point takes from a tenth of a second to one; all of them together some ten.
constexpr int up_stride = 31;
constexpr int down_stride = 45;
constexpr int raise_stride = 61;
constexpr int backup_stride = 13;

/// What the tap's program was promised, and the file that it works on.
struct Bar {
    TempDir dir;
    fs::path file = dir / "local_journal.db";
    std::set<std::string> promised;
    std::map<int, std::string> statuses;

    void clear() {
        for (const auto& entry : fs::directory_iterator(dir.path())) {
            fs::remove_all(entry.path());
        }
        statuses.clear();
    }

    void mark(Writer& writer, int number, const std::string& status) {
        if (writer.mark(number, status)) {
            statuses[number] = status;
        }
    }

    /// The tap works, whatever the fault left.
    void go_on() {
        Writer writer(file, promised);
        writer.pour(201);
        REQUIRE(promised.contains(id_of(201)));
        REQUIRE(writer.mark(3, "failed"));
        statuses[3] = "failed";
    }

    void check_promises() const {
        check_sound(file);
        check_kept(file, promised);
        Plain plain(file);
        for (const auto& [number, status] : statuses) {
            INFO("pour " << number);
            REQUIRE(
                plain.one(
                    "SELECT status FROM pours WHERE client_tx_id = '" + id_of(number) + "'"
                ) == status
            );
        }
    }

    /// Sent whole, each pour once; a COMMIT that failed at its sync may be there all the same.
    void check_sent() const {
        const auto there = ids_in(file);
        Centre centre;
        const auto journal = journal::Journal::open(file);
        drain(*journal, centre);
        REQUIRE(centre.ids == std::multiset<std::string>(there.begin(), there.end()));
    }
};

journal::MigrateOptions in_steps() {
    journal::MigrateOptions options;
    options.steps->at_once = true;
    options.steps->max_rows = 5;
    options.steps->pause = std::chrono::milliseconds(0);
    return options;
}

/// The tap pours and marks in the midst of it.
void migrate_in_steps(Bar& bar, Direction direction, const std::string& target) {
    journal::Database database(bar.file);
    Writer writer(bar.file, bar.promised);
    auto options = in_steps();
    options.progress = [&](std::string_view stage) {
        if (stage == "in steps: catch up") {
            writer.pour(101);
            bar.mark(writer, 2, "confirmed");
        } else if (stage == "in steps: swap") {
            writer.pour(102);
            bar.mark(writer, 5, "failed");
        }
    };
    const auto result = direction == Direction::upgrade
                            ? journal::upgrade(database, target, options)
                            : journal::downgrade(database, target, options);
    REQUIRE(result.steps > 0);
}

std::string revision_of(const fs::path& file) {
    journal::Database database(file);
    const auto found = journal::recognise(database);
    REQUIRE(found.kind == journal::Recognised::Kind::revision);
    return found.name;
}

/// A copy that has everything in one file.
void copy_journal(const fs::path& from, const fs::path& to) {
    Plain(from).exec("VACUUM INTO '" + to.string() + "'");
    Plain(to).exec("PRAGMA journal_mode=WAL");
}

}  // namespace

namespace {

void every_operation_in_steps(
    Direction direction, const std::string& from, const std::string& target, int stride
) {
    Bar bar;
    const TempDir templates;
    make_journal(templates / "template.db", "gen8", pours_before);
    if (from == "j0001") {
        static_cast<void>(journal::adopt(templates / "template.db", {}));
    }
    FaultyDisk disk(bar.file);
    Campaign campaign;
    campaign.stride = stride_of(stride);
    campaign.begin = [&] {
        bar.clear();
        copy_journal(templates / "template.db", bar.file);
        bar.promised = ids_in(bar.file);
    };
    campaign.path = [&] { migrate_in_steps(bar, direction, target); };
    int runs = 0;
    campaign.check = [&] {
        bar.check_promises();
        const auto at = revision_of(bar.file);
        REQUIRE((at == from || at == target));
        bar.go_on();
        {
            journal::Database database(bar.file);
            // The next run may be of either kind, and the one after a downgrade goes up.
            const auto options = ++runs % 2 == 0 ? in_steps() : journal::MigrateOptions{};
            if (direction == Direction::downgrade && at == from) {
                REQUIRE(journal::downgrade(database, target, options).current == target);
                REQUIRE_FALSE(journal::has_step_leftovers(database));
            }
            REQUIRE(journal::upgrade(database, "j0001", options).current == "j0001");
            REQUIRE_FALSE(journal::has_step_leftovers(database));
        }
        bar.check_promises();
        bar.check_sent();
    };
    every_operation(disk, fmt::format("{} -> {} in steps", from, target), campaign);
}

}  // namespace

TEST_CASE("a migration in steps survives a fault at each operation of the disk") {
    every_operation_in_steps(Direction::upgrade, "gen8", "j0001", up_stride);
}

TEST_CASE("a downgrade in steps survives a fault at each operation of the disk") {
    every_operation_in_steps(Direction::downgrade, "j0001", "gen8", down_stride);
}

TEST_CASE("the raise of a journal survives faults all over its operations of the disk") {
    Bar bar;
    const TempDir templates;
    make_journal(templates / "template.db", "gen8", pours_before);
    static_cast<void>(journal::adopt(templates / "template.db", {}));
    FaultyDisk disk(bar.file);
    Campaign campaign;
    campaign.stride = stride_of(raise_stride);
    campaign.begin = [&] {
        bar.clear();
        copy_journal(templates / "template.db", bar.file);
        journal::remember_central(bar.file, {"t0006_compat", ""});
        bar.promised = ids_in(bar.file);
    };
    const auto raise = [&] {
        return journal::migrate_file(bar.file, Direction::upgrade, "j0002").result.current;
    };
    campaign.path = [&] { static_cast<void>(raise()); };
    campaign.check = [&] {
        bar.check_promises();
        const auto at = revision_of(bar.file);
        REQUIRE((at == "j0001" || at == "j0002"));
        bar.go_on();
        REQUIRE(raise() == "j0002");
        bar.check_promises();
        bar.check_sent();
    };
    every_operation(disk, "raise", campaign);
}

TEST_CASE("a backup is whole or isn't there, whichever operation of the disk fails") {
    Bar bar;
    const TempDir templates;
    make_journal(templates / "template.db", "gen8", pours_before);
    static_cast<void>(journal::adopt(templates / "template.db", {}));
    FaultyDisk disk(bar.file);
    Campaign campaign;
    campaign.stride = stride_of(backup_stride);
    campaign.begin = [&] {
        bar.clear();
        copy_journal(templates / "template.db", bar.file);
        bar.promised = ids_in(bar.file);
    };
    campaign.path = [&] {
        Writer writer(bar.file, bar.promised);
        writer.pour(101);
        journal::Database database(bar.file);
        static_cast<void>(journal::make_backup(database));
    };
    campaign.check = [&] {
        bar.check_promises();
        bar.go_on();
        journal::Database database(bar.file);
        const auto backup = journal::make_backup(database);
        check_kept(backup, bar.promised);
        for (const auto& entry : fs::directory_iterator(bar.dir.path())) {
            const auto name = entry.path().filename().string();
            INFO(name);
            REQUIRE(name.find(".partial") == std::string::npos);
            if (name.find(".tapline-backup-") != std::string::npos) {
                check_sound(entry.path());
                REQUIRE(ids_in(entry.path()).size() >= pours_before);
            }
        }
        bar.check_sent();
    };
    every_operation(disk, "backup", campaign);
}
