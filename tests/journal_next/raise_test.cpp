// How far a journal goes up and down, with two revisions that no release has yet.
#include "agent/journal/raise.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/central_word.hpp"
#include "agent/journal/check.hpp"
#include "agent/journal/journal.hpp"
#include "common/error.hpp"

namespace tapline::journal {

namespace {

namespace fs = std::filesystem;
using revision::Direction;

/// A journal of one's own directory.
struct Room {
    fs::path directory = fs::temp_directory_path() / fmt::format("tapline-raise-{}", ::getpid());
    fs::path file = directory / "journal.db";

    Room() {
        fs::remove_all(directory);
        fs::create_directories(directory);
    }

    ~Room() { fs::remove_all(directory); }

    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;

    void central(const std::string& revision, const std::string& minimum = "") const {
        remember_central(file, {revision, minimum});
    }

    [[nodiscard]] std::string revision() const { return Journal::open(file)->identity().revision; }

    [[nodiscard]] std::string moved(Direction direction, const std::string& target) const {
        try {
            return migrate_file(file, direction, target).result.current;
        } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::refused);
            return error.code();
        }
    }
};

}  // namespace

TEST_CASE("what central reports is at or above what a revision requires, by its number") {
    CHECK(central_has("", ""));
    CHECK(central_has("t0006_compat", "t0006_compat"));
    CHECK(central_has("t0006_compat", "t0007_x"));
    CHECK(central_has("t0009_x", "t0010_y"));
    CHECK_FALSE(central_has("t0007_x", "t0006_compat"));
    CHECK_FALSE(central_has("t0006_compat", "t0006_other"));
    CHECK_FALSE(central_has("t0006_compat", ""));
    CHECK_FALSE(central_has("t0006_compat", "t"));
    CHECK_FALSE(central_has("t0006_compat", "t99999999999999999999_x"));
    CHECK_FALSE(central_has("other", "t0006_compat"));
}

TEST_CASE("every journal revision after the first says which central it needs") {
    for (const auto& each : journal_lineage().revisions()) {
        const bool later = each.id.starts_with('j') && each.id != first_journal_revision;
        CHECK(later == !each.requires_central.empty());
    }
}

TEST_CASE("a journal goes up to what central is ready for, and no step further") {
    const auto& lineage = journal_lineage();
    CHECK(highest_for(lineage, "j0001", "") == "j0001");
    CHECK(highest_for(lineage, "j0001", "t0005_trust") == "j0001");
    CHECK(highest_for(lineage, "j0001", "t0006_compat") == "j0002");
    CHECK(highest_for(lineage, "j0001", "t9000_later") == "j0003");
    CHECK(highest_for(lineage, "j0002", "t0005_trust") == "j0002");
    CHECK(highest_for(lineage, "j0007", "t9000_later") == "j0007");
}

TEST_CASE("a raise that would break what the tap's program sends is refused, and another isn't") {
    Room room;
    adopt(room.file);
    room.central("t0006_compat");
    MigrateOptions options;
    // Works at j0001, which has 17 columns.
    options.writer_statements = {
        "INSERT INTO pours (client_tx_id, volume_ml) VALUES (?, ?)",
        "INSERT INTO pours VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    try {
        migrate_file(room.file, Direction::upgrade, "j0002", options);
        FAIL("raised");
    } catch (const Error& error) {
        CHECK(error.code() == "breaks_writer");
        CHECK(error.kind() == ErrorKind::refused);
        CHECK_THAT(error.what(), Catch::Contains("registered statement 2"));
        CHECK_THAT(error.what(), Catch::Contains("17 values"));
        CHECK_FALSE(error.hint().empty());
    }
    CHECK(room.revision() == "j0001");
    CHECK(check(room.file, options.writer_statements).problem == "breaks_writer");

    options.writer_statements.pop_back();
    CHECK(migrate_file(room.file, Direction::upgrade, "j0002", options).result.current == "j0002");
    CHECK(check(room.file, options.writer_statements).problem.empty());
}

TEST_CASE("a new journal is adopted at what needs no central; a verb doesn't go further either") {
    Room room;
    CHECK(adopt(room.file).head == "j0001");
    CHECK(room.moved(Direction::upgrade, "head") == "central_not_ready");
    CHECK(room.moved(Direction::upgrade, "j0002") == "central_not_ready");
    room.central("t0006_compat");
    CHECK(room.moved(Direction::upgrade, "j0003") == "central_not_ready");
    CHECK(room.revision() == "j0001");
    CHECK(room.moved(Direction::upgrade, "j0002") == "j0002");
    CHECK(room.revision() == "j0002");
    room.central("t9000_later");
    CHECK(adopt(room.file).head == "j0003");
    CHECK(room.revision() == "j0003");
    CHECK_FALSE(adopt(room.file).changed);
    fs::remove(room.file.string() + ".tapline.central");
    CHECK_FALSE(adopt(room.file).changed);
    CHECK(room.revision() == "j0003");
}

TEST_CASE("stepping down ends at what a contract has fixed, and leaves no backup behind") {
    Room room;
    std::ignore = adopt(room.file);
    room.central("t9000_later", "j0002");
    CHECK(room.moved(Direction::upgrade, "head") == "j0003");
    const auto files = std::distance(fs::directory_iterator(room.directory), {});
    CHECK(room.moved(Direction::downgrade, "j0001") == "below_minimum");
    CHECK(room.moved(Direction::downgrade, "gen8") == "below_minimum");
    CHECK(std::distance(fs::directory_iterator(room.directory), {}) == files);
    CHECK(room.moved(Direction::downgrade, "j0002") == "j0002");
    CHECK(room.moved(Direction::downgrade, "-1") == "below_minimum");
    room.central("t9000_later", "j0009");
    CHECK(room.moved(Direction::downgrade, "j0001") == "below_minimum");
    room.central("t9000_later");
    CHECK(room.moved(Direction::downgrade, "gen8") == "gen8");
}

TEST_CASE("a raise that fails leaves the journal as it was, and no backup of it") {
    Room room;
    std::ignore = adopt(room.file);
    room.central("t0006_compat");
    const auto files = std::distance(fs::directory_iterator(room.directory), {});
    MigrateOptions options;
    options.progress = [](std::string_view stage) {
        if (stage == "commit") {
            throw Error(ErrorKind::storage_full, "disk_full", "no room", "make some");
        }
    };
    CHECK_THROWS_AS(migrate_file(room.file, Direction::upgrade, "j0002", options), Error);
    CHECK(std::distance(fs::directory_iterator(room.directory), {}) == files);
    CHECK(room.revision() == "j0001");
    CHECK(room.moved(Direction::upgrade, "j0002") == "j0002");
    CHECK(std::distance(fs::directory_iterator(room.directory), {}) == files + 1);
}

TEST_CASE("what central said is kept beside the journal, and nonsense there is nothing") {
    Room room;
    CHECK(read_central_word(room.file) == CentralWord{});
    room.central("t0006_compat", "j0001");
    CHECK(read_central_word(room.file) == CentralWord{"t0006_compat", "j0001"});
    const auto path = room.file.string() + ".tapline.central";
    const auto written = fs::last_write_time(path);
    room.central("t0006_compat", "j0001");
    CHECK(fs::last_write_time(path) == written);
    std::ofstream(path) << R"({"central_revision": 7})";
    CHECK(read_central_word(room.file) == CentralWord{});
    std::ofstream(path) << "{";
    CHECK(read_central_word(room.file) == CentralWord{});
}

}  // namespace tapline::journal
