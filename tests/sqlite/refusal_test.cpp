#include <csignal>
#include <fstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/check.hpp"
#include "agent/journal/difference.hpp"
#include "agent/journal/file_lock.hpp"
#include "tests/sqlite/files.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;

namespace {

struct Refusal {
    std::string code;
    std::vector<std::string> objects;
};

/// Adopts, checks that it is refused and that no byte in the directory changed.
Refusal refused(const TempDir& dir, const fs::path& file) {
    const auto before = bytes_of(dir.path());
    Refusal result;
    try {
        const auto report = journal::adopt(file);
        FAIL("adopted as " << report.recognised);
    } catch (const journal::FileError& error) {
        result.code = error.code();
        for (const auto& difference : error.differences()) {
            result.objects.push_back(fmt::format("{} {}", difference.object, difference.kind));
        }
        CHECK_FALSE(error.hint().empty());
        CHECK(std::string(error.what()).find("tapline-copy") == std::string::npos);
        CHECK(error.kind() == ErrorKind::storage_corrupt);
    }
    const auto after = bytes_of(dir.path());
    CHECK(after.size() == before.size());
    for (const auto& [name, bytes] : before) {
        CAPTURE(name);
        CHECK((after.contains(name) && after.at(name) == bytes));
    }
    return result;
}

void overwrite(const fs::path& file, std::int64_t at, const std::string& bytes) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekp(at);
    stream.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// The file and its -wal as a killed writer leaves them.
void copy_live(const fs::path& from, const fs::path& to) {
    fs::copy_file(from, to, fs::copy_options::overwrite_existing);
    fs::copy_file(
        from.string() + "-wal", to.string() + "-wal", fs::copy_options::overwrite_existing
    );
}

}  // namespace

TEST_CASE("a table that is no release's is left alone, with the differences from the nearest shape"
) {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 20);
    std::vector<std::string> expected;
    SECTION("an extra column") {
        Plain(file).exec("ALTER TABLE pours ADD COLUMN note TEXT");
        expected = {"table pours column note added"};
    }
    SECTION("a missing column") {
        Plain(file).exec("ALTER TABLE pours DROP COLUMN card_uid");
        expected = {"table pours column card_uid removed"};
    }
    SECTION("another type") {
        Plain(file).exec(
            "ALTER TABLE pours DROP COLUMN volume_ml; ALTER TABLE pours ADD COLUMN volume_ml TEXT"
        );
        expected = {"table pours column volume_ml changed"};
    }
    SECTION("another default") {
        Plain(file).exec(
            "ALTER TABLE pours DROP COLUMN attempts; ALTER TABLE pours ADD COLUMN attempts INTEGER "
            "DEFAULT 1"
        );
        expected = {"table pours column attempts changed"};
    }
    SECTION("a check") {
        Plain(file).exec(
            "ALTER TABLE pours DROP COLUMN tap_id; ALTER TABLE pours ADD COLUMN tap_id INTEGER "
            "CHECK (tap_id > 0)"
        );
        expected = {"table pours constraint check (tap_id > 0) added"};
    }
    const auto refusal = refused(dir, file);
    CHECK(refusal.code == "unknown_shape");
    CHECK(refusal.objects == expected);
}

TEST_CASE("WITHOUT ROWID, STRICT, a view and UTF-16 are unknown shapes") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    const std::string create(release("gen4").create);
    const auto* const sql = GENERATE("without", "strict", "view", "utf16", "not null");
    if (std::string_view(sql) == "without") {
        Plain(file).exec(create + " WITHOUT ROWID");
    } else if (std::string_view(sql) == "strict") {
        Plain(file).exec(create + " STRICT");
    } else if (std::string_view(sql) == "view") {
        Plain(file).exec("CREATE TABLE a (b); CREATE VIEW pours AS SELECT b FROM a");
    } else if (std::string_view(sql) == "utf16") {
        Plain(file).exec("PRAGMA encoding = 'UTF-16le'; " + create);
    } else {
        Plain(file).exec(
            "CREATE TABLE pours (client_tx_id TEXT PRIMARY KEY, card_uid TEXT, tap_id INTEGER NOT "
            "NULL, start_ts TEXT, "
            "end_ts TEXT, volume_ml INTEGER, price_cents INTEGER, status TEXT DEFAULT 'new')"
        );
    }
    CAPTURE(sql);
    const auto refusal = refused(dir, file);
    CHECK(refusal.code == "unknown_shape");
    CHECK(refusal.objects.size() >= 1);
}

TEST_CASE("gen3 rows with one client_tx_id twice are refused: no row may vanish") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen3", 5);
    Plain(file).exec("UPDATE pours SET client_tx_id = 'twin' WHERE id IN (2, 4)");
    const auto refusal = refused(dir, file);
    CHECK(refusal.code == "unknown_shape");
    CHECK(refusal.objects == std::vector<std::string>{"table pours row client_tx_id twin changed"});
}

TEST_CASE("what isn't a database is left alone") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    std::ofstream(file) << std::string(9000, 'x');
    CHECK(refused(dir, file).code == "not_a_database");
}

TEST_CASE("a damaged file is left alone") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 400);
    const auto size = static_cast<std::int64_t>(fs::file_size(file));
    REQUIRE(size > 10 * 4096);
    SECTION("a zeroed page") {
        overwrite(file, 5 * 4096, std::string(4096, '\0'));
    }
    SECTION("a truncated last page") {
        fs::resize_file(file, static_cast<std::uintmax_t>(size - 4096));
    }
    SECTION("half a page missing") {
        fs::resize_file(file, static_cast<std::uintmax_t>(size - 2000));
    }
    SECTION("garbage in a page") {
        overwrite(file, 3 * 4096 + 8, std::string(600, '\x5a'));
    }
    SECTION("only the header is left") {
        fs::resize_file(file, 50);
    }
    const auto refusal = refused(dir, file);
    CHECK(refusal.code == "damaged");
    CHECK_FALSE(refusal.objects.empty());
}

TEST_CASE("a -wal of another state of the file is left alone") {
    const TempDir dir;
    const TempDir elsewhere;
    const auto live = elsewhere / "live.db";
    const auto file = dir / "local_journal.db";
    make_journal(live, "gen8", 300);
    Plain writer(live);
    writer.exec("PRAGMA wal_autocheckpoint=0; PRAGMA wal_checkpoint(TRUNCATE)");
    for (int number = 1001; number <= 1050; ++number) {
        writer.insert(release("gen8").insert, id_of(number), 100);
    }
    SECTION("an old -wal beside a newer file") {
        copy_live(live, file);
        for (int number = 2001; number <= 2300; ++number) {
            writer.insert(release("gen8").insert, id_of(number), 100);
        }
        writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
        fs::copy_file(live, file, fs::copy_options::overwrite_existing);
        const TempDir probe;
        copy_live(file, probe / "probe.db");
        CHECK(Plain(probe / "probe.db").one("PRAGMA integrity_check") == "ok");
        CHECK(Plain(probe / "probe.db").one("SELECT count(*) < 650 FROM pours") == "1");
    }
    SECTION("another controller's -wal") {
        make_journal(file, "gen5", 300);
        fs::copy_file(live.string() + "-wal", file.string() + "-wal");
    }
    SECTION("a -wal beside an empty file") {
        std::ofstream(file).close();
        fs::copy_file(live.string() + "-wal", file.string() + "-wal");
    }
    SECTION("a -wal with another page size") {
        {
            Plain other(file);
            other.exec("PRAGMA page_size=1024; PRAGMA journal_mode=WAL");
            other.exec(release("gen8").create);
        }
        fs::copy_file(
            live.string() + "-wal", file.string() + "-wal", fs::copy_options::overwrite_existing
        );
    }
    SECTION("a -wal whose frames are of two files") {
        copy_live(live, file);
        overwrite(
            file.string() + "-wal",
            32 + 3 * (24 + 4096) + 8,
            "\xde\xad\xbe\xef"
            "abcd"
        );
    }
    SECTION("a -wal with a broken header") {
        copy_live(live, file);
        overwrite(file.string() + "-wal", 16, "salt");
    }
    const auto refusal = refused(dir, file);
    CHECK(refusal.code == "foreign_wal");
    REQUIRE(refusal.objects.size() == 1);
    CHECK(refusal.objects.front().starts_with("file local_journal.db-wal"));
}

TEST_CASE("what lies behind a -wal's own frames is no stranger: a writer began anew on a torn one"
) {
    const TempDir dir;
    const TempDir elsewhere;
    const auto live = elsewhere / "live.db";
    const auto file = dir / "local_journal.db";
    make_journal(live, "gen8", 300);
    Plain writer(live);
    writer.exec("PRAGMA wal_autocheckpoint=0; PRAGMA wal_checkpoint(TRUNCATE)");
    for (int number = 1001; number <= 1050; ++number) {
        writer.insert(release("gen8").insert, id_of(number), 100);
    }
    copy_live(live, file);
    const auto wal = file.string() + "-wal";
    constexpr std::int64_t step = 24 + 4096;
    const auto bytes = static_cast<std::int64_t>(fs::file_size(wal));
    for (auto at = 32 + 20 * step; at + step <= bytes; at += step) {
        overwrite(
            wal,
            at + 8,
            "\xde\xad\xbe\xef"
            "abcd"
        );
    }
    const auto adopted_through = journal::adopt(file).adopted_through;
    CHECK(adopted_through > 300);
    CHECK(adopted_through < 350);
}

TEST_CASE("a second agent is refused by the lock, and the next one after a kill isn't") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 5);
    {
        const journal::FileLock mine(file);
        try {
            journal::adopt(file);
            FAIL("adopted");
        } catch (const Error& error) {
            CHECK(error.code() == "locked");
            CHECK(exit_code(error.kind()) == 3);
        }
    }
    CHECK(in_child([&] {
              const journal::FileLock mine(file);
              ::raise(SIGKILL);
          }) == -SIGKILL);
    CHECK(journal::adopt(file).changed);
}

TEST_CASE("check finds what adopt would refuse: other people's objects that stand in the way") {
    const std::string sql = GENERATE(
        "CREATE TABLE tapline_journal (note TEXT)",
        "CREATE TABLE tapline_old (note TEXT)",
        "CREATE TRIGGER no_more BEFORE INSERT ON pours BEGIN SELECT RAISE(ABORT, 'closed'); END",
        "CREATE TRIGGER ignored BEFORE INSERT ON pours BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TRIGGER kept BEFORE UPDATE ON pours BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TRIGGER gone AFTER INSERT ON pours BEGIN DELETE FROM pours; END"
    );
    CAPTURE(sql);
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 20);
    Plain(file).exec(sql);
    const auto seen = journal::check(file);
    const auto refusal = refused(dir, file);
    CHECK(seen.problem == refusal.code);
    CHECK_FALSE(seen.differences.empty());
    CHECK(seen.advice.find("journal adopt") == std::string::npos);
}

TEST_CASE("a rollback journal beside an empty file is somebody's last trace, and is kept") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    std::ofstream(file).close();
    std::ofstream(file.string() + "-journal") << std::string(4096, 'x');
    const auto refusal = refused(dir, file);
    CHECK(refusal.code == "foreign_wal");
    REQUIRE(refusal.objects.size() == 1);
    CHECK(refusal.objects[0] == "file local_journal.db-journal added");
}
