#include "common/revision/split.hpp"

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include "tests/unit/revision/sample.hpp"

using namespace tapline::revision;

namespace {

using Texts = std::vector<std::string>;

/// Significant tokens, without the semicolons around them.
Texts significant(std::string_view sql) {
    Texts result;
    for (const Token& token : tokenize(sql, Dialect::sqlite)) {
        const bool leading = result.empty() && token.kind == TokenKind::semicolon;
        if (!token.is_trivia() && !leading) {
            result.emplace_back(token.text);
        }
    }
    while (!result.empty() && result.back() == ";") {
        result.pop_back();
    }
    return result;
}

Texts texts(std::string_view sql, Dialect dialect) {
    const auto tokens = tokenize(sql, dialect);
    Texts result;
    for (const StatementRange& range : split(tokens, dialect)) {
        const Token& last = tokens[range.last];
        const std::size_t from = tokens[range.first].offset;
        result.emplace_back(sql.substr(from, last.offset + last.text.size() - from));
    }
    return result;
}

bool complete(std::string_view sql, Dialect dialect) {
    const auto tokens = tokenize(sql, dialect);
    return split(tokens, dialect).back().complete;
}

/// Runs the script with SQLite's own cutting; the tokens of each statement.
std::vector<Texts> judged_by_sqlite(const std::string& script) {
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(":memory:", &raw) == SQLITE_OK);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(raw, &sqlite3_close);
    std::vector<Texts> result;
    const char* rest = script.c_str();
    while (*rest != '\0') {
        sqlite3_stmt* statement = nullptr;
        const char* tail = nullptr;
        INFO(rest);
        REQUIRE(sqlite3_prepare_v2(raw, rest, -1, &statement, &tail) == SQLITE_OK);
        if (statement != nullptr) {
            sqlite3_step(statement);
            REQUIRE(sqlite3_finalize(statement) == SQLITE_OK);
            result.push_back(significant(std::string(rest, tail)));
        }
        rest = tail;
    }
    return result;
}

}  // namespace

TEST_CASE("SQLite scripts are cut where SQLite cuts them") {
    const std::string script = R"(
;; CREATE TABLE pours (seq INTEGER PRIMARY KEY, "end" TEXT DEFAULT ';');
CREATE TABLE [odd;name] ([a;b] INT, `c;d` INT) -- no cut; here
;
CREATE TRIGGER one AFTER INSERT ON pours WHEN CASE WHEN 1 THEN 1 END BEGIN
    SELECT CASE WHEN NEW.seq > 9 THEN RAISE(ABORT, 'no; END;') END;
    /* ; END; */ UPDATE [odd;name] SET [a;b] = CASE 1 WHEN 2 THEN 3 END;
END;
CREATE TEMP TRIGGER two AFTER INSERT ON pours BEGIN SELECT 1; END;
CREATE TEMPORARY TRIGGER IF NOT EXISTS three AFTER INSERT ON pours BEGIN
    INSERT INTO pours ("end") VALUES ('x'); -- END;
    DELETE FROM pours WHERE seq = 1;
END -- after
; CREATE VIEW v AS SELECT 1 AS a, X'3B' AS b;
INSERT INTO pours ("end") SELECT CASE WHEN 1 THEN 'it''s;' END)";
    const auto expected = judged_by_sqlite(script);
    REQUIRE(expected.size() == 7);
    std::vector<Texts> ours;
    for (const std::string& text : texts(script, Dialect::sqlite)) {
        ours.push_back(significant(text));
    }
    CHECK(ours == expected);
}

TEST_CASE("A trigger without END is incomplete") {
    CHECK_FALSE(complete("CREATE TRIGGER t AFTER INSERT ON p BEGIN SELECT 1;", Dialect::sqlite));
    CHECK_FALSE(complete("CREATE TRIGGER t AFTER INSERT ON p BEGIN SELECT 1", Dialect::sqlite));
    CHECK(complete("CREATE TRIGGER t AFTER INSERT ON p BEGIN SELECT 1; END", Dialect::sqlite));
    CHECK(complete("CREATE TABLE trigger_log (x)", Dialect::sqlite));
}

TEST_CASE("PostgreSQL brackets and atomic bodies hold semicolons") {
    CHECK(
        texts(
            "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3", Dialect::postgres
        )
            .size() == 2
    );
    CHECK(
        texts(
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE 1 WHEN 1 THEN 2 END; "
            "SELECT 1; END; SELECT 3",
            Dialect::postgres
        )
            .size() == 2
    );
    CHECK_FALSE(
        complete("CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1;", Dialect::postgres)
    );
    CHECK_FALSE(complete("CREATE TABLE t (a int", Dialect::postgres));
    CHECK(texts("BEGIN; SELECT 1; END", Dialect::postgres).size() == 3);
}
