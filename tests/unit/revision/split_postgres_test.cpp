// PostgreSQL's own scanner as the judge.
#include <string>
#include <vector>

#include <pg_query.h>

#include <catch2/catch.hpp>

#include "common/revision/split.hpp"

using namespace tapline::revision;

namespace {

using Texts = std::vector<std::string>;

Texts significant(const std::string& sql) {
    Texts result;
    for (const Token& token : tokenize(sql, Dialect::postgres)) {
        if (!token.is_trivia() && token.kind != TokenKind::semicolon) {
            result.emplace_back(token.text);
        }
    }
    return result;
}

std::vector<Texts> judged_by_postgres(const std::string& sql) {
    std::vector<Texts> result;
    const PgQuerySplitResult split = pg_query_split_with_parser(sql.c_str());
    REQUIRE(split.error == nullptr);
    for (int i = 0; i < split.n_stmts; ++i) {
        const auto from = static_cast<std::size_t>(split.stmts[i]->stmt_location);
        const auto size = static_cast<std::size_t>(split.stmts[i]->stmt_len);
        result.push_back(significant(sql.substr(from, size)));
    }
    pg_query_free_split_result(split);
    return result;
}

std::vector<Texts> ours(const std::string& sql) {
    std::vector<Texts> result;
    const auto tokens = tokenize(sql, Dialect::postgres);
    for (const StatementRange& range : split(tokens, Dialect::postgres)) {
        const Token& last = tokens[range.last];
        const std::size_t from = tokens[range.first].offset;
        result.push_back(significant(sql.substr(from, last.offset + last.text.size() - from)));
    }
    return result;
}

}  // namespace

TEST_CASE("PostgreSQL scripts are cut where PostgreSQL cuts them") {
    const std::string sql = R"(
/* a /* b; */ c; */ CREATE TABLE "odd;name" (a int DEFAULT 1, b text DEFAULT ';');;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $body$ BEGIN; $$ x; $$ END; $body$;
CREATE FUNCTION g(a int) RETURNS int LANGUAGE SQL AS 'SELECT 1;';
CREATE RULE r AS ON INSERT TO "odd;name" DO ALSO (SELECT 1; SELECT 2);
SELECT E'it\'s; \\', U&'\0041;', U&"d;\0061t", B'101', x'1F', a$b, $1 -- ;
FROM t WHERE a<-1 AND b @- 2 OR c->>'x;'::text = '' AND d[1:2] = '{}';
DO $do$ BEGIN PERFORM 1; END $do$;
UPDATE t SET a = 1)";
    const auto expected = judged_by_postgres(sql);
    CHECK(expected.size() == 7);
    CHECK(ours(sql) == expected);
}
