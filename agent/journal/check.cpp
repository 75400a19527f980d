#include "agent/journal/check.hpp"

#include <fmt/format.h>

#include "agent/journal/central_word.hpp"
#include "agent/journal/inspect.hpp"
#include "agent/journal/own_objects.hpp"
#include "agent/journal/owner.hpp"

namespace tapline::journal {

namespace {

std::vector<Difference> compare_objects(const ObjectMap& expected, const ObjectMap& found) {
    std::vector<Difference> differences;
    for (const auto& [name, sql] : expected) {
        const auto other = found.find(name);
        if (other == found.end()) {
            differences.push_back({name, "removed", sql, std::nullopt});
        } else if (other->second != sql) {
            differences.push_back({name, "changed", sql, other->second});
        }
    }
    for (const auto& [name, sql] : found) {
        if (!expected.contains(name)) {
            differences.push_back({name, "added", std::nullopt, sql});
        }
    }
    return differences;
}

std::string advice_for(const CheckReport& report, const std::filesystem::path& file) {
    if (report.problem == "drift") {
        return "Somebody changed tapline's own tables or triggers by hand: undo that before the "
               "agent runs.";
    }
    if (report.problem == "positional_insert") {
        return "Name the columns in the tap's own INSERT: without them it breaks when a revision "
               "adds one.";
    }
    if (report.problem == "statement_fails") {
        return "The tap's program can't send that to this file: mend it there, or in "
               "writer_statements of agent.toml.";
    }
    if (report.unfinished) {
        return fmt::format(
            "A migration in steps was cut, or is under way; no pour is missing, and the tap works. "
            "Stop the agent and run `tapline-agent journal {} {}`: it goes on from there.",
            report.adopted ? "upgrade" : "adopt",
            file.string()
        );
    }
    if (report.adopted) {
        return "Nothing: the journal is as it must be.";
    }
    return fmt::format("Run `tapline-agent journal adopt {}`.", file.string());
}

std::filesystem::path existing_as_owner(const std::filesystem::path& file) {
    auto real = real_journal_path(file);
    if (!std::filesystem::exists(real)) {
        throw Error(
            ErrorKind::usage,
            "no_such_file",
            fmt::format("{}: there is no such file", real.string()),
            "Check the path."
        );
    }
    become_owner(real);
    return real;
}

}  // namespace

CheckReport check(
    const std::filesystem::path& file, const std::vector<std::string>& writer_statements
) {
    const auto real = existing_as_owner(file);
    CheckReport report;
    const auto registered = read_statements(writer_statements);
    try {
        Rehearse wanted{registered.empty() ? Rehearsal::unless_adopted : Rehearsal::always};
        wanted.central = read_central_word(real).revision;
        wanted.statements = registered;
        auto inspection = inspect(real, wanted);
        report.recognised = inspection.shape.name;
        report.adopted = inspection.adopted;
        report.unfinished = inspection.unfinished;
        report.totals = std::move(inspection.totals);
        report.extras = std::move(inspection.extras);
        if (inspection.adopted) {
            report.differences =
                compare_objects(expected_objects(report.recognised), inspection.own_objects);
            report.problem = report.differences.empty() ? "" : "drift";
        }
        const auto& findings = inspection.findings;
        if (report.problem.empty() && !findings.empty()) {
            report.problem =
                positional_inserts(registered).empty() ? "statement_fails" : "positional_insert";
        }
        report.differences.insert(report.differences.end(), findings.begin(), findings.end());
        report.advice = advice_for(report, real);
    } catch (const FileError& error) {
        report.problem = error.code();
        report.differences = error.differences();
        report.advice = error.hint();
    } catch (const Error& error) {
        if (error.code() != "breaks_writer") {
            throw;
        }
        report.problem = error.code();
        report.differences = {
            {"table pours", "changed", "every statement of the tap works after it", error.what()}};
        report.advice = error.hint();
    }
    return report;
}

Current current(const std::filesystem::path& file) {
    return {inspect(existing_as_owner(file), {}).shape.name, journal_lineage().heads().front()};
}

std::vector<LogEntry> history(const std::filesystem::path& file) {
    return inspect(existing_as_owner(file), {}).ledger;
}

}  // namespace tapline::journal
