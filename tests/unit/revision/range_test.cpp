#include "common/revision/range.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/ranges.h>

#include "tests/unit/revision/sample.hpp"

using namespace tapline;
using namespace tapline::revision;
using sample::code_of;
using Ids = std::vector<std::string>;

namespace {

std::string listed(const Ids& applied, const char* text) {
    try {
        const Ids ids = list_range(sample::line(), applied, split_range(text).value());
        return fmt::format("{}", fmt::join(ids, " "));
    } catch (const Error& error) {
        return error.code();
    }
}

std::string offline(Direction direction, const char* text) {
    try {
        const OfflinePlan found = plan_offline(sample::line(), direction, text);
        std::string steps;
        for (const Step& step : found.plan.steps) {
            steps += " " + step.id;
        }
        return fmt::format("{}:{}", fmt::join(found.from, " "), steps);
    } catch (const Error& error) {
        return error.code();
    }
}

}  // namespace

TEST_CASE("History takes ranges with open ends, steps and what is applied") {
    const std::vector<std::pair<const char*, const char*>> table = {
        {":", "ccc4 bbb3 aab2 aaa1"},
        {"aab2:", "ccc4 bbb3 aab2"},
        {":aab2", "aab2 aaa1"},
        {"aab:bb", "bbb3 aab2"},
        {"base:head", "ccc4 bbb3 aab2 aaa1"},
        {"current:", "ccc4 bbb3"},
        {":current", "bbb3 aab2 aaa1"},
        {"-1:", "ccc4 bbb3"},
        {"-9:", "ccc4 bbb3 aab2 aaa1"},
        {"aab2:+1", "bbb3 aab2"},
        {"aab2:+9", "ccc4 bbb3 aab2"},
        {":head-2", "aab2 aaa1"},
        {"bbb3:aab2", "not_ancestor"},
        {"aab2:-1", "wrong_direction"},
        {"zzzz:", "not_found"},
        {"a:b:c", "bad_range"},
    };
    for (const auto& [text, expected] : table) {
        INFO(text);
        CHECK(listed({"bbb3"}, text) == expected);
    }
    CHECK_FALSE(split_range("aab2").has_value());
}

TEST_CASE("A script's range says where the database is") {
    CHECK(offline(Direction::upgrade, "aab2:head") == "aab2: bbb3 ccc4");
    CHECK(offline(Direction::upgrade, "head") == ": aaa1 aab2 bbb3 ccc4");
    CHECK(offline(Direction::upgrade, "bbb3:+1") == "bbb3: ccc4");
    CHECK(offline(Direction::downgrade, "ccc4:aab2") == "ccc4: ccc4 bbb3");
    CHECK(offline(Direction::downgrade, "bbb3:-1") == "bbb3: bbb3");
    CHECK(offline(Direction::downgrade, "aab2") == "bad_range");
    CHECK(offline(Direction::upgrade, ":head") == "ambiguous");
    CHECK(offline(Direction::downgrade, "head:") == "ambiguous");
    CHECK(code_of([] {
              refuse_range("a:b");
              return 0;
          }) == "bad_range");
}
