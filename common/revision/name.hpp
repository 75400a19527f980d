// The names a person gives to revisions, cut into parts and looked up as Alembic 1.8 does
// (alembic/script/revision.py). Parts of resolve and range; codes are the kinds of the json
// contract.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/lineage.hpp"

namespace tapline::revision {

/// `label@symbol+2` in its parts.
struct Name {
    std::string text;                  ///< as written, for messages
    std::optional<std::string> label;  ///< before the `@`
    std::string symbol;        ///< id or label, the start of one, head, heads, base; may be empty
    std::optional<int> steps;  ///< of `+2` or `-1` at the end
};

/// Throws not_found for a number of steps beyond 1,000,000.
[[nodiscard]] Name parse_name(std::string_view text);

/// head, heads or base.
[[nodiscard]] bool is_keyword(std::string_view symbol) noexcept;

/// An id or label, or the start of exactly one; an exact one wins. label: the branch it must be on,
/// which may pick one of several. Throws not_found, ambiguous, not_on_branch.
[[nodiscard]] std::string find_one(
    const Lineage& lineage,
    std::string_view symbol,
    const std::optional<std::string>& label = std::nullopt
);

/// What a name without steps means: none for base, several for heads only.
/// Throws as find_one, and multiple_heads.
[[nodiscard]] std::vector<std::string> lookup(const Lineage& lineage, const Name& name);

/// The same where only one can be meant. nullopt: base. Throws multiple_heads for heads, too.
[[nodiscard]] std::optional<std::string> lookup_one(const Lineage& lineage, const Name& name);

/// Those of ids on the branch of label (an id will do): above or below it along edges.
[[nodiscard]] std::vector<std::string> on_branch(
    const Lineage& lineage,
    const std::vector<std::string>& ids,
    const std::string& label,
    Edges edges = Edges::revises
);

/// "aaaa (aaaa_x.sql), bbbb (bbbb_y.sql) and 3 more", for messages. names: ids or labels.
[[nodiscard]] std::string list_with_files(
    const Lineage& lineage, const std::vector<std::string>& names
);

/// Names the heads with their files, the revision where they part, and what to do.
[[noreturn]] void fail_multiple_heads(
    const Lineage& lineage, std::string_view text, const std::vector<std::string>& heads
);

}  // namespace tapline::revision
