#include "central/catalog/compare.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "central/catalog/finding_json.hpp"

namespace tapline::catalog {

namespace {

Catalog with(Objects objects) {
    return {15, {}, std::move(objects)};
}

Objects table() {
    return {
        {"table a", {{{"owner", "@owner"}}, "", "", "public"}},
        {"table a column x",
         {{{"type", "integer"}, {"default", "(1 + 1)"}}, "table a", "", "public"}},
        {"index i", {{{"definition", "CREATE INDEX i ON a (x)"}}, "table a", "", "public"}},
    };
}

}  // namespace

TEST_CASE("Compare.EqualCatalogsHaveNoFindings") {
    CHECK(compare(with({}), with({})).empty());
    CHECK(compare(with(table()), with(table())).empty());
}

TEST_CASE("Compare.AddedIsWhatTheExpectationLacks") {
    const auto findings = compare(with({}), with({{"type t", {}}}));
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].change == Change::added);
    CHECK(compare(with({{"type t", {}}}), with({}))[0].change == Change::removed);
}

TEST_CASE("Compare.PartsGoWithTheirTable") {
    const auto findings = compare(with({}), with(table()));
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].object == "table a");
}

TEST_CASE("Compare.OnlyWhatDiffersIsShown") {
    Objects other = table();
    other["table a column x"].attributes = {
        {"type", "bigint"}, {"default", "1 + 1"}, {"not null", "yes"}};
    const auto findings = compare(with(table()), with(other));
    REQUIRE(findings.size() == 1);
    CHECK(findings[0].expected == Attributes{{"type", "integer"}});
    CHECK(findings[0].found == Attributes{{"type", "bigint"}, {"not null", "yes"}});
}

TEST_CASE("Compare.OnlySqlIsComparedAsSql") {
    Objects one{{"type t", {{{"comment", "a  b"}, {"values", "A"}}, "", "", ""}}};
    Objects two{{"type t", {{{"comment", "a b"}, {"values", "a"}}, "", "", ""}}};
    CHECK(compare(with(one), with(two))[0].found.size() == 2);
}

TEST_CASE("Compare.WhatAChildInheritsIsSaidOnce") {
    Objects parent{
        {"table p column x", {{{"type", "integer"}}, "", "", ""}},
        {"table c column x", {{{"type", "integer"}}, "", "table p column x", ""}},
    };
    Objects changed = parent;
    changed["table p column x"].attributes["type"] = "bigint";
    changed["table c column x"].attributes["type"] = "bigint";
    REQUIRE(compare(with(parent), with(changed)).size() == 1);
    // What only the child says is its own finding.
    changed["table c column x"].attributes["default"] = "1";
    CHECK(compare(with(parent), with(changed)).size() == 2);
}

TEST_CASE("Compare.AnAcceptedDifferenceCountsUntilItChanges") {
    Objects other = table();
    other["table a column x"].attributes["type"] = "bigint";
    const auto findings = compare(with(table()), with(other));
    REQUIRE(findings.size() == 1);
    const AcceptedDifferences accepted{{findings[0].object, digest(findings[0])}};
    CHECK(compare(with(table()), with(other), accepted).empty());
    other["table a column x"].attributes["type"] = "smallint";
    CHECK(compare(with(table()), with(other), accepted).size() == 1);
    CHECK(
        digest({"a", Change::changed, {{"ab", "c"}}, {}}) !=
        digest({"a", Change::changed, {{"a", "bc"}}, {}})
    );
    CHECK(
        digest({"a", Change::changed, {{"a", "b"}}, {}}) !=
        digest({"a", Change::changed, {}, {{"a", "b"}}})
    );
}

TEST_CASE("Compare.AnAcceptedTableCountsAgainWhenAnyOfItsPartsChanges") {
    const auto findings = compare(with({}), with(table()));
    REQUIRE(findings.size() == 1);
    const AcceptedDifferences accepted{{findings[0].object, digest(findings[0])}};
    CHECK(compare(with({}), with(table()), accepted).empty());
    Objects wider = table();
    wider["table a column x"].attributes["type"] = "bigint";
    CHECK(compare(with({}), with(wider), accepted).size() == 1);
    Objects more = table();
    more["table a column y"] = {{{"type", "text"}}, "table a", "", "public"};
    CHECK(compare(with({}), with(more), accepted).size() == 1);
    Objects fewer = table();
    fewer.erase("index i");
    CHECK(compare(with({}), with(fewer), accepted).size() == 1);
    Objects beside = table();
    beside["table b"] = {{{"owner", "@owner"}}, "", "", "public"};
    CHECK(compare(with({}), with(beside), accepted).size() == 1);
}

TEST_CASE("Compare.OnlyCommentsMakeAFindingOfCommentsOnly") {
    const auto one = [](Change change, Attributes expected, Attributes found) {
        return is_comment_only({"table a", change, std::move(expected), std::move(found), {}});
    };
    CHECK(one(Change::changed, {{"comment", "a"}}, {}));
    CHECK(one(Change::changed, {{"constraint c comment", "a"}}, {{"constraint c comment", "b"}}));
    CHECK_FALSE(one(Change::changed, {{"comment", "a"}}, {{"type", "integer"}}));
    CHECK_FALSE(one(Change::added, {}, {{"comment", "a"}}));
    CHECK_FALSE(one(Change::added, {}, {}));
}

TEST_CASE("Compare.DistanceCountsThePartsOfWhatIsMissing") {
    CHECK(distance(with(table()), with(table())) == 0);
    CHECK(distance(with({}), with(table())) == 3);
}

TEST_CASE("Compare.TheJsonIsTheContracts") {
    Objects other = table();
    other["table a column x"].attributes["type"] = "bigint";
    other["table a column x"].attributes["not null"] = "yes";
    other["view \xff v"] = {};
    other.erase("index i");
    const auto json = nlohmann::json::parse(findings_json(compare(with(table()), with(other))));
    REQUIRE(json.at("findings").size() == 3);
    const auto& removed = json["findings"][0];
    CHECK(removed["object"] == "index i");
    CHECK(removed["kind"] == "removed");
    CHECK(removed["found"].is_null());
    CHECK(removed["expected"]["definition"] == "CREATE INDEX i ON a (x)");
    const auto& changed = json["findings"][1];
    CHECK(changed["kind"] == "changed");
    CHECK(changed["expected"] == nlohmann::json{{"type", "integer"}, {"not null", nullptr}});
    CHECK(changed["found"] == nlohmann::json{{"type", "bigint"}, {"not null", "yes"}});
    CHECK(json["findings"][2]["kind"] == "added");
    CHECK(json["findings"][2]["expected"].is_null());
    CHECK(findings_json({}) == R"({"findings":[]})");
}

TEST_CASE("Catalog.EachLineageGetsItsPart") {
    const Parts parts = split(with(
        {{"table pours", {{}, "", "", "public"}},
         {"table tapline.receipt", {{}, "", "", "tapline"}},
         {"trigger t on taps", {{}, "table taps", "", "tapline"}},
         {"extension e", {}}}
    ));
    CHECK(parts.app.objects.size() == 2);
    CHECK(parts.tapline.objects.size() == 2);
    CHECK(parts.tapline.objects.contains("trigger t on taps"));
    CHECK(parts.tapline.server_major == 15);
}

}  // namespace tapline::catalog
