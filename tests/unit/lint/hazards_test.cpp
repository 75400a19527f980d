#include <algorithm>
#include <map>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "tests/support/lint_cases.hpp"

using namespace tapline;
using namespace tapline::test;

TEST_CASE("Every statement of hazards.txt has its hazards and no other") {
    for (const LintCase& one : read_lint_cases()) {
        lint::Catalog catalog = lint_schema();
        const lint::Report report =
            lint::lint_section(catalog, one.section, {one.title, revision::Direction::upgrade});
        const auto found = hazards_of(report, one.section);
        REQUIRE(found.size() == one.expected.size());
        for (std::size_t i = 0; i < found.size(); ++i) {
            INFO(fmt::format("hazards.txt:{}: {}", one.line, one.section.statements[i].text));
            CHECK(found[i] == one.expected[i]);
        }
    }
}

TEST_CASE("Every word of the vocabulary has two bad statements or more, and free twins stay free") {
    std::map<std::string, int> bad;
    int free_cases = 0;
    for (const LintCase& one : read_lint_cases()) {
        free_cases += one.title.starts_with("free:") ? 1 : 0;
        for (const auto& hazards : one.expected) {
            for (const std::string& each : hazards) {
                INFO(fmt::format("hazards.txt:{}: {}", one.line, each));
                CHECK(lint::parse_hazard(each));
                ++bad[each];
            }
        }
    }
    for (const lint::HazardPolicy& each : lint::hazard_policies()) {
        INFO(each.name);
        CHECK(bad[std::string(each.name)] >= 2);
    }
    CHECK(free_cases > 80);
}

TEST_CASE("A finding says what it is about, what happens and what to write instead") {
    for (const LintCase& one : read_lint_cases()) {
        lint::Catalog catalog = lint_schema();
        const lint::Report report =
            lint::lint_section(catalog, one.section, {"x.sql", revision::Direction::upgrade});
        for (const lint::Finding& each : report.findings) {
            INFO(fmt::format("hazards.txt:{}: {}", one.line, lint::to_string(each.hazard)));
            CHECK(each.file == "x.sql");
            CHECK_FALSE(each.object.empty());
            CHECK_FALSE(each.message.empty());
            CHECK_FALSE(each.safe_way.empty());
        }
    }
}
