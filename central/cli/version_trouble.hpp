// Which revision the database is, whatever its version table says, and the one command that puts
// the table right. `recognise` prints it; upgrade, downgrade, stamp and current name it when the
// table is in their way.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "central/catalog/recognise.hpp"
#include "central/cli/revision_options.hpp"
#include "central/revision/version_state.hpp"
#include "common/error.hpp"

namespace tapline::cli {

struct Recognition {
    revision::LineageName lineage = revision::LineageName::app;
    revision::VersionState state = revision::VersionState::fits;
    bool has_table = false;
    std::vector<std::string> rows;
    /// States that the schema is equal to; several when steps between them change only data.
    std::vector<revision::StateHeads> equal;
    catalog::Likeness nearest;  ///< the lowest of those, else that with the fewest differences

    [[nodiscard]] bool is_fine() const noexcept {
        return state == revision::VersionState::fits || state == revision::VersionState::fresh;
    }
};

/// Reads the live catalog and the version tables; changes nothing. Both lineages, or options' one.
/// Throws as likenesses.
[[nodiscard]] std::vector<Recognition> recognise(
    const Context& context, const RevisionOptions& options
);

/// Of all lineages together; empty when there is nothing to mend.
[[nodiscard]] std::string mending_command(
    const std::vector<Recognition>& all, const std::string& directory
);

/// One sentence per lineage: what the version table says, and what the schema is.
[[nodiscard]] std::string words_of(const Recognition& one);

struct Trouble {
    nlohmann::ordered_json json;  ///< {"state", "message", "command"}
    std::string text;
};

/// What `current` adds: rows that no file knows, or a schema without rows. Asks the catalog only
/// when the rows look like that.
[[nodiscard]] std::optional<Trouble> find_trouble(
    const Context& context,
    const RevisionOptions& options,
    const revision::LineageSet& set,
    const revision::AppliedHeads& applied
);

/// Throws Error{refused, "unstamped"} when nothing is applied and the schema is there already: the
/// first revision would fail at its first table.
void refuse_unstamped(
    const Context& context,
    const RevisionOptions& options,
    const revision::LineageSet& set,
    const revision::AppliedHeads& applied
);

/// A statement named what isn't there, or made what is: as a rule the version table doesn't fit.
[[nodiscard]] bool may_be_misplaced(const Error& error);

/// The error again, with the command in its hint where there is one.
[[noreturn]] void throw_with_mend(
    const Context& context, const RevisionOptions& options, const Error& error
);

/// Runs the call; an error of it that a version table causes gets the command into its hint.
template <typename Call>
auto naming_the_mend(const Context& context, const RevisionOptions& options, Call&& call) {
    try {
        return call();
    } catch (const Error& error) {
        if (error.code() != "unknown_revision" && !may_be_misplaced(error)) {
            throw;
        }
        throw_with_mend(context, options, error);
    }
}

}  // namespace tapline::cli
