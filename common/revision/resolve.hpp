// What a person types -> revision ids, as Alembic reads it. Codes of the errors are the kinds of
// the json contract.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/revision/lineage.hpp"

namespace tapline::revision {

/// Absolute names: a whole id, a unique prefix of one, `head`, `heads`, `base`, each of the first
/// three also with +N or -N steps after it. The result is empty for base and for the head of an
/// empty lineage; only `heads` gives several ids.
/// Throws not_found, ambiguous, multiple_heads, too_many_steps.
[[nodiscard]] std::vector<std::string> resolve(const Lineage& lineage, std::string_view text);

/// As resolve, and also `+N` for an upgrade and `-N` for a downgrade, counted from what is applied.
/// applied: the heads in the version table; empty: base.
/// Throws wrong_direction too, and multiple_heads for -N with several heads applied.
[[nodiscard]] std::vector<std::string> resolve_target(
    const Lineage& lineage,
    const std::vector<std::string>& applied,
    Direction direction,
    std::string_view text
);

}  // namespace tapline::revision
