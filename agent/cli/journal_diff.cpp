#include "agent/cli/journal_diff.hpp"

#include <memory>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/journal_output.hpp"
#include "agent/journal/schema_diff.hpp"

namespace tapline::cli {

namespace {

struct Arguments {
    std::string expected;
    std::string live;
    bool json = false;
};

int print_diff(const Arguments& arguments) {
    const auto differences = journal::diff_files(arguments.expected, arguments.live);
    if (arguments.json) {
        print_json({{"findings", to_json(differences)}});
    } else if (differences.empty()) {
        fmt::print("no differences\n");
    } else {
        print_differences(differences);
    }
    return differences.empty() ? 0 : 1;
}

}  // namespace

void add_journal_diff(CLI::App& journal_verbs, int& exit_code) {
    const auto arguments = std::make_shared<Arguments>();
    auto* verb = journal_verbs.add_subcommand("diff", "What do two files' schemas differ in?");
    verb->add_option("expected", arguments->expected, "The file as it should be")->required();
    verb->add_option("live", arguments->live, "The file to look at")->required();
    verb->add_flag("--json", arguments->json, "Print one JSON object");
    verb->footer(
        "Changes nothing. Example:\n  tapline-agent journal diff expected.db local_journal.db"
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return print_diff(*arguments); });
    });
}

}  // namespace tapline::cli
