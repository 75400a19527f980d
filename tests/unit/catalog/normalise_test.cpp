#include "central/catalog/normalise.hpp"

#include <catch2/catch.hpp>

namespace tapline::catalog {

namespace {

struct Pair {
    const char* a;
    const char* b;
};

}  // namespace

TEST_CASE("Normalise.WhatARestorePrintsDifferentlyIsTheSame") {
    const Pair pairs[] = {
        // varchar IN (…): before and after dump and restore, as PostgreSQL 15 prints it
        {"((kind)::text = ANY ((ARRAY['day'::character varying, 'week'::character "
         "varying])::text[]))",
         "((kind)::text = ANY (ARRAY[('day'::character varying)::text, ('week'::character "
         "varying)::text]))"},
        {"CHECK (((kind)::text = ANY ((ARRAY['day'::character varying])::text[])))",
         "CHECK (((kind)::text = ANY (ARRAY[('day'::character varying)::text])))"},
        {"CHECK (((a >= 1) AND (a <= 9)) AND b) NOT VALID",
         "CHECK ((a >= 1) AND (a <= 9) AND b) NOT VALID"},
        {"(ARRAY[ARRAY['a'::character varying], ARRAY['b'::character varying]])::text[]",
         "ARRAY[ARRAY['a'::text], ARRAY['b'::text]]"},
        {"((c)::inet = ANY ((ARRAY['10.0.0.0/8'::cidr])::inet[]))",
         "((c)::inet = ANY (ARRAY[('10.0.0.0/8'::cidr)::inet]))"},
        {"CREATE INDEX i ON t USING btree (a) WHERE ((k)::text <> ALL ((ARRAY['x'::character "
         "varying])::text[]))",
         "CREATE INDEX i ON t USING btree (a) WHERE ((k)::text <> ALL (ARRAY[('x'::character "
         "varying)::text]))"},
        {" SELECT a\n   FROM t\n  WHERE (x = ANY ((ARRAY['p'::character varying])::text[]));",
         " SELECT a FROM t WHERE (x = ANY (ARRAY['p'::text]));"},
        {"a character varying DEFAULT ('x'::character varying)::text",
         "a character varying DEFAULT 'x'::text"},
        {"RETURN (x = ANY ((ARRAY['p'::character varying])::text[]))",
         "RETURN (x = ANY (ARRAY[('p'::character varying)::text]))"},
        {"LIST (lower((a)::text))", "LIST ( lower( a::text ) )"},
        {"FOR VALUES FROM ('2026-01-01') TO (MAXVALUE)",
         "FOR VALUES FROM ('2026-01-01')  TO (maxvalue)"},
        {"(a = 1)", "a = 1"},
    };
    for (const Pair& pair : pairs) {
        INFO(pair.a << "\n" << pair.b << "\n" << normalised(pair.a) << "\n" << normalised(pair.b));
        CHECK(same_definition(pair.a, pair.b));
        CHECK_FALSE(normalised(pair.a).empty());
    }
}

TEST_CASE("Normalise.WhatMeansSomethingElseStaysDifferent") {
    const Pair pairs[] = {
        {"a = ANY (ARRAY['x'::text])", "a = ANY (ARRAY['y'::text])"},
        {"a = ANY (ARRAY['x'::text, 'y'::text])", "a = ANY (ARRAY['y'::text, 'x'::text])"},
        {"a = ANY (ARRAY['x'::text])", "a = ALL (ARRAY['x'::text])"},
        {"'x'::text", "'x'::character varying"},
        // A length cuts, so it counts.
        {"('xyz'::character varying(2))::text", "'xyz'::text"},
        {"('x'::bpchar)::text", "'x'::text"},
        // A cast of a column isn't dropped.
        {"((a)::character varying)::text", "(a)::text"},
        {"(a)::text", "a"},
        {"(a AND b) OR c", "a AND (b OR c)"},
        {"a - (b - c)", "a - b - c"},
        {"'A'", "'a'"},
        {"\"A\"", "a"},
        {"CHECK (a > 0)", "CHECK (a > 0) NOT VALID"},
        {"CHECK (a > 0)", "CHECK (a > 0) NO INHERIT"},
        {"FOREIGN KEY (a) REFERENCES t(b)", "FOREIGN KEY (a) REFERENCES t(b) ON DELETE CASCADE"},
        {"ARRAY[]::text[]", "ARRAY[]::integer[]"},
        {"((ARRAY[1, 2])::bigint[])", "((ARRAY[1, 2])::numeric[])"},
        {"now()", "clock_timestamp()"},
        {"SELECT a FROM t", "SELECT b FROM t"},
        {"nextval('a'::regclass)", "nextval('b'::regclass)"},
    };
    for (const Pair& pair : pairs) {
        INFO(pair.a << "\n" << pair.b);
        CHECK_FALSE(same_definition(pair.a, pair.b));
        CHECK_FALSE(same_definition(pair.b, pair.a));
    }
}

TEST_CASE("Normalise.ATextThatCannotBeParsedIsComparedByItsWords") {
    CHECK(normalised("SYNTAX of a later SERVER !").empty());
    CHECK(same_definition("SYNTAX of  a later\nSERVER !", "SYNTAX of a later SERVER !"));
    CHECK_FALSE(same_definition("SYNTAX of a later SERVER !", "SYNTAX of a later server !"));
    CHECK_FALSE(same_definition("SYNTAX of a later SERVER !", "a = 1"));
    CHECK_FALSE(same_definition("", "a = 1"));
}

TEST_CASE("Normalise.AnExpressionCannotEscapeItsFrame") {
    CHECK_FALSE(same_definition("1) ; SELECT (2", "1"));
    CHECK(normalised("1); DROP TABLE t; SELECT (2").empty());
    CHECK_FALSE(same_definition("1 -- x", "2 -- x"));
    CHECK(same_definition("1 -- x", "1"));
}

}  // namespace tapline::catalog
