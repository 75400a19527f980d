#include "central/cli/revision_options.hpp"

#include <iostream>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/error.hpp"

namespace tapline::cli {

namespace fs = std::filesystem;

revision::LineageSet RevisionOptions::load() const {
    revision::LineageOptions options;
    if (!directory.empty()) {
        options.directory = directory;
    }
    if (!lineage.empty()) {
        options.only = revision::parse_lineage_name(lineage);
    }
    options.need_files = true;
    return revision::load_lineages(options);
}

CLI::App* add_revision_verb(
    CLI::App& app, Context& context, const char* name, const char* help, RevisionOptions& options
) {
    CLI::App* verb = app.add_subcommand(name, help);
    verb->add_option("--lineage", options.lineage, "only this lineage: app or tapline");
    verb->add_option(
            "--dir", options.directory, "directory of revision files, instead of the built-in ones"
    )
        ->type_name("DIR");
    add_json_option(*verb, context);
    return verb;
}

void add_current_option(CLI::App& verb, RevisionOptions& options) {
    verb.add_option_function<std::string>(
            "--current",
            [&options](const std::string& text) { options.current = text; },
            "take these for the version rows and ask no database; base: none"
    )
        ->type_name("ID,ID");
}

revision::AppliedHeads applied_heads(
    const Context& context, const RevisionOptions& options, const revision::LineageSet& set
) {
    if (options.current) {
        return revision::parse_applied(set, *options.current);
    }
    return revision::Runner(set, run_options(context)).applied();
}

revision::RunOptions run_options(const Context& context) {
    revision::RunOptions options;
    options.connect = context.connect_options();
    std::ostream& out = context.json ? std::cerr : std::cout;
    options.say = [&out](const std::string& line) { out << line << std::endl; };
    return options;
}

fs::path lineage_directory(const std::string& directory, revision::LineageName name) {
    const fs::path root = directory;
    const fs::path folder = root / revision::to_string(name);
    if (fs::is_directory(folder)) {
        return folder;
    }
    const bool parted = fs::is_directory(root / "app") || fs::is_directory(root / "tapline");
    if (parted || !fs::is_directory(root)) {
        throw Error(
            ErrorKind::usage,
            "no_directory",
            fmt::format("there is no directory {}", (parted ? folder : root).string()),
            "make it, or name the directory of the revision files with --dir DIR"
        );
    }
    return root;
}

void print(const Context& context, const nlohmann::ordered_json& json, const std::string& text) {
    if (context.json) {
        std::cout << json.dump() << '\n';
    } else {
        std::cout << text;
    }
}

}  // namespace tapline::cli
