#include "tests/support/lint_cases.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "central/lint/files.hpp"
#include "common/revision/file.hpp"
#include "common/revision/syntax.hpp"

namespace tapline::test {

namespace {

using revision::Dialect;
using revision::TransactionControl;

std::string read(const std::string& name) {
    std::ifstream in(std::string(TAPLINE_LINT_CASES) + "/" + name);
    if (!in) {
        throw std::runtime_error("can't read " + name);
    }
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::set<std::string> words(const std::string& line) {
    constexpr std::string_view mark = "; -->";
    std::set<std::string> result;
    const std::size_t at = line.find(mark);
    std::istringstream list(at == std::string::npos ? "" : line.substr(at + mark.size()));
    for (std::string word; std::getline(list, word, ',');) {
        result.emplace(revision::trim(word));
    }
    return result;
}

/// sql: the case's text, whose marks are comments to SQL.
void complete(LintCase& one, const std::string& sql) {
    one.section =
        revision::parse_plain({one.title, sql}, Dialect::postgres, TransactionControl::keep);
    one.section.transaction = !one.alone;
    std::istringstream in(sql);
    std::vector<std::string> lines(1);  // lines count from 1
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    for (const revision::Statement& each : one.section.statements) {
        const auto breaks = std::count(each.text.begin(), each.text.end(), '\n');
        one.expected.push_back(words(lines.at(static_cast<std::size_t>(each.line + breaks))));
    }
}

}  // namespace

std::vector<LintCase> read_lint_cases() {
    std::vector<LintCase> cases;
    std::istringstream in(read("hazards.txt"));
    std::string sql;
    int number = 0;
    for (std::string line; std::getline(in, line);) {
        ++number;
        if (line.starts_with('#')) {
            continue;
        }
        if (!line.starts_with("== ")) {
            sql += line + "\n";
            continue;
        }
        if (!cases.empty()) {
            complete(cases.back(), sql);
        }
        sql.clear();
        LintCase& next = cases.emplace_back();
        next.title = line.substr(3);
        next.line = number;
        next.alone = line.find("[alone]") != std::string::npos;
        next.text_only = line.find("[text]") != std::string::npos;
    }
    complete(cases.back(), sql);
    return cases;
}

std::string lint_schema_text() {
    return read("schema.sql");
}

lint::Catalog lint_schema() {
    lint::Catalog catalog;
    lint::apply_file(catalog, {"schema.sql", lint_schema_text()}, "schema.sql");
    return catalog;
}

std::vector<std::set<std::string>> hazards_of(
    const lint::Report& report, const revision::Section& section
) {
    std::vector<std::set<std::string>> result;
    for (const revision::Statement& statement : section.statements) {
        auto& hazards = result.emplace_back();
        for (const lint::Finding& each : report.findings) {
            if (each.line == statement.line) {
                hazards.emplace(lint::to_string(each.hazard));
            }
        }
    }
    return result;
}

}  // namespace tapline::test
