// The lineages that share the central database, and what a verb's argument means to them together.
// Pure but for reading a directory.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/lineage.hpp"
#include "common/revision/plan.hpp"

namespace tapline::revision {

/// app: the bar's schema, version in public.alembic_version, where the bar's own Alembic finds it.
/// tapline: everything of ours, version in tapline.alembic_version.
enum class LineageName { app, tapline };

[[nodiscard]] std::string_view to_string(LineageName name) noexcept;
/// Throws Error{usage, "unknown_lineage"}.
[[nodiscard]] LineageName parse_lineage_name(const std::string& text);

struct DatabaseLineage {
    LineageName name = LineageName::app;
    Lineage lineage;
};

/// In dependency order: app before tapline.
using LineageSet = std::vector<DatabaseLineage>;

struct LineageOptions {
    /// Has `app` or `tapline` below it: those replace the embedded files. Holds *.sql itself: it is
    /// the one lineage that verbs act on, `app` unless `only` says otherwise.
    std::optional<std::filesystem::path> directory;
    std::optional<LineageName> only;
};

/// The embedded set, or the directory's. Throws what revision::load throws.
[[nodiscard]] LineageSet load_lineages(const LineageOptions& options);

/// Heads in the version table of each lineage, in the order of the set.
using AppliedHeads = std::vector<std::vector<std::string>>;

/// What `upgrade TARGET` or `downgrade TARGET` runs, in order. TARGET is looked up in each lineage;
/// head, heads and base mean all of them. An upgrade brings along what it depends on elsewhere.
/// Throws the errors of plan_upgrade, plan_downgrade and interleave; Error{usage, "ambiguous"} for
/// steps (+1) or a prefix that several lineages understand.
[[nodiscard]] std::vector<PartStep> plan_set(
    const LineageSet& set,
    const AppliedHeads& applied,
    Direction direction,
    const std::string& target
);

/// The lineages that an absolute name belongs to, as indices. Throws not_found, ambiguous.
[[nodiscard]] std::vector<std::size_t> owners_of(const LineageSet& set, const std::string& target);

}  // namespace tapline::revision
