#include "agent/cli/journal_look.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/journal_output.hpp"
#include "agent/cli/settings_flags.hpp"
#include "agent/cli/writer_sql.hpp"
#include "agent/journal/check.hpp"

namespace tapline::cli {

namespace {

using nlohmann::json;

struct Arguments {
    std::string file;
    bool json = false;
    WriterSql writer_sql;
};

int print_current(const Arguments& arguments) {
    const auto seen = journal::current(arguments.file);
    if (arguments.json) {
        print_json(
            {{"current", seen.name}, {"head", seen.head}, {"is_head", seen.name == seen.head}}
        );
    } else {
        fmt::print("{}{}\n", seen.name, seen.name == seen.head ? " (head)" : "");
    }
    return 0;
}

int print_history(const Arguments& arguments) {
    const auto entries = journal::history(arguments.file);
    if (arguments.json) {
        json list = json::array();
        for (const auto& entry : entries) {
            list.push_back(
                {{"revision", entry.revision},
                 {"direction", entry.direction},
                 {"found", entry.found},
                 {"current_after", entry.current_after},
                 {"digest", entry.digest},
                 {"applied_at", entry.applied_at},
                 {"first_seq", entry.first_seq},
                 {"duration_ms", entry.duration_ms},
                 {"agent_version", entry.agent_version}}
            );
        }
        print_json({{"history", list}});
        return 0;
    }
    for (const auto& entry : entries) {
        fmt::print(
            "{}  {:<9} {} (was {}), {} ms, agent {}\n",
            entry.applied_at,
            entry.direction,
            entry.revision,
            entry.found,
            entry.duration_ms,
            entry.agent_version
        );
    }
    if (entries.empty()) {
        fmt::print("tapline never changed this file.\n");
    }
    return 0;
}

/// What is wrong with the file alone, or what the tap's program would see of it.
bool is_negative(const std::string& problem) {
    return problem == "drift" || problem == "breaks_writer" || problem == "positional_insert" ||
           problem == "statement_fails";
}

/// A file is looked at even where agent.toml can't be read: that is the finding then.
journal::CheckReport check_with_settings(const Arguments& arguments) {
    std::optional<journal::Difference> settings;
    std::vector<std::string> statements;
    try {
        statements = writer_statements(arguments.writer_sql);
    } catch (const Error& error) {
        if (arguments.writer_sql.named()) {
            throw;
        }
        settings = {"settings", "changed", "agent.toml that can be read", error.what()};
    }
    auto report = journal::check(arguments.file, statements);
    if (settings) {
        report.differences.push_back(*std::move(settings));
    }
    return report;
}

int print_check(const Arguments& arguments) {
    const auto report = check_with_settings(arguments);
    if (arguments.json) {
        json rows = json::object();
        for (const auto& [status, count] : report.totals.per_status) {
            rows[status] = count;
        }
        print_json(
            {{"recognised", report.recognised},
             {"adopted", report.adopted},
             {"unfinished", report.unfinished},
             {"problem", report.problem.empty() ? json(nullptr) : json(report.problem)},
             {"findings", to_json(report.differences)},
             {"extras", to_json(report.extras)},
             {"rows", rows},
             {"advice", report.advice}}
        );
    } else {
        if (report.problem.empty()) {
            fmt::print(
                "{}: {}, {} pours, sound\n", arguments.file, report.recognised, report.totals.rows
            );
        } else {
            fmt::print("{}: {}\n", arguments.file, report.problem);
        }
        print_differences(report.differences);
        print_extras(report.extras);
        fmt::print("  What to do: {}\n", report.advice);
    }
    if (report.problem.empty()) {
        return 0;
    }
    return is_negative(report.problem) ? 1 : exit_code(ErrorKind::storage_corrupt);
}

void add_verb(
    CLI::App& journal_verbs,
    int& exit_code,
    const char* name,
    const char* about,
    int (*run)(const Arguments&)
) {
    const auto arguments = std::make_shared<Arguments>();
    auto* verb = journal_verbs.add_subcommand(name, about);
    add_journal_file(*verb, arguments->file);
    verb->add_flag("--json", arguments->json, "Print one JSON object");
    if (run == print_check) {
        add_writer_sql(*verb, arguments->writer_sql);
    }
    verb->footer(
        fmt::format("Changes nothing. Example:\n  tapline-agent journal {} local_journal.db", name)
    );
    verb->callback([arguments, run, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return run(*arguments); });
    });
}

}  // namespace

void add_journal_look(CLI::App& journal_verbs, int& exit_code) {
    add_verb(
        journal_verbs, exit_code, "current", "Which revision or shape is this file?", print_current
    );
    add_verb(
        journal_verbs, exit_code, "history", "What was done to this file, and when?", print_history
    );
    add_verb(
        journal_verbs,
        exit_code,
        "check",
        "Is the file sound, and as its revision made it?",
        print_check
    );
}

}  // namespace tapline::cli
