// The cases of tests/unit/lint/hazards.txt: SQL and what lint must find in it. The unit test judges
// lint by them, the PostgreSQL test judges them by a server.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "central/lint/catalog.hpp"
#include "central/lint/lint.hpp"
#include "common/revision/revision.hpp"

namespace tapline::test {

struct LintCase {
    std::string title;
    int line = 0;            ///< of the title in hazards.txt
    bool alone = false;      ///< transaction=off
    bool text_only = false;  ///< PostgreSQL can't run it as it stands
    revision::Section section;
    std::vector<std::set<std::string>> expected;  ///< hazards of each statement
};

[[nodiscard]] std::vector<LintCase> read_lint_cases();

/// schema.sql, as text and as a catalog.
[[nodiscard]] std::string lint_schema_text();
[[nodiscard]] lint::Catalog lint_schema();

/// Of each statement of the section, by its line.
[[nodiscard]] std::vector<std::set<std::string>> hazards_of(
    const lint::Report& report, const revision::Section& section
);

}  // namespace tapline::test
