#include "common/revision/lineage.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/revision/sample.hpp"

using namespace tapline;
using namespace tapline::revision;
using sample::node;
using Ids = std::vector<std::string>;

namespace {

Error failure(std::vector<Revision> revisions) {
    const auto error = sample::error_of([&] { return Lineage(revisions); });
    REQUIRE(error);
    return *error;
}

Ids order(const Lineage& lineage) {
    Ids ids;
    for (const Revision& revision : lineage.revisions()) {
        ids.push_back(revision.id);
    }
    return ids;
}

}  // namespace

TEST_CASE("Revisions come parents first, whatever the order of the files") {
    CHECK(order(sample::line()) == Ids{"aaa1", "aab2", "bbb3", "ccc4"});
    CHECK(order(sample::diamond()) == Ids{"root", "left", "other", "right", "join"});
    CHECK(sample::line().position("bbb3") == 2);
    CHECK(Lineage().empty());
}

TEST_CASE("A lineage knows its heads, bases and neighbours") {
    const Lineage lineage = sample::diamond();
    CHECK(lineage.heads() == Ids{"join", "other"});
    CHECK(lineage.bases() == Ids{"other", "root"});
    CHECK(lineage.children("left") == Ids{"join"});
    CHECK(lineage.dependents("left") == Ids{"join", "other"});
    CHECK(lineage.needs("join") == Ids{"left", "right"});
    CHECK(lineage.with_ancestors({"other"}) == IdSet{"left", "other", "root"});
    CHECK(lineage.with_descendants({"left"}) == IdSet{"join", "left", "other"});
    CHECK(lineage.heads_of({"root", "left", "right"}) == Ids{"left", "right"});
    CHECK(lineage.heads_of({"root", "left", "other"}) == Ids{"other"});
    CHECK(lineage.find("nope") == nullptr);
    CHECK(sample::code_of([&] { return lineage.at("nope"); }) == "not_found");
}

TEST_CASE("A broken graph is refused with its kind and its files") {
    const Error twice = failure({node("aaa1"), node("aaa1")});
    CHECK(twice.code() == "duplicate_id");
    CHECK(std::string(twice.what()).find("aaa1.sql and aaa1.sql") != std::string::npos);
    CHECK(failure({node("aaa1", {"zzzz"})}).code() == "missing_parent");
    CHECK(failure({node("aaa1", {}, {"zzzz"})}).code() == "missing_parent");
    CHECK(failure({node("aaa1", {"aaa1"})}).code() == "cycle");
    CHECK(failure({node("aaa1", {"bbb2"}), node("bbb2", {"aaa1"})}).code() == "cycle");
    const Error circle =
        failure({node("base1"), node("aaa1", {"base1"}, {"bbb2"}), node("bbb2", {"aaa1"})});
    CHECK(circle.code() == "cycle");
    CHECK(std::string(circle.what()).find("aaa1 (aaa1.sql), bbb2 (bbb2.sql)") != std::string::npos);
    Revision one = node("aaa1");
    Revision two = node("bbb2");
    one.branch_labels = {"money"};
    two.branch_labels = {"money"};
    CHECK(failure({one, two}).code() == "duplicate_label");
    two.branch_labels = {"aaa1"};
    CHECK(failure({one, two}).code() == "duplicate_label");
}

TEST_CASE("A circle is named without what merely stands on it") {
    const Error circle = failure(
        {node("base1"),
         node("aaa1", {"base1"}, {"ccc3"}),
         node("bbb2", {"aaa1"}),
         node("ccc3", {"bbb2"}),
         node("aaa0", {"ccc3"})}
    );
    CHECK(circle.code() == "cycle");
    CHECK(std::string(circle.what()).find("ccc3 (ccc3.sql)") != std::string::npos);
    CHECK(std::string(circle.what()).find("aaa0") == std::string::npos);
    CHECK(std::string(circle.what()).find("base1") == std::string::npos);
}

TEST_CASE("A dependency may be a label, and hides a head from the version rows only") {
    Revision money = node("aaa1");
    money.branch_labels = {"money"};
    const Lineage lineage({money, node("bbb2", {}, {"money"})});
    CHECK(lineage.needs("bbb2") == Ids{"aaa1"});
    CHECK(lineage.needs_elsewhere("bbb2").empty());
    CHECK(lineage.heads() == Ids{"aaa1", "bbb2"});
    CHECK(lineage.real_heads() == Ids{"bbb2"});
    CHECK(failure({money, node("bbb2", {}, {"beer"})}).code() == "missing_parent");
    CHECK(failure({node("ccc3", {}, {"ccc3"})}).code() == "cycle");
}

TEST_CASE("Labels go up the branch, and down to the fork that it comes from") {
    Revision left = node("lef2", {"lef1"});
    left.branch_labels = {"left"};
    Revision early = node("rig1", {"root"});
    early.branch_labels = {"right"};
    const Lineage lineage(
        {node("root"),
         node("lef1", {"root"}),
         left,
         node("lef3", {"lef2"}),
         early,
         node("rig2", {"rig1"}),
         node("rig3", {"rig1"})}
    );
    CHECK(lineage.labels_of("root").empty());
    CHECK(lineage.labels_of("lef1") == IdSet{"left"});
    CHECK(lineage.labels_of("lef3") == IdSet{"left"});
    CHECK(lineage.labels_of("rig3") == IdSet{"right"});
    CHECK(lineage.labels().at("left") == "lef2");
}

TEST_CASE("Another lineage may hold a dependency, never a parent") {
    const Lineage lineage({node("t001", {}, {"0001_m1"})}, {"0001_m1"});
    CHECK(lineage.needs_elsewhere("t001") == Ids{"0001_m1"});
    CHECK(lineage.needs("t001").empty());
    CHECK(sample::code_of([] {
              return Lineage({node("t001", {"0001_m1"})}, {"0001_m1"});
          }) == "missing_parent");
}

TEST_CASE("A line of a thousand revisions is walked without recursion") {
    std::vector<Revision> revisions = {node("r0000")};
    for (int i = 1; i < 1000; ++i) {
        revisions.push_back(node(fmt::format("r{:04}", i), {fmt::format("r{:04}", i - 1)}));
    }
    const Lineage lineage(revisions);
    CHECK(lineage.heads() == Ids{"r0999"});
    CHECK(lineage.with_ancestors({"r0999"}).size() == 1000);
}
