// A revision as history, heads, bases, branches and show print it. Pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "central/revision/lineage_set.hpp"

namespace tapline::cli {

struct Entry {
    const revision::DatabaseLineage* lineage = nullptr;
    const revision::Revision* revision = nullptr;
    bool current = false;  ///< a version row has it; shown with EntryStyle::mark_current only
};

struct EntryStyle {
    bool verbose = false;
    bool mark_current = false;
    bool children = false;  ///< list what revises it
};

/// "aaaa -> bbbb (label) (head), message [expand]".
[[nodiscard]] std::string entry_line(
    const revision::Lineage& lineage, const revision::Revision& revision, bool current = false
);

[[nodiscard]] nlohmann::ordered_json entries_json(
    const std::vector<Entry>& entries, const EntryStyle& style
);
/// Under a heading per lineage.
[[nodiscard]] std::string entries_text(const std::vector<Entry>& entries, const EntryStyle& style);

}  // namespace tapline::cli
