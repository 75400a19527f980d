// Text that nobody meant to write: a report or an Error, never anything else.
#include <iostream>
#include <random>

#include <catch2/catch.hpp>

#include "common/revision/tokens.hpp"
#include "tests/support/lint_cases.hpp"
#include "tests/unit/lint/sample.hpp"

using namespace tapline;
using namespace tapline::test;

namespace {

constexpr int rounds = 1'500;

/// Some tokens gone, doubled or swapped for one of another statement.
std::string mangle(const std::string& sql, const std::string& other, std::mt19937& random) {
    const auto tokens = revision::tokenize(sql, revision::Dialect::postgres);
    const auto spare = revision::tokenize(other, revision::Dialect::postgres);
    std::string result;
    for (const revision::Token& token : tokens) {
        switch (random() % 12) {
            case 0:
                break;
            case 1:
                result += std::string(token.text) + " " + std::string(token.text);
                break;
            case 2:
                result += " " + std::string(spare[random() % spare.size()].text) + " ";
                break;
            default:
                result += token.text;
        }
    }
    return result;
}

std::string text_of(const LintCase& one) {
    std::string sql;
    for (const revision::Statement& each : one.section.statements) {
        sql += each.text + ";\n";
    }
    return sql;
}

}  // namespace

TEST_CASE("Lint.MangledSqlGivesAReportOrAnError") {
    const auto seed = std::random_device{}();
    std::cout << "seed " << seed << '\n';
    std::mt19937 random(seed);
    const auto cases = read_lint_cases();
    const lint::Catalog schema = lint_schema();
    int read = 0;
    for (int i = 0; i < rounds; ++i) {
        const std::string sql = mangle(
            text_of(cases[random() % cases.size()]), text_of(cases[random() % cases.size()]), random
        );
        lint::Catalog catalog = schema;
        const std::string error = error_of([&] {
            (void)lint::lint_file(catalog, {"x.sql", sql}, "x.sql", random() % 2 == 0);
        });
        INFO(sql);
        CHECK((error == "no error" || error.find("x.sql:") != std::string::npos));
        read += error == "no error" ? 1 : 0;
    }
    CHECK(read > rounds / 50);
}
