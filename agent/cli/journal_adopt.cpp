#include "agent/cli/journal_adopt.hpp"

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

using nlohmann::json;

struct Arguments {
    std::string file;
    bool json = false;
    bool writer_stopped = false;
    bool in_steps = false;
    WriterSql writer_sql;
};

json report_json(const journal::AdoptReport& report) {
    json body{
        {"recognised", report.recognised},
        {"head", report.head},
        {"adopted_through", report.adopted_through},
        {"rows", json::object()},
        {"backup", report.backup ? json(report.backup->string()) : json(nullptr)}};
    for (const auto& [status, count] : report.rows) {
        body["rows"][status] = count;
    }
    if (!report.kept.empty()) {
        body["kept"] = to_json(report.kept);
    }
    if (!report.findings.empty()) {
        body["findings"] = to_json(report.findings);
    }
    if (report.changed) {
        body["steps"] = report.steps;
        body["longest_lock_ms"] = report.longest_lock.count();
    } else {
        body["already_adopted"] = true;
    }
    return body;
}

void print_report(const journal::AdoptReport& report, const std::string& file) {
    if (!report.changed) {
        fmt::print("{} is adopted already, at revision {}; nothing to do.\n", file, report.head);
    } else {
        fmt::print(
            "{}: {} -> {}; {} pours up to seq {} were here before\n",
            file,
            report.recognised,
            report.head,
            [&] {
                std::int64_t rows = 0;
                for (const auto& [status, count] : report.rows) {
                    rows += count;
                }
                return rows;
            }(),
            report.adopted_through
        );
    }
    for (const auto& [status, count] : report.rows) {
        fmt::print("  {:>9} {}\n", count, status.empty() ? "(no status)" : status);
    }
    print_extras(report.kept);
    print_differences(report.findings);
    if (report.changed) {
        print_locks(report.steps, report.longest_lock);
    }
    if (report.backup) {
        fmt::print("  backup: {}\n", report.backup->string());
    }
}

int adopt(const Arguments& arguments) {
    journal::MigrateOptions options;
    options.progress = progress_printer(arguments.json);
    if (arguments.writer_stopped) {
        options.deadline.reset();
    }
    options.steps->at_once = arguments.in_steps;
    options.writer_statements = writer_statements(arguments.writer_sql);
    const auto report = journal::adopt(arguments.file, options);
    if (arguments.json) {
        print_json(report_json(report));
    } else {
        print_report(report, arguments.file);
    }
    return 0;
}

}  // namespace

void add_journal_adopt(CLI::App& journal_verbs, int& exit_code) {
    const auto arguments = std::make_shared<Arguments>();
    auto* verb =
        journal_verbs.add_subcommand("adopt", "Take a journal of any release under tapline's care");
    add_journal_file(*verb, arguments->file, "The tap's local_journal.db");
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
    add_writer_sql(*verb, arguments->writer_sql);
    verb->footer(
        "The tap may go on pouring meanwhile; rows that are too many for one transaction of 2 s "
        "go\n"
        "in steps. A verified backup is made first. A file that isn't\n"
        "recognised, is damaged, or has a -wal of another copy is left byte for byte as it is.\n"
        "Examples:\n  tapline-agent journal adopt /var/lib/tap/local_journal.db\n"
        "  tapline-agent journal adopt --json local_journal.db\n"
        "  tapline-agent journal adopt local_journal.db --writer-sql tap.sql"
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return adopt(*arguments); });
    });
}

}  // namespace tapline::cli
