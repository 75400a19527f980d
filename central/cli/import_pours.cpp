// import: pours of a device without a network, from a file that somebody carried here.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/context.hpp"
#include "central/cli/operator_name.hpp"
#include "central/cli/start_checks.hpp"
#include "central/offline/import.hpp"
#include "central/revision/execute.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

struct ImportFlags {
    std::string file;
    std::string controller;
    bool dry_run = false;
};

/// As `serve` asks before it takes in pours.
void check_database(const std::string& url) {
    revision::RunOptions options;
    options.connect.url = url;
    const revision::LineageSet set = revision::load_lineages({});
    revision::Runner runner(set, options);
    check_at_head(set, runner.applied());
    check_pours_columns(runner.session());
}

Json result_json(const offline::ImportResult& result, bool dry_run) {
    const auto& header = result.file.header;
    return {
        {"journal_id", header.journal_id},
        {"epoch", header.epoch},
        {"controller", result.controller},
        {"new_journal", result.new_journal},
        {"first_seq", header.first_seq},
        {"last_seq", result.file.end.last_seq},
        {"sha256", to_hex(result.file.end.sha256)},
        {"cursor_before", result.cursor},
        {"acked_through", result.acked_through},
        {"already_there", result.known_rows},
        {dry_run ? "would_settle" : "taken", result.fresh_rows},
        {"quarantined", result.quarantined},
        {"dry_run", dry_run}};
}

void print(const offline::ImportResult& result, bool dry_run) {
    const auto& header = result.file.header;
    std::cout << fmt::format(
        "journal {} of {}, epoch {}: pours {} to {}, sha256 {}\n",
        header.journal_id,
        result.controller,
        header.epoch,
        header.first_seq,
        result.file.end.last_seq,
        to_hex(result.file.end.sha256)
    );
    std::cout << fmt::format(
        "{} {} pours; {} were here already\n",
        dry_run ? "would take" : "took",
        result.fresh_rows,
        result.known_rows
    );
    for (const auto& [code, rows] : result.quarantined) {
        std::cout << fmt::format("  {} in quarantine: {}\n", rows, code);
    }
    if (dry_run) {
        std::cout << "Nothing was changed.\n";
    }
}

void run(const Context& context, const ImportFlags& flags) {
    const Settings settings = context.settings();
    start_logging(program_name, settings.log_level);
    offline::ImportOptions options;
    options.database_url = context.database().url;
    options.controller = flags.controller;
    options.who = operator_name();
    options.price_from_journal = settings.price_from_journal;
    options.dry_run = flags.dry_run;
    check_database(options.database_url);
    const auto result = offline::import_pours(flags.file, options);
    if (context.json) {
        std::cout << result_json(result, flags.dry_run).dump() << '\n';
    } else {
        print(result, flags.dry_run);
    }
}

}  // namespace

void add_import_pours_verb(CLI::App& app, Context& context) {
    const auto flags = std::make_shared<ImportFlags>();
    CLI::App* verb =
        app.add_subcommand("import", "settle pours from a file of `tapline-agent journal export`");
    add_common_options(*verb, context);
    verb->add_option("file", flags->file, "the file, packed or not")->required();
    verb->add_option("--controller", flags->controller, "whose journal it is, when it is new here")
        ->type_name("NAME");
    verb->add_flag("--dry-run", flags->dry_run, "verify and compare only");
    verb->footer(
        "Settles as `serve` does, by the journal's cursor: what is here already counts once, "
        "whoever "
        "brought it,\nand the device goes on behind it. Killed: run it again.\n"
        "Examples:\n  tapline-central import tap-3.jsonl.gz --dry-run\n"
        "  tapline-central import tap-3.jsonl.gz\n"
        "Exit codes: 0 done, 2 usage, 3 refused (a hold, an unknown journal), 4 the database is "
        "away, 5 the file\nis damaged, has a gap, or is of another copy of the journal."
    );
    verb->callback([&context, flags] { run(context, *flags); });
}

}  // namespace tapline::cli
