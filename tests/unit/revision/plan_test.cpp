#include "common/revision/plan.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/ranges.h>

#include "tests/unit/revision/sample.hpp"

using namespace tapline;
using namespace tapline::revision;
using sample::node;
using Ids = std::vector<std::string>;

namespace {

/// "+aaa1[aaa1] +aab2[aab2]": each step with the version rows after it.
std::string show(const Plan& plan) {
    std::string text;
    for (const Step& step : plan.steps) {
        text += fmt::format(
            "{}{}{}[{}]",
            text.empty() ? "" : " ",
            step.direction == Direction::upgrade ? '+' : '-',
            step.id,
            fmt::join(step.heads_after, ",")
        );
    }
    const Ids last = plan.steps.empty() ? plan.heads_after : plan.steps.back().heads_after;
    CHECK(plan.heads_after == last);
    return text;
}

std::string up(const Lineage& lineage, const Ids& applied, std::string_view target) {
    try {
        return show(plan_upgrade(lineage, applied, target));
    } catch (const Error& error) {
        return error.code();
    }
}

std::string down(const Lineage& lineage, const Ids& applied, std::string_view target) {
    try {
        return show(plan_downgrade(lineage, applied, target));
    } catch (const Error& error) {
        return error.code();
    }
}

std::string show(const std::vector<PartStep>& steps) {
    std::string text;
    for (const PartStep& each : steps) {
        text += fmt::format("{}{}:{}", text.empty() ? "" : " ", each.part, each.step.id);
    }
    return text;
}

}  // namespace

TEST_CASE("An upgrade takes what is missing, parents first") {
    const Lineage line = sample::line();
    CHECK(up(line, {}, "head") == "+aaa1[aaa1] +aab2[aab2] +bbb3[bbb3] +ccc4[ccc4]");
    CHECK(up(line, {"aab2"}, "+1") == "+bbb3[bbb3]");
    CHECK(up(line, {"aab2"}, "bbb3") == "+bbb3[bbb3]");
    CHECK(up(line, {"ccc4"}, "head").empty());
    CHECK(up(line, {"ccc4"}, "aaa1").empty());
    CHECK(plan_upgrade(line, {"ccc4"}, "aaa1").heads_after == Ids{"ccc4"});
    CHECK(up(line, {"ccc4"}, "+1") == "too_many_steps");
    CHECK(up(line, {"ccc4"}, "-1") == "wrong_direction");
    CHECK(up(line, {"nope"}, "head") == "not_found");
}

TEST_CASE("A downgrade takes down what stands on the target, newest first") {
    const Lineage line = sample::line();
    CHECK(down(line, {"ccc4"}, "aab2") == "-ccc4[bbb3] -bbb3[aab2]");
    CHECK(down(line, {"bbb3"}, "base") == "-bbb3[aab2] -aab2[aaa1] -aaa1[]");
    CHECK(down(line, {"bbb3"}, "-1") == "-bbb3[aab2]");
    CHECK(down(line, {"bbb3"}, "-3") == "-bbb3[aab2] -aab2[aaa1] -aaa1[]");
    CHECK(down(line, {"bbb3"}, "bbb3").empty());
    CHECK(down(line, {"aab2"}, "ccc4") == "not_ancestor");
    CHECK(down(line, {}, "aaa1") == "not_ancestor");
    CHECK(down(line, {"bbb3"}, "+1") == "wrong_direction");
    CHECK(down(line, {"bbb3"}, "-4") == "too_many_steps");
    CHECK(down(line, {}, "base").empty());
}

TEST_CASE("Merges and dependencies keep the version rows right") {
    const Lineage lineage = sample::diamond();
    CHECK(up(lineage, {}, "join") == "+root[root] +left[left] +right[left,right] +join[join]");
    CHECK(up(lineage, {}, "other") == "+root[root] +left[left] +other[other]");
    CHECK(up(lineage, {"other"}, "heads") == "+right[other,right] +join[join,other]");
    CHECK(down(lineage, {"join", "other"}, "left") == "-join[other,right]");
    CHECK(down(lineage, {"join"}, "root") == "-join[left,right] -right[left] -left[root]");
}

TEST_CASE("A revision without a way back stops the downgrade before it begins") {
    Revision gone = node("bbb2", {"aaa1"});
    gone.irreversible = "the old column's data is gone";
    const Lineage lineage({node("aaa1"), gone, node("ccc3", {"bbb2"})});
    CHECK(down(lineage, {"ccc3"}, "bbb2") == "-ccc3[bbb2]");
    const auto error = sample::error_of([&] { return plan_downgrade(lineage, {"ccc3"}, "aaa1"); });
    REQUIRE(error);
    CHECK(error->code() == "irreversible");
    CHECK(error->kind() == ErrorKind::refused);
    CHECK(std::string(error->what()).find("the old column's data is gone") != std::string::npos);
}

TEST_CASE("Lineages that share a database go in dependency order") {
    const Lineage app({node("a001"), node("a002", {"a001"}, {"t001"})}, {"t001"});
    const Lineage ours(
        {node("t001", {}, {"a001"}), node("t002", {"t001"}, {"a002"})}, {"a001", "a002"}
    );
    const std::vector<LineagePart> upward = {
        {"app", &app, {}, plan_upgrade(app, {}, "head")},
        {"tapline", &ours, {}, plan_upgrade(ours, {}, "head")}};
    CHECK(show(interleave(upward)) == "0:a001 1:t001 0:a002 1:t002");
    const std::vector<LineagePart> downward = {
        {"app", &app, {"a002"}, plan_downgrade(app, {"a002"}, "base")},
        {"tapline", &ours, {"t002"}, plan_downgrade(ours, {"t002"}, "base")}};
    CHECK(show(interleave(downward)) == "1:t002 0:a002 1:t001 0:a001");
}

TEST_CASE("A step whose dependency stays away is refused") {
    const Lineage app({node("a001")});
    const Lineage ours({node("t001", {}, {"a001"})}, {"a001"});
    const std::vector<LineagePart> alone = {
        {"app", &app, {}, {}}, {"tapline", &ours, {}, plan_upgrade(ours, {}, "head")}};
    CHECK(sample::code_of([&] { return interleave(alone); }) == "dependency_missing");
    const std::vector<LineagePart> pulled = {
        {"app", &app, {"a001"}, plan_downgrade(app, {"a001"}, "base")},
        {"tapline", &ours, {"t001"}, {}}};
    CHECK(sample::code_of([&] { return interleave(pulled); }) == "dependency_missing");
    const std::vector<LineagePart> there = {
        {"app", &app, {"a001"}, {}}, {"tapline", &ours, {}, plan_upgrade(ours, {}, "head")}};
    CHECK(show(interleave(there)) == "1:t001");
    CHECK(interleave({}).empty());
}
