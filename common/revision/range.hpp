// `A:B`, as history and the offline verbs read it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/plan.hpp"

namespace tapline::revision {

struct Range {
    std::string from;  ///< before the colon; empty: left open
    std::string to;    ///< after it; empty: left open
};

/// nullopt: no colon. Throws bad_range for more than one.
[[nodiscard]] std::optional<Range> split_range(std::string_view text);

/// What history lists, newest first: everything below `to` that stands on `from`, both included.
/// Open ends are base and heads; `current` is what is applied; `-N` before the colon is N below the
/// heads, `+N` after it is N above `from`. Counting past an end stops there.
/// Throws the errors of upgrade_target, and not_ancestor when from isn't below to.
[[nodiscard]] std::vector<std::string> list_range(
    const Lineage& lineage, const std::vector<std::string>& applied, const Range& range
);

struct OfflinePlan {
    std::vector<std::string> from;  ///< heads that the script takes for applied
    Plan plan;
};

/// A script for a database that isn't asked: `FROM:TO`, for an upgrade also `TO` alone, which
/// begins at base. Throws bad_range for a downgrade without FROM, ambiguous for an end left open,
/// multiple_heads for a FROM that is several revisions, and the errors of the planners.
[[nodiscard]] OfflinePlan plan_offline(
    const Lineage& lineage, Direction direction, std::string_view text
);

/// Throws bad_range for a text with a colon: only scripts and history take ranges.
void refuse_range(std::string_view text);

}  // namespace tapline::revision
