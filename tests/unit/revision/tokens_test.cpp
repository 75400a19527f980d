#include "common/revision/tokens.hpp"

#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/revision/sample.hpp"

using namespace tapline::revision;

namespace {

std::string joined(const std::vector<Token>& tokens) {
    std::string text;
    for (const Token& token : tokens) {
        text += token.text;
    }
    return text;
}

/// Texts of the significant tokens, with a bar between.
std::string cut(std::string_view sql, Dialect dialect) {
    std::string text;
    for (const Token& token : tokenize(sql, dialect)) {
        if (!token.is_trivia()) {
            text += (text.empty() ? "" : "|") + std::string(token.text);
        }
    }
    return text;
}

TokenKind kind(std::string_view sql, Dialect dialect) {
    return tokenize(sql, dialect).front().kind;
}

}  // namespace

TEST_CASE("Tokens put together are the input, for every prefix and for noise") {
    const std::string both = std::string(sample::sqlite_text) + std::string(sample::postgres_text);
    for (const Dialect dialect : {Dialect::sqlite, Dialect::postgres}) {
        for (std::size_t size = 0; size <= both.size(); ++size) {
            const auto prefix = std::string_view(both).substr(0, size);
            REQUIRE(joined(tokenize(prefix, dialect)) == prefix);
        }
        std::mt19937 random(20261120);
        constexpr std::string_view alphabet = "'\"`[]$-/*+;:@?.eExX1aB_#<>=|\\\n \t()\x80\xff";
        for (int round = 0; round < 20'000; ++round) {
            std::string noise;
            for (std::size_t i = random() % 24; i > 0; --i) {
                noise += alphabet[random() % alphabet.size()];
            }
            REQUIRE(joined(tokenize(noise, dialect)) == noise);
        }
    }
}

TEST_CASE("Token offsets and lines point at the first byte") {
    const auto tokens = tokenize("a\n'x\ny'\n b", Dialect::postgres);
    REQUIRE(tokens.size() == 5);
    CHECK(tokens[2].line == 2);
    CHECK(tokens[2].offset == 2);
    CHECK(tokens[4].text == "b");
    CHECK(tokens[4].line == 4);
}

TEST_CASE("Comments nest in PostgreSQL only") {
    CHECK(cut("/* a /* b */ c */ d", Dialect::postgres) == "d");
    CHECK(cut("/* a /* b */ c */ d", Dialect::sqlite) == "c|*|/|d");
    CHECK(cut("/*/ a */ b", Dialect::sqlite) == "b");
    CHECK(cut("a--b\nc", Dialect::sqlite) == "a|c");
    CHECK_FALSE(tokenize("/* a /* b */", Dialect::postgres).front().terminated);
}

TEST_CASE("A backslash escapes in E strings only") {
    CHECK(cut(R"('a\' b')", Dialect::postgres).substr(0, 6) == R"('a\'|b)");
    CHECK(cut(R"(E'a\'; b' c)", Dialect::postgres) == R"(E'a\'; b'|c)");
    CHECK(cut(R"(e'a\\' c)", Dialect::postgres) == R"(e'a\\'|c)");
    CHECK(cut(R"(E'a\' c)", Dialect::sqlite) == R"(E|'a\'|c)");
    CHECK(cut("'it''s' x", Dialect::sqlite) == "'it''s'|x");
    CHECK_FALSE(tokenize(R"(E'\)", Dialect::postgres).front().terminated);
}

TEST_CASE("Prefixed strings are one token") {
    CHECK(
        cut("x'00' B'1' N'a' U&'\\0041' u&\"d\" a", Dialect::postgres) ==
        "x'00'|B'1'|N'a'|U&'\\0041'|u&\"d\"|a"
    );
    CHECK(cut("X'00' n", Dialect::sqlite) == "X'00'|n");
    CHECK(cut("U & 'x'", Dialect::postgres) == "U|&|'x'");
}

TEST_CASE("Dollar strings end at their own tag") {
    CHECK(cut("$a$ x; $$ $b$ $a$;", Dialect::postgres) == "$a$ x; $$ $b$ $a$|;");
    CHECK(cut("$$a$$ b", Dialect::postgres) == "$$a$$|b");
    CHECK(cut("a$b$c", Dialect::postgres) == "a$b$c");
    CHECK(cut("$1+$22", Dialect::postgres) == "$1|+|$22");
    CHECK(kind("$1$", Dialect::postgres) == TokenKind::parameter);
    CHECK_FALSE(tokenize("$a$ x $b$", Dialect::postgres).front().terminated);
}

TEST_CASE("Quoted names hold anything") {
    CHECK(cut(R"("a;""b" c)", Dialect::postgres) == R"("a;""b"|c)");
    CHECK(cut("[a;'b] `c;``d` e", Dialect::sqlite) == "[a;'b]|`c;``d`|e");
    CHECK(cut("a[1]", Dialect::postgres) == "a|[|1|]");
}

TEST_CASE("Operators are cut as the databases cut them") {
    CHECK(cut("a<-b", Dialect::postgres) == "a|<|-|b");
    CHECK(cut("a@-b", Dialect::postgres) == "a|@-|b");
    CHECK(cut("a->>'x'::int", Dialect::postgres) == "a|->>|'x'|::|int");
    CHECK(cut("a*--x\nb", Dialect::postgres) == "a|*|b");
    CHECK(cut("a*/*x*/b", Dialect::postgres) == "a|*|b");
    CHECK(cut("a- -b", Dialect::postgres) == "a|-|-|b");
    CHECK(cut("a->>'x'||b<=c!=d", Dialect::sqlite) == "a|->>|'x'||||b|<=|c|!=|d");
    CHECK(cut("?1 :a @b $c", Dialect::sqlite) == "?1|:a|@b|$c");
}

TEST_CASE("Numbers keep their exponent and leave ranges alone") {
    CHECK(cut("1.5e-3+.5-1e5", Dialect::postgres) == "1.5e-3|+|.5|-|1e5");
    CHECK(cut("0x1F 1..10", Dialect::sqlite) == "0x1F|1|.|.10");
}
