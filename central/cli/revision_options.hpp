// What the revision verbs have in common: which files, which state of the database, how to print.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "central/cli/context.hpp"
#include "central/revision/execute.hpp"

namespace tapline::cli {

/// Options of one verb; lives as long as the App through its callback.
struct RevisionOptions {
    std::string lineage;
    std::string directory;
    std::optional<std::string> current;  ///< `ID,ID…`: no database is asked
    std::vector<std::string> targets;
    bool show_steps = false;
    bool dry_run = false;
    bool sql = false;
    bool purge = false;
    bool verbose = false;
    bool discard_rows = false;
    std::vector<std::string> accept;  ///< "OBJECT=REASON"

    [[nodiscard]] revision::LineageSet load() const;
};

/// A sub-command with --lineage, --dir and --json.
CLI::App* add_revision_verb(
    CLI::App& app, Context& context, const char* name, const char* help, RevisionOptions& options
);

/// --current, for verbs that can do without a database; options must outlive the App.
void add_current_option(CLI::App& verb, RevisionOptions& options);

/// From --current, else from the database.
[[nodiscard]] revision::AppliedHeads applied_heads(
    const Context& context, const RevisionOptions& options, const revision::LineageSet& set
);

/// Progress goes to stdout, with --json to stderr so that stdout stays one document.
[[nodiscard]] revision::RunOptions run_options(const Context& context);

/// Where the files of a lineage are: directory itself, or its folder of that name where it has
/// folders. Throws Error{usage, "no_directory"}.
[[nodiscard]] std::filesystem::path lineage_directory(
    const std::string& directory, revision::LineageName name
);

void print(const Context& context, const nlohmann::ordered_json& json, const std::string& text);

// Families of verbs, called by add_revision_verbs.
void add_list_verbs(CLI::App& app, Context& context);
void add_new_verbs(CLI::App& app, Context& context);
void add_export_verb(CLI::App& app, Context& context);
void add_init_verbs(CLI::App& app, Context& context);

}  // namespace tapline::cli
