#include "common/revision/resolve.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/ranges.h>

#include "tests/unit/revision/sample.hpp"

using namespace tapline::revision;
using sample::node;
using Ids = std::vector<std::string>;

namespace {

/// The ids with a bar between, "base" for none, or the error's code.
std::string show(const Ids& ids) {
    return ids.empty() ? "base" : fmt::format("{}", fmt::join(ids, "|"));
}

std::string absolute(const Lineage& lineage, std::string_view text) {
    try {
        return show(resolve(lineage, text));
    } catch (const tapline::Error& error) {
        return error.code();
    }
}

std::string relative(Direction direction, const Ids& applied, std::string_view text) {
    try {
        if (direction == Direction::upgrade) {
            return show(upgrade_target(sample::line(), applied, text));
        }
        return downgrade_target(sample::line(), applied, text).id.value_or("base");
    } catch (const tapline::Error& error) {
        return error.code();
    }
}

}  // namespace

TEST_CASE("Absolute names resolve on a line") {
    const std::vector<std::pair<const char*, const char*>> table = {
        {"aaa1", "aaa1"},
        {"b", "bbb3"},
        {"aa", "ambiguous"},
        {"aab", "aab2"},
        {"x", "not_found"},
        {"", "ambiguous"},
        {"AAA1", "not_found"},
        {"head", "ccc4"},
        {"heads", "ccc4"},
        {"base", "base"},
        {"head-1", "bbb3"},
        {"heads-3", "aaa1"},
        {"head-4", "base"},
        {"head-5", "too_many_steps"},
        {"base+1", "aaa1"},
        {"base+4", "ccc4"},
        {"base+5", "too_many_steps"},
        {"base-1", "too_many_steps"},
        {"aab2+2", "ccc4"},
        {"aab+1", "bbb3"},
        {"ccc4+1", "too_many_steps"},
        {"bbb3-1", "aab2"},
        {"bbb3-3", "base"},
        {"bbb3-4", "too_many_steps"},
        {"aaa1+0", "aaa1"},
        {"aaa1+", "not_found"},
        {"aaa1+x", "not_found"},
        {"aaa1+1+1", "not_found"},
        {"aaa1+99999999999999999999", "not_found"},
    };
    for (const auto& [text, expected] : table) {
        INFO(text);
        CHECK(absolute(sample::line(), text) == expected);
    }
}

TEST_CASE("An exact id wins over longer ones") {
    const Lineage lineage({node("aaa1"), node("aaa12", {"aaa1"})});
    CHECK(absolute(lineage, "aaa1") == "aaa1");
    CHECK(absolute(lineage, "aaa") == "ambiguous");
}

TEST_CASE("Forks make names ambiguous") {
    const Lineage lineage = sample::diamond();
    CHECK(absolute(lineage, "head") == "multiple_heads");
    CHECK(absolute(lineage, "heads") == "join|other");
    CHECK(absolute(lineage, "heads-1") == "multiple_heads");
    CHECK(absolute(lineage, "root+1") == "ambiguous");
    CHECK(absolute(lineage, "join-1") == "ambiguous");
    CHECK(absolute(lineage, "base+1") == "ambiguous");
    CHECK(absolute(lineage, "left+1") == "join");
}

TEST_CASE("An empty lineage has nothing but base") {
    CHECK(absolute(Lineage(), "head") == "base");
    CHECK(absolute(Lineage(), "heads") == "base");
    CHECK(absolute(Lineage(), "base+1") == "too_many_steps");
    CHECK(absolute(Lineage(), "abcd") == "not_found");
}

TEST_CASE("Steps count from what is applied, in the verb's direction") {
    const auto up = Direction::upgrade;
    const auto down = Direction::downgrade;
    CHECK(relative(up, {}, "+1") == "aaa1");
    CHECK(relative(up, {"aaa1"}, "+2") == "bbb3");
    CHECK(relative(up, {"bbb3"}, "+2") == "too_many_steps");
    CHECK(relative(up, {"bbb3"}, "-1") == "wrong_direction");
    CHECK(relative(up, {"bbb3"}, "aab2+2") == "ccc4");
    CHECK(relative(up, {"bbb3"}, "head-1") == "bbb3");
    CHECK(relative(down, {"bbb3"}, "-1") == "aab2");
    CHECK(relative(down, {"bbb3"}, "-3") == "base");
    CHECK(relative(down, {"bbb3"}, "-4") == "too_many_steps");
    CHECK(relative(down, {}, "-1") == "too_many_steps");
    CHECK(relative(down, {"bbb3"}, "+1") == "wrong_direction");
    CHECK(relative(down, {"aaa1", "bbb3"}, "-1") == "ambiguous");
    CHECK(relative(up, {"aaa1", "bbb3"}, "+1") == "ambiguous");
    CHECK(relative(up, {"zzzz"}, "+1") == "not_found");
    CHECK(relative(up, {"aaa1"}, "+") == "not_found");
}
