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
    std::vector<std::string> unknown;  ///< of the rows: those that no file has
    /// States that the schema is equal to; several when steps between them change only data.
    std::vector<revision::StateHeads> equal;
    /// The nearest is base, and tables of the bar are there: no stamp of these files mends that.
    bool other_files = false;
    catalog::Likeness nearest;  ///< the lowest of those, else that with the fewest differences

    [[nodiscard]] bool is_fine() const noexcept {
        return state == revision::VersionState::fits || state == revision::VersionState::fresh;
    }
};

/// The options' lineage and what its revisions may depend on: tapline's stand on the bar's, never
/// the other way round. A directory that is one lineage itself stays that.
[[nodiscard]] revision::LineageSet load_needed(const RevisionOptions& options);

/// Reads the live catalog and the version tables; changes nothing. Both lineages, or options' one.
/// Throws as likenesses.
[[nodiscard]] std::vector<Recognition> recognise(
    const Context& context, const RevisionOptions& options
);

/// Of all lineages together, with the options' own --lineage and --dir; empty when there is nothing
/// to mend.
[[nodiscard]] std::string mending_command(
    const std::vector<Recognition>& all, const RevisionOptions& options
);

/// A row has an id that neither a file nor an old chain of the field has: as a rule the bar has
/// files of its own, and forgetting the row is the wrong thing to do first.
[[nodiscard]] bool has_files_elsewhere(const std::vector<Recognition>& all);

/// What to do: the files first where a row is of the bar's own, then the command, between `quote`s.
[[nodiscard]] std::string mending_words(
    const std::vector<Recognition>& all, const RevisionOptions& options, const char* quote
);

/// What `recognise` and `stamp` say of Likeness::public_creates.
inline constexpr const char* public_creates_text =
    "PUBLIC may create tables in schema public, which is no obstacle: `tapline-central grants "
    "--app-role ROLE` takes that away\n";

/// One sentence per lineage: what the version table says, and what the schema is.
[[nodiscard]] std::string words_of(const Recognition& one);

struct Trouble {
    nlohmann::ordered_json json;  ///< {"state", "message", "command", "files_first"}
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

/// The error again, with the role that may do it in its hint.
[[noreturn]] void throw_with_owner(const Context& context, const Error& error);

/// Runs the call; an error of it that a version table causes gets the command into its hint, one of
/// a role that may not do it the role that may.
template <typename Call>
auto naming_the_mend(const Context& context, const RevisionOptions& options, Call&& call) {
    try {
        return call();
    } catch (const Error& error) {
        if (error.code() == "insufficient_privilege") {
            throw_with_owner(context, error);
        }
        if (error.code() != "unknown_revision" && !may_be_misplaced(error)) {
            throw;
        }
        throw_with_mend(context, options, error);
    }
}

}  // namespace tapline::cli
