// What the tap's program sends is tried on a copy, before and after a migration.
#include "agent/journal/rehearse.hpp"

#include <set>
#include <sstream>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/check.hpp"
#include "agent/journal/fence.hpp"
#include "agent/journal/release_inserts.hpp"
#include "tests/sqlite/files.hpp"

using namespace tapline;
using namespace tapline::test;
using revision::Direction;

namespace {

struct Refusal {
    std::string code;
    std::string what;
    ErrorKind kind = ErrorKind::bug;
};

template <typename Job>
Refusal refusal_of(const Job& job) {
    try {
        job();
    } catch (const Error& error) {
        return {error.code(), error.what(), error.kind()};
    }
    return {};
}

journal::MigrateOptions sends(std::vector<std::string> statements) {
    journal::MigrateOptions options;
    options.writer_statements = std::move(statements);
    return options;
}

/// Of an INSERT, between its first brackets.
std::set<std::string> columns_in(std::string_view insert) {
    const auto from = insert.find('(') + 1;
    std::istringstream list(std::string(insert.substr(from, insert.find(')') - from)));
    std::set<std::string> columns;
    for (std::string column; std::getline(list >> std::ws, column, ',');) {
        columns.insert(column);
    }
    return columns;
}

std::string code_of(const std::string& sql) {
    return refusal_of([&] { std::ignore = journal::read_statement("it", sql); }).code;
}

}  // namespace

TEST_CASE("a registered statement that the upgrade would break is refused, and no byte changes") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 20);
    const std::string bad = GENERATE(
        std::string("UPDATE pours SET volume_ml = ? WHERE client_tx_id = ?"),
        std::string("INSERT INTO pours VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        std::string("INSERT INTO pours (rowid, client_tx_id) VALUES (77777, ?)"),
        std::string("INSERT OR REPLACE INTO pours (client_tx_id, volume_ml) VALUES "
                    "('tapline-rehearsal-probe', ?)")
    );
    CAPTURE(bad);
    const auto before = bytes_of(dir.path());
    const auto options = sends({"SELECT count(*) FROM pours", bad});

    const auto adopting = refusal_of([&] { journal::adopt(file, options); });
    const auto raising =
        refusal_of([&] { journal::migrate_file(file, Direction::upgrade, "j0001", options); });

    for (const auto& refusal : {adopting, raising}) {
        CHECK(refusal.code == "breaks_writer");
        CHECK(refusal.kind == ErrorKind::refused);
        CHECK(refusal.what.find("registered statement 2") != std::string::npos);
        CHECK(refusal.what.find(bad) != std::string::npos);
    }
    CHECK(bytes_of(dir.path()) == before);
    CHECK(journal::adopt(file, sends({"SELECT count(*) FROM pours"})).changed);
}

TEST_CASE("statements that go on working are no obstacle, nor those that never did") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen6", 20);
    const auto report = journal::adopt(
        file,
        sends(
            {"INSERT INTO pours (client_tx_id, volume_ml) VALUES (?1, ?2)",
             "UPDATE pours SET status = :status WHERE client_tx_id = :id",
             "SELECT client_tx_id FROM pours WHERE status = ? ORDER BY start_ts LIMIT ?",
             "INSERT INTO pours (no_such_column) VALUES (?)"}
        )
    );
    CHECK(report.changed);
    CHECK(Plain(file).one("SELECT count(*) FROM pours") == "20");
    REQUIRE(report.findings.size() == 1);
    CHECK(report.findings.front().object == "registered statement 4");
    CHECK(report.findings.front().found->find("no_such_column") != std::string::npos);
    const auto checked = journal::check(file, {"SELECT no_such_column FROM pours"});
    CHECK(checked.problem == "statement_fails");
    CHECK(checked.differences.size() == 1);
}

TEST_CASE("an INSERT of gen3's own, whose ids are AUTOINCREMENT, may be registered") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen3", 20);
    const auto report =
        journal::adopt(file, sends({"INSERT INTO pours (data, status) VALUES (?, 'new')"}));
    CHECK(report.changed);
    CHECK(report.findings.empty());
}

TEST_CASE("a trigger that swallows what one release writes is found by what its INSERT changes") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 20);
    Plain(file).exec(
        "CREATE TRIGGER no_blobs BEFORE INSERT ON pours WHEN NEW.card_uid IS NOT NULL AND "
        "NEW.recorded_at IS NOT NULL BEGIN SELECT RAISE(IGNORE); END"
    );
    const auto before = bytes_of(dir.path());
    CHECK(refusal_of([&] { journal::adopt(file); }).code == "unknown_shape");
    CHECK(bytes_of(dir.path()) == before);
}

TEST_CASE("every release's statements work on an adopted journal as the rehearsal sends them") {
    for (const auto& shape : field_shapes) {
        DYNAMIC_SECTION(shape.origin << " as " << shape.recognised) {
            const TempDir dir;
            const auto file = dir / "local_journal.db";
            make_journal(file, shape, 5);
            CHECK(journal::adopt(file).changed);
            journal::Database database(file);
            CHECK_NOTHROW(journal::rehearse_open(database, "j0001", {}));
        }
    }
    std::set<std::set<std::string>> known;
    for (const auto& [name, sql] : journal::release_statements) {
        if (sql.starts_with("INSERT")) {
            known.insert(columns_in(sql));
        }
        CHECK_FALSE(journal::read_statement(std::string(name), std::string(sql)).positional);
    }
    for (const auto& each : releases) {
        INFO(each.name);
        CHECK(known.contains(columns_in(each.insert)));
    }
}

TEST_CASE("check tells of an INSERT without its columns") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 5);
    journal::adopt(file);
    const auto report = journal::check(
        file,
        {"INSERT INTO pours (client_tx_id) VALUES (?)",
         "INSERT INTO pours VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"}
    );
    CHECK(report.problem == "positional_insert");
    REQUIRE(report.differences.size() == 1);
    CHECK(report.differences.front().object == "registered statement 2");
    CHECK(journal::check(file).problem.empty());
}

TEST_CASE("only one INSERT, UPDATE or SELECT on pours can be registered") {
    CHECK(code_of("INSERT INTO main.\"pours\" AS p (a) VALUES (1);").empty());
    CHECK(code_of("  -- why\nselect a from Pours").empty());
    CHECK(code_of("UPDATE OR IGNORE pours SET a = 1").empty());
    for (const auto* sql :
         {"",
          "DELETE FROM pours",
          "DROP TABLE pours",
          "PRAGMA user_version = 7",
          "ATTACH 'x' AS y",
          "INSERT INTO notes (a) VALUES (1)",
          "UPDATE notes SET a = 1",
          "SELECT 1",
          "INSERT INTO pours (a) VALUES (1); DELETE FROM pours",
          "WITH x AS (SELECT 1) INSERT INTO pours (a) SELECT * FROM x"}) {
        CAPTURE(sql);
        CHECK(code_of(sql) == "writer_sql");
    }
    const std::string start = "SELECT a FROM pours -- ";
    CHECK(code_of(start + std::string(4096 - start.size(), 'x')).empty());
    CHECK(code_of(start + std::string(4097 - start.size(), 'x')) == "writer_sql");
    std::vector<std::string> many(32, "SELECT a FROM pours");
    CHECK(journal::read_statements(many).size() == 32);
    many.emplace_back("SELECT a FROM pours");
    CHECK(refusal_of([&] { std::ignore = journal::read_statements(many); }).code == "writer_sql");
}

TEST_CASE("a registered statement that reaches beyond pours is refused as such, and does nothing") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 20);
    Plain(file).exec("CREATE TABLE notes (a); INSERT INTO notes VALUES (1)");
    const bool adopted = GENERATE(false, true);
    if (adopted) {
        journal::adopt(file);
    }
    const std::string bad = GENERATE(
        std::string("SELECT load_extension('/tmp/x.so') FROM pours"),
        std::string("SELECT * FROM pours, pragma_journal_mode('delete')"),
        std::string("INSERT INTO pours (client_tx_id) SELECT load_extension('x') FROM notes"),
        std::string(
            "SELECT FROM pours; ATTACH 'x' AS y"  // one that isn't SQL gets no further than that
        )
    );
    CAPTURE(bad, adopted);
    Plain(file).exec("PRAGMA wal_checkpoint(TRUNCATE)");
    const auto before = bytes_of(dir.path());
    const auto refusal = refusal_of([&] {
        if (adopted) {
            journal::Database database(file);
            journal::rehearse_open(database, "j0001", journal::read_statements({bad}));
        } else {
            journal::adopt(file, sends({bad}));
        }
    });
    const bool several = bad.find(';') != std::string::npos;
    CHECK(refusal.code == (several ? "writer_sql" : "writer_sql_forbidden"));
    CHECK(refusal.what.find("registered statement 1") != std::string::npos);
    const auto after = bytes_of(dir.path());
    CHECK(after.at("local_journal.db") == before.at("local_journal.db"));
    CHECK(Plain(file).one("SELECT count(*) FROM notes") == "1");
}

TEST_CASE("the fence holds what the parser of statements wouldn't see") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 5);
    Plain(file).exec(
        "CREATE TABLE notes (a); CREATE TRIGGER notes_on_pour AFTER INSERT ON pours BEGIN "
        "INSERT INTO notes (a) VALUES (NEW.client_tx_id); END"
    );
    journal::Database database(file);
    const auto refused = [&](const std::string& sql) {
        journal::Fence fence(database);
        try {
            database.exec(sql);
        } catch (const Error& error) {
            return fence.refused().empty() ? error.what() : fence.refused();
        }
        return std::string("done");
    };
    const auto elsewhere = (dir / "elsewhere.db").string();
    CHECK(refused("ATTACH '" + elsewhere + "' AS y").starts_with("ATTACH"));
    CHECK(refused("VACUUM INTO '" + elsewhere + "'").starts_with("ATTACH"));
    CHECK(refused("PRAGMA user_version = 7") == "PRAGMA user_version");
    CHECK(refused("SELECT load_extension('x')") == "function load_extension");
    CHECK(refused("INSERT INTO notes (a) VALUES (1)") == "INSERT into notes");
    CHECK(refused("UPDATE notes SET a = 1") == "UPDATE of notes");
    CHECK(refused("DELETE FROM pours") == "DELETE from pours");
    CHECK(refused("DROP TABLE notes") != "done");
    CHECK(refused("CREATE TEMP TABLE t (a)") != "done");
    CHECK(refused("ALTER TABLE pours ADD COLUMN x") != "done");
    CHECK(refused("BEGIN") != "done");
    CHECK(refused("REINDEX pours") != "done");
    CHECK_FALSE(std::filesystem::exists(elsewhere));
    CHECK(refused("INSERT INTO pours (client_tx_id, volume_ml) VALUES ('mine', 1)") == "done");
    CHECK(refused("UPDATE pours SET status = 'failed' RETURNING status") == "done");
    CHECK(database.text("SELECT a FROM notes") == "mine");
    CHECK(refused("SELECT randomblob(100000000)") != "done");
    CHECK_NOTHROW(database.exec("PRAGMA user_version = 0; SELECT length(zeroblob(2000000))"));
}

TEST_CASE("a registered statement ends at its deadline, and can't fill the disk") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 5);
    const auto before = bytes_of(dir.path());
    CHECK(refusal_of([&] {
              journal::adopt(
                  file,
                  sends({"SELECT p.rowid FROM pours AS p WHERE (WITH RECURSIVE n(i) AS (SELECT 1 "
                         "UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n) > 0"})
              );
          }).code == "writer_sql_slow");
    const auto filling = refusal_of([&] {
        journal::adopt(
            file,
            sends({"INSERT INTO pours (client_tx_id, card_uid) WITH RECURSIVE n(i) AS (SELECT 1 "
                   "UNION ALL SELECT i + 1 FROM n) SELECT i, hex(zeroblob(100000)) FROM n"})
        );
    });
    CHECK(filling.code == "writer_sql_forbidden");
    CHECK(filling.what.find("larger") != std::string::npos);
    CHECK(bytes_of(dir.path()) == before);
}

TEST_CASE("a statement that rolls everything back ends its own trial only") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 20);
    const auto rollback = fmt::format(
        "INSERT OR ROLLBACK INTO pours (client_tx_id, volume_ml) VALUES ('{}', 1)", id_of(1)
    );
    CHECK(journal::adopt(file, sends({rollback, "SELECT client_tx_id FROM pours"})).changed);
    CHECK(Plain(file).one("SELECT count(*) FROM pours") == "20");
}

TEST_CASE("what a killed or full rehearsal leaves is no file that stays") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 5);
    journal::adopt(file);
    const auto names = [&] {
        std::set<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
            found.insert(entry.path().filename().string());
        }
        return found;
    };
    journal::Database database(file);
    const auto before = names();
    CHECK(refusal_of([&] {
              journal::rehearse_open(
                  database,
                  "j0001",
                  journal::read_statements({"SELECT load_extension(1) FROM pours"})
              );
          }).code == "writer_sql_forbidden");
    CHECK(names() == before);
}

TEST_CASE("parameters know the columns that they are for") {
    const auto columns = [](const std::string& sql) {
        return journal::read_statement("it", sql).columns;
    };
    CHECK(
        columns("INSERT INTO pours (a, b, c) VALUES (?, 'x', ?)") ==
        std::vector<std::string>{"a", "c"}
    );
    CHECK(
        columns("UPDATE pours SET status = ?, attempts = attempts + 1 WHERE client_tx_id = ?") ==
        std::vector<std::string>{"status", "client_tx_id"}
    );
    CHECK(
        columns("SELECT a FROM pours WHERE status = ? LIMIT ? OFFSET ?") ==
        std::vector<std::string>{"status", "limit", "limit"}
    );
    CHECK(
        columns("INSERT INTO pours (a, b) VALUES (lower(?), ?)") ==
        std::vector<std::string>{"a", "b"}
    );
    CHECK(
        journal::split_statements("a;\n-- only words;\nb 'x;y';;") ==
        std::vector<std::string>{"a", "b 'x;y'"}
    );
}
