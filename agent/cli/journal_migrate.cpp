#include "agent/cli/journal_migrate.hpp"

#include <memory>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/journal_output.hpp"
#include "agent/cli/settings_flags.hpp"
#include "agent/cli/writer_sql.hpp"
#include "agent/journal/adopt.hpp"

namespace tapline::cli {

namespace {

using revision::Direction;

struct Arguments {
    std::string file;
    std::string target = "head";
    bool json = false;
    bool writer_stopped = false;
    bool in_steps = false;
    WriterSql writer_sql;
};

int migrate(const Arguments& arguments, Direction direction) {
    journal::MigrateOptions options;
    options.progress = progress_printer(arguments.json);
    if (arguments.writer_stopped) {
        options.deadline.reset();
    }
    options.steps->at_once = arguments.in_steps;
    if (direction == Direction::upgrade) {
        options.writer_statements = writer_statements(arguments.writer_sql);
    }
    const auto run = journal::migrate_file(arguments.file, direction, arguments.target, options);
    if (arguments.json) {
        nlohmann::json body{
            {"found", run.result.found},
            {"current", run.result.current},
            {"changed", run.result.changed},
            {"steps", run.result.steps},
            {"longest_lock_ms", run.result.longest_lock.count()}};
        body["backup"] =
            run.backup ? nlohmann::json(run.backup->string()) : nlohmann::json(nullptr);
        if (!run.findings.empty()) {
            body["findings"] = to_json(run.findings);
        }
        print_json(body);
    } else if (!run.result.changed) {
        fmt::print("{} is at {} already; nothing to do.\n", arguments.file, run.result.current);
    } else {
        fmt::print("{}: {} -> {}\n", arguments.file, run.result.found, run.result.current);
        print_extras(run.result.kept);
        print_locks(run.result.steps, run.result.longest_lock);
        if (run.backup) {
            fmt::print("  backup: {}\n", run.backup->string());
        }
    }
    if (!arguments.json) {
        print_differences(run.findings);
    }
    return 0;
}

void add_verb(CLI::App& journal_verbs, int& exit_code, Direction direction) {
    const auto arguments = std::make_shared<Arguments>();
    const bool up = direction == Direction::upgrade;
    auto* verb = journal_verbs.add_subcommand(
        up ? "upgrade" : "downgrade",
        up ? "Run the revisions up to one" : "Take down the revisions above one"
    );
    add_journal_file(*verb, arguments->file);
    auto* target = verb->add_option(
        "revision",
        arguments->target,
        up ? "head, +1, or a revision (default head)" : "gen8, -1, or a revision"
    );
    if (!up) {
        target->required();
    }
    verb->add_flag("--json", arguments->json, "Print one JSON object");
    auto* stopped = verb->add_flag(
        "--writer-stopped",
        arguments->writer_stopped,
        "The tap's program is stopped: take as long as needed"
    );
    verb->add_flag(
            "--in-steps",
            arguments->in_steps,
            "Don't try one transaction first: for a large file on a slow card"
    )
        ->excludes(stopped);
    if (up) {
        add_writer_sql(*verb, arguments->writer_sql);
    }
    verb->footer(
        up ? "Tried on a copy first, with what each release of the tap's program sends.\n"
             "Examples:\n  tapline-agent journal upgrade local_journal.db\n"
             "  tapline-agent journal upgrade local_journal.db --writer-sql tap.sql"
           : "Stop the agent first. `downgrade FILE gen8` gives the file back to the tap's own "
             "releases; what\n"
             "gen8 can't hold stays in the table tapline_left and comes back when the file is "
             "adopted again.\n"
             "Example:\n  tapline-agent journal downgrade local_journal.db gen8"
    );
    verb->callback([arguments, direction, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return migrate(*arguments, direction); });
    });
}

int stamp(const Arguments& arguments) {
    const auto result = journal::stamp_file(arguments.file, arguments.target);
    if (arguments.json) {
        print_json(
            {{"found", result.found}, {"current", result.current}, {"changed", result.changed}}
        );
    } else {
        const auto before = result.found.empty() ? std::string("nothing") : result.found;
        fmt::print("{}: its log said {}, now {}\n", arguments.file, before, result.current);
    }
    return 0;
}

void add_stamp(CLI::App& journal_verbs, int& exit_code) {
    const auto arguments = std::make_shared<Arguments>();
    auto* verb = journal_verbs.add_subcommand(
        "stamp", "Correct the log of a file whose schema was changed by hand; runs nothing"
    );
    add_journal_file(*verb, arguments->file);
    verb->add_option("revision", arguments->target, "What its schema is")->required();
    verb->add_flag("--json", arguments->json, "Print one JSON object");
    verb->footer(
        "Refused (unknown_shape, with the differences) unless the file looks as that revision "
        "makes "
        "it.\nExample:\n  tapline-agent journal stamp local_journal.db j0001"
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return stamp(*arguments); });
    });
}

}  // namespace

void add_journal_migrate(CLI::App& journal_verbs, int& exit_code) {
    add_verb(journal_verbs, exit_code, Direction::upgrade);
    add_verb(journal_verbs, exit_code, Direction::downgrade);
    add_stamp(journal_verbs, exit_code);
}

}  // namespace tapline::cli
