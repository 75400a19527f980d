// init: a directory of revision files of the bar's own, begun with what tapline knows of its
// schema. edit: a revision's file in the editor.
#include <cstdlib>
#include <memory>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "central/catalog/embedded_snapshots.hpp"
#include "central/cli/revision_file.hpp"
#include "central/cli/revision_options.hpp"
#include "central/revision/embedded_files.hpp"
#include "common/error.hpp"
#include "common/revision/resolve.hpp"

namespace tapline::cli {

namespace {

namespace fs = std::filesystem;
using Options = std::shared_ptr<RevisionOptions>;

void make_directories(const fs::path& directory) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) {
        throw Error(
            ErrorKind::storage,
            "file_write",
            fmt::format("{} can't be made: {}", directory.string(), error.message()),
            "check the path and its permissions"
        );
    }
}

void refuse_filled(const fs::path& folder) {
    if (fs::exists(folder) && (!fs::is_directory(folder) || !fs::is_empty(folder))) {
        throw Error(
            ErrorKind::usage,
            "file_exists",
            fmt::format("{} is there already", folder.string()),
            "name another directory; a project that was begun goes on with --dir"
        );
    }
}

/// Each file is whole or not there; a run that was cut off is begun again in an emptied directory.
void write_embedded(
    const fs::path& directory,
    std::span<const revision::EmbeddedFile> files,
    std::vector<std::string>& written
) {
    make_directories(directory);
    for (const revision::EmbeddedFile& file : files) {
        write_new_file(directory, std::string(file.name), file.body);
        written.push_back((directory / file.name).string());
    }
}

void init(const Context& context, const RevisionOptions& options) {
    const fs::path app = fs::path(options.targets.front()) / "app";
    refuse_filled(app);
    std::vector<std::string> written;
    write_embedded(
        app / "snapshots", catalog::embedded_snapshots(revision::LineageName::app), written
    );
    write_embedded(app, revision::embedded_app(), written);
    print(
        context,
        {{"directory", options.targets.front()}, {"written", written}},
        fmt::format(
            "{}\nnow: tapline-central revision -m \"what changes\" --lineage app --dir {}\n",
            fmt::join(written, "\n"),
            options.targets.front()
        )
    );
}

void edit(const RevisionOptions& options) {
    RevisionOptions one = options;
    one.lineage = options.lineage.empty() ? "app" : options.lineage;
    const revision::LineageSet set = one.load();
    const revision::DatabaseLineage& lineage = set.front();
    const auto ids = revision::resolve(lineage.lineage, options.targets.front());
    if (ids.size() != 1) {
        throw Error(
            ErrorKind::usage,
            "ambiguous",
            fmt::format("'{}' names {} revisions", options.targets.front(), ids.size()),
            "name one of them"
        );
    }
    const fs::path file =
        lineage_directory(options.directory, lineage.name) / lineage.lineage.at(ids.front()).file;
    // The shell, because an editor's setting may hold options: EDITOR="code --wait".
    constexpr const char* script = "exec ${VISUAL:-${EDITOR:-vi}} \"$1\"";
    execl("/bin/sh", "sh", "-c", script, "sh", file.c_str(), nullptr);
    throw Error(ErrorKind::storage, "spawn", "/bin/sh can't be run");
}

void add_edit_verb(CLI::App& app, Context& context) {
    const Options options = std::make_shared<RevisionOptions>();
    CLI::App* verb =
        add_revision_verb(app, context, "edit", "open a revision's file in $EDITOR", *options);
    verb->get_option("--dir")->required();
    options->targets = {""};
    verb->add_option("revision", options->targets.front(), "id, start of an id, label, head")
        ->required();
    verb->footer("Example:\n  tapline-central edit head --dir migrations");
    verb->callback([options] { edit(*options); });
}

}  // namespace

void add_init_verbs(CLI::App& app, Context& context) {
    const Options options = std::make_shared<RevisionOptions>();
    CLI::App* verb = app.add_subcommand(
        "init", "begin a directory of revision files of the bar's own, for --dir"
    );
    add_json_option(*verb, context);
    options->targets = {""};
    verb->add_option("directory", options->targets.front(), "made when it isn't there")->required();
    verb->footer("Example:\n  tapline-central init migrations");
    verb->callback([&context, options] { init(context, *options); });
    add_edit_verb(app, context);
}

}  // namespace tapline::cli
