#include "agent/cli/journal_salvage.hpp"

#include <memory>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/journal_output.hpp"
#include "agent/cli/settings_flags.hpp"
#include "agent/salvage/salvage.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

using nlohmann::json;

struct Arguments {
    std::string file;
    std::string journal_id;
    bool dry_run = false;
    bool json = false;
    bool writer_stopped = false;
};

json to_json(const salvage::SalvageReport& report) {
    return {
        {"damaged", report.damaged},
        {"changed", report.changed},
        {"findings", report.findings},
        {"journal_id", report.journal_id},
        {"new_identity", report.new_identity},
        {"revision", report.revision},
        {"pages", report.pages},
        {"lost_pages", report.lost_pages},
        {"whole", report.whole},
        {"proven", report.proven},
        {"settled_through", report.settled_through},
        {"to_send", report.to_send},
        {"doubtful", report.doubtful},
        {"noted", report.noted},
        {"doubts", report.doubts},
        {"missing", report.missing},
        {"top", report.top},
        {"extras", report.extras},
        {"kept", report.kept ? json(report.kept->string()) : json(nullptr)},
        {"kept_sha256", report.kept_sha256}};
}

void print_report(const salvage::SalvageReport& report, const std::string& file) {
    if (!report.damaged) {
        fmt::print("{} is sound; nothing was done.\n", file);
        return;
    }
    fmt::print("{}: damaged; {} of its {} pages are lost\n", file, report.lost_pages, report.pages);
    for (const auto& finding : report.findings) {
        fmt::print("  {}\n", printable(finding));
    }
    fmt::print(
        "{:>9} pours are whole, {} of them proven by their hashes\n"
        "{:>9} of them are sent; central has those up to seq {}\n"
        "{:>9} are in doubt: central's operator looks at them\n",
        report.whole,
        report.proven,
        report.to_send,
        report.settled_through,
        report.doubtful
    );
    for (const auto& [kind, count] : report.doubts) {
        fmt::print("          {:>9} {}\n", count, kind);
    }
    if (report.noted > 0) {
        fmt::print(
            "{:>9} more are known from earlier salvages: in quarantine already\n", report.noted
        );
    }
    fmt::print("{:>9} seqs behind {} are gone\n", report.missing, report.settled_through);
    if (report.new_identity) {
        fmt::print(
            "  Its own id is lost: it becomes a new journal, unless you name it (--journal-id; "
            "`tapline-central fleet` shows it).\n"
        );
    }
    for (const auto& extra : report.extras) {
        fmt::print("  not taken along: {}\n", printable(extra));
    }
    if (report.changed) {
        fmt::print(
            "A new journal stands in its place. The damaged one: {}\n", report.kept->string()
        );
    } else {
        fmt::print("Nothing was changed (--dry-run).\n");
    }
}

int run(const Arguments& arguments) {
    salvage::SalvageOptions options;
    options.dry_run = arguments.dry_run;
    options.journal_id = arguments.journal_id;
    options.progress = progress_printer(arguments.json);
    if (arguments.writer_stopped) {
        options.deadline.reset();
    }
    const auto report = salvage::salvage(arguments.file, options);
    if (arguments.json) {
        print_json(to_json(report));
    } else {
        print_report(report, arguments.file);
    }
    return report.damaged && !report.changed ? exit_code(ErrorKind::data) : 0;
}

}  // namespace

void add_journal_salvage(CLI::App& journal_verbs, int& exit_code) {
    const auto arguments = std::make_shared<Arguments>();
    auto* verb = journal_verbs.add_subcommand(
        "salvage", "Make a sound journal of a damaged one, in its place; keep the damaged one"
    );
    add_journal_file(*verb, arguments->file);
    verb->add_flag("--dry-run", arguments->dry_run, "Look and count only");
    verb->add_flag("--json", arguments->json, "Print one JSON object");
    verb->add_flag(
        "--writer-stopped",
        arguments->writer_stopped,
        "The tap's program is stopped: take as long as needed"
    );
    verb->add_option(
        "--journal-id", arguments->journal_id, "Its id, where the file has lost its own"
    );
    verb->footer(
        "Stop the agent first; the tap may go on. Pours that are whole are sent, what is in doubt\n"
        "goes to central's quarantine, and the counts with it. The damaged file stays beside it, "
        "in\n"
        "a directory with its -wal. Exit code 0: sound, or salvaged; 5: damaged (--dry-run).\n"
        "Examples:\n  tapline-agent journal salvage --dry-run /var/lib/tap/local_journal.db\n"
        "  tapline-agent journal salvage /var/lib/tap/local_journal.db"
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return run(*arguments); });
    });
}

}  // namespace tapline::cli
