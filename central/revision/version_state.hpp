// What a version table says, against which revisions the schema is equal to. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/revision/lineage.hpp"

namespace tapline::revision {

enum class VersionState {
    fits,     ///< the rows name what the schema is
    fresh,    ///< no row and nothing there: not begun
    missing,  ///< no version table, and a schema
    empty,    ///< a version table without a row, and a schema
    several,  ///< rows that can't stand together, or some that no file knows
    unknown,  ///< one row, and no file has that id
    ahead,    ///< the row claims more than the schema has
    behind,   ///< the schema has more than the row claims
    wrong,    ///< the schema is none of what the row, or anything below or above it, makes
};

/// The word for --json: the enumerator's name.
[[nodiscard]] std::string_view to_string(VersionState state) noexcept;

/// Heads of a state that the files know; empty: before the first revision.
using StateHeads = std::vector<std::string>;

/// rows: by id. equal: all states that the schema is equal to; several when steps change only data.
[[nodiscard]] VersionState judge_version(
    const Lineage& lineage,
    bool has_table,
    const std::vector<std::string>& rows,
    const std::vector<StateHeads>& equal
);

}  // namespace tapline::revision
