// upgrade, downgrade, stamp, current, history: Alembic's words, on both lineages.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "central/cli/context.hpp"
#include "central/cli/interrupt.hpp"
#include "central/cli/revision_text.hpp"
#include "central/revision/execute.hpp"
#include "common/error.hpp"

namespace tapline::cli {

namespace {

/// Options of one verb; lives as long as the App through its callback.
struct RevisionOptions {
    std::string lineage;
    std::string directory;
    std::vector<std::string> targets;
    bool show_steps = false;
    bool verbose = false;
    bool discard_rows = false;

    [[nodiscard]] revision::LineageSet load() const {
        revision::LineageOptions options;
        if (!directory.empty()) {
            options.directory = directory;
        }
        if (!lineage.empty()) {
            options.only = revision::parse_lineage_name(lineage);
        }
        return revision::load_lineages(options);
    }
};

using Options = std::shared_ptr<RevisionOptions>;

CLI::App* add_verb(CLI::App& app, const char* name, const char* help, const Options& options) {
    CLI::App* verb = app.add_subcommand(name, help);
    verb->add_option("--lineage", options->lineage, "only this lineage: app or tapline");
    verb->add_option(
            "--dir", options->directory, "directory of revision files, instead of the built-in ones"
    )
        ->type_name("DIR");
    return verb;
}

revision::RunOptions run_options(const Context& context) {
    revision::RunOptions options;
    options.connect = context.connect_options();
    // A second stream keeps stdout one JSON document.
    std::ostream& out = context.json ? std::cerr : std::cout;
    options.say = [&out](const std::string& line) { out << line << std::endl; };
    return options;
}

void print(const Context& context, const nlohmann::ordered_json& json, const std::string& text) {
    if (context.json) {
        std::cout << json.dump() << '\n';
    } else {
        std::cout << text;
    }
}

void migrate(Context& context, const RevisionOptions& options, revision::Direction direction) {
    const revision::LineageSet set = options.load();
    revision::RunOptions run = run_options(context);
    run.discard_rows = options.discard_rows;
    run.stop = &stop_requested();
    revision::Runner runner(set, run);
    const std::string& target = options.targets.front();
    if (options.show_steps) {
        const revision::AppliedHeads applied = runner.applied();
        const auto steps = revision::plan_set(set, applied, direction, target);
        print(context, steps_json(set, applied, steps), steps_text(set, steps));
        return;
    }
    const revision::RunReport report = direction == revision::Direction::upgrade
                                           ? runner.upgrade(target)
                                           : runner.downgrade(target);
    print(context, report_json(report), report_text(set, report));
}

void add_migrate_verb(CLI::App& app, Context& context, revision::Direction direction) {
    const auto options = std::make_shared<RevisionOptions>();
    const bool up = direction == revision::Direction::upgrade;
    CLI::App* verb = add_verb(
        app,
        up ? "upgrade" : "downgrade",
        up ? "run revisions up to a target" : "take revisions down to a target, which stays",
        options
    );
    add_common_options(*verb, context);
    options->targets = {up ? "heads" : ""};
    verb->add_option(
            "revision", options->targets.front(), "id, start of an id, head, heads, base, +N or -N"
    )
        ->required(!up);
    verb->add_flag("--show-steps", options->show_steps, "print what would run, and run nothing");
    if (!up) {
        verb->add_flag(
            "--discard-rows",
            options->discard_rows,
            "drop tables of the bar although they hold rows"
        );
    }
    verb->footer(
        up ? "Examples:\n  tapline-central upgrade\n  tapline-central upgrade +1 --lineage app"
           : "Examples:\n  tapline-central downgrade -1 --lineage tapline\n  tapline-central "
             "downgrade base"
    );
    verb->callback([&context, options, direction] { migrate(context, *options, direction); });
}

void add_stamp_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<RevisionOptions>();
    CLI::App* verb = add_verb(
        app,
        "stamp",
        "write the version without running anything; accept the files as they are",
        options
    );
    add_common_options(*verb, context);
    verb->add_option("revision", options->targets, "ids, head, heads or base")->required();
    verb->footer("Example:\n  tapline-central stamp 0001_m1_baseline");
    verb->callback([&context, options] {
        const revision::LineageSet set = options->load();
        revision::Runner runner(set, run_options(context));
        const revision::RunReport report = runner.stamp(options->targets);
        print(context, report_json(report), report_text(set, report));
    });
}

void add_current_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<RevisionOptions>();
    CLI::App* verb = add_verb(app, "current", "where the database is", options);
    add_common_options(*verb, context);
    verb->add_flag("-v,--verbose", options->verbose, "with file, message and what stands on it");
    verb->callback([&context, options] {
        const revision::LineageSet set = options->load();
        revision::Runner runner(set, run_options(context));
        const revision::AppliedHeads applied = runner.applied();
        print(context, current_json(set, applied), current_text(set, applied, options->verbose));
    });
}

void add_history_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<RevisionOptions>();
    CLI::App* verb =
        add_verb(app, "history", "the revisions, newest first; needs no database", options);
    add_json_option(*verb, context);
    verb->callback([&context, options] {
        const revision::LineageSet set = options->load();
        print(context, history_json(set), history_text(set));
    });
}

}  // namespace

void add_revision_verbs(CLI::App& app, Context& context) {
    add_migrate_verb(app, context, revision::Direction::upgrade);
    add_migrate_verb(app, context, revision::Direction::downgrade);
    add_stamp_verb(app, context);
    add_current_verb(app, context);
    add_history_verb(app, context);
}

}  // namespace tapline::cli
