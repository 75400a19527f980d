// The lineages that share the central database. Pure but for reading a directory.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/lineage.hpp"

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
    std::string directory{};  ///< as it was typed; empty: the embedded files
};

/// In dependency order: app before tapline.
using LineageSet = std::vector<DatabaseLineage>;

struct LineageOptions {
    /// Has `app` or `tapline` below it: those replace the embedded files. Holds *.sql itself: it is
    /// the one lineage that verbs act on, `app` unless `only` says otherwise.
    std::optional<std::filesystem::path> directory;
    std::optional<LineageName> only;
    /// A directory without any file and without those two is mistyped: Error{usage,
    /// "revision_directory"}.
    bool need_files = false;
};

/// As it is where a shell leaves it alone, else in single quotes.
[[nodiscard]] std::string in_shell_quotes(const std::string& text);

/// " --dir DIR" for a command that a person copies; "" for the embedded files.
[[nodiscard]] std::string directory_option(const std::string& directory);

/// The embedded set, or the directory's. Throws what revision::load throws.
[[nodiscard]] LineageSet load_lineages(const LineageOptions& options);

/// Heads in the version table of each lineage, in the order of the set.
using AppliedHeads = std::vector<std::vector<std::string>>;

}  // namespace tapline::revision
