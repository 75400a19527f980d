#include "central/lint/type.hpp"

#include <catch2/catch.hpp>

#include "central/lint/node.hpp"
#include "tests/unit/lint/sample.hpp"

using namespace tapline::lint;

namespace {

Type type(const std::string& sql) {
    const Tree tree = Tree::parse("SELECT NULL::" + sql);
    REQUIRE_FALSE(tree.problem());
    return type_of(tree.statements().at(0)["targetList"].items().at(0)["val"]["typeName"]);
}

/// "rewrites may_fail lossy": what is true of it.
std::string change(const std::string& from, const std::string& to) {
    const Conversion result = convert(type(from), type(to));
    std::string text;
    text += result.rewrites ? " rewrites" : "";
    text += result.may_fail ? " may_fail" : "";
    text += result.lossy ? " lossy" : "";
    text += result.changes_meaning ? " other" : "";
    text += result.rebuilds_indexes ? " indexes" : "";
    return text.empty() ? "free" : text.substr(1);
}

}  // namespace

TEST_CASE("Types are called as in pg_type") {
    CHECK(to_string(type("int")) == "int4");
    CHECK(to_string(type("character varying(20)")) == "varchar(20)");
    CHECK(to_string(type("numeric(10,2)")) == "numeric(10,2)");
    CHECK(to_string(type("public.mood[]")) == "mood[]");
    CHECK(to_string(type("app.mood")) == "app.mood");
    CHECK(to_string(type("timestamp with time zone")) == "timestamptz");
}

TEST_CASE("A change of type costs what it costs on a server") {
    CHECK(change("int", "int") == "free");
    CHECK(change("varchar(10)", "varchar(20)") == "free");
    CHECK(change("varchar(10)", "varchar") == "free");
    CHECK(change("varchar(10)", "text") == "free");
    CHECK(change("text", "varchar") == "free");
    CHECK(change("numeric(10,2)", "numeric(12,2)") == "free");
    CHECK(change("numeric(10,2)", "numeric") == "free");
    CHECK(change("timestamp(3)", "timestamp(6)") == "free");
    CHECK(change("cidr", "inet") == "free");
    CHECK(change("int", "oid") == "indexes");
    CHECK(change("varchar(20)", "varchar(10)") == "rewrites may_fail");
    CHECK(change("text", "varchar(10)") == "rewrites may_fail");
    CHECK(change("varchar(20)", "char(20)") == "rewrites");
    CHECK(change("numeric(10,2)", "numeric(8,2)") == "rewrites may_fail");
    CHECK(change("numeric(10,4)", "numeric(10,2)") == "rewrites lossy");
    CHECK(change("numeric(10,2)", "numeric(10,4)") == "rewrites may_fail");
    CHECK(change("int", "bigint") == "rewrites");
    CHECK(change("bigint", "int") == "rewrites may_fail");
    CHECK(change("real", "double precision") == "rewrites");
    CHECK(change("timestamptz", "date") == "rewrites lossy");
    CHECK(change("json", "jsonb") == "rewrites other");
    CHECK(change("int", "text") == "rewrites other");
    CHECK(change("text", "int") == "rewrites may_fail other");
    CHECK(change("int", "numeric") == "rewrites");
    CHECK(change("varchar(5)[]", "varchar(9)[]") == "rewrites may_fail");
}
