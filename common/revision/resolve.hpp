// What a person types -> revision ids, as Alembic 1.8 reads it. Codes of the errors are the kinds
// of the json contract. docs/revisions.md has the table for people.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/name.hpp"

namespace tapline::revision {

/// Names that don't count from what is applied: a whole id or label or the start of one, `head`,
/// `heads`, `base`, each also behind `label@` and with `+N` or `-N` after it; `-N` alone is N below
/// each head. The result is empty for base and for the head of an empty lineage.
/// Throws not_found, ambiguous, not_on_branch, multiple_heads, too_many_steps.
[[nodiscard]] std::vector<std::string> resolve(const Lineage& lineage, std::string_view text);

/// What an upgrade goes to: as resolve, and `+N` and `label@+N` count from what is applied.
/// applied: the heads in the version table; empty: base.
/// Throws wrong_direction for `-N` too, ambiguous for `+N` from several heads.
[[nodiscard]] std::vector<std::string> upgrade_target(
    const Lineage& lineage, const std::vector<std::string>& applied, std::string_view text
);

struct DowngradeTarget {
    std::optional<std::string> id;  ///< nullopt: base
    /// Only what is below or at this revision is meant, where the target has several children;
    /// empty: all of them.
    std::string branch;
    bool is_on_branch = true;  ///< false: `label@id` with an id that isn't on the label's branch
};

/// What a downgrade goes to: exactly one revision or base; `-N` and `label@-N` count from what is
/// applied. Throws wrong_direction for `+N`, ambiguous for `-N` from several heads.
[[nodiscard]] DowngradeTarget downgrade_target(
    const Lineage& lineage, const std::vector<std::string>& applied, std::string_view text
);

/// What to do where a walk runs off the end.
enum class AtEnd { fail, stay };

/// steps > 0: up, along children (from base: to a base revision), only on the label's branch if
/// one is given. Else down along parents. start, result: nullopt is base.
/// name: whose steps and label count. Throws too_many_steps, ambiguous.
[[nodiscard]] std::optional<std::string> walk(
    const Lineage& lineage, std::optional<std::string> start, const Name& name, AtEnd at_end
);

}  // namespace tapline::revision
