// The text of a new revision file, and what may stand in its headers. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/file.hpp"
#include "common/revision/lineage.hpp"

namespace tapline::revision {

/// Revisions of the file's name are cut at a word so that it has at most this many bytes.
inline constexpr std::size_t max_slug_bytes = 40;

struct NewRevision {
    std::string id;
    std::string message;
    std::vector<std::string> revises;
    std::vector<std::string> branch_labels;
    std::vector<std::string> depends_on;
    std::string create_date;
    Phase phase = Phase::expand;
    std::optional<std::string> irreversible;
    /// SQL of the upgrade, or whole sections when it has a `-- tapline: upgrade` line of its own.
    std::string sql;
    std::string downgrade_sql;
    Dialect dialect = Dialect::postgres;
};

/// Lower-case words with _ between; empty for a message without ASCII letters and digits.
[[nodiscard]] std::string slug_of(std::string_view message);

/// Name and bytes of the file. Throws Error{usage, "bad_revision_id"} for an id that isn't one,
/// "bad_message" for a message that would read as something else, and the errors of parse.
[[nodiscard]] SourceFile compose(const NewRevision& revision);

/// The parents of a new revision on targets, as resolve reads them, in their order; none for base.
/// Throws not_a_head for one that has children unless splice, duplicate_id for one named twice,
/// and the errors of resolve.
[[nodiscard]] std::vector<std::string> parents_for(
    const Lineage& lineage, const std::vector<std::string>& targets, bool splice
);

/// What `Depends On` says for names as lookup_one reads them: labels stay labels, so that a merge
/// of their branch is followed; elsewhere: ids of other lineages, taken whole.
/// Throws the errors of lookup_one, and not_found for base.
[[nodiscard]] std::vector<std::string> dependencies_for(
    const Lineage& lineage, const std::vector<std::string>& names, const IdSet& elsewhere
);

}  // namespace tapline::revision
