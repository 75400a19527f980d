#include "agent/cli/journal_export.hpp"

#include <memory>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/journal_output.hpp"
#include "agent/cli/settings_flags.hpp"
#include "agent/cli/whole_file.hpp"
#include "agent/journal/export.hpp"

namespace tapline::cli {

namespace {

using nlohmann::json;

constexpr std::int64_t highest_seq = std::int64_t{1} << 53U;

struct Arguments {
    std::string file;
    std::string output;
    std::int64_t from = 0;
    bool all = false;
    bool json = false;
};

std::string fill(const Arguments& arguments, const Put& put) {
    const auto journal = journal::JournalReader::look(arguments.file);
    const auto identity = journal->identity();
    auto first = arguments.all ? journal::first_kept(identity) : journal::first_to_export(identity);
    if (arguments.from > 0) {
        first = arguments.from;
    }
    const auto end = journal::write_export(*journal, first, put);
    const json said{
        {"journal_id", identity.journal_id},
        {"epoch", identity.epoch},
        {"first_seq", first},
        {"last_seq", end.last_seq},
        {"rows", end.rows},
        {"batches", end.batches},
        {"sha256", to_hex(end.sha256)}};
    return said.dump();
}

int run(const Arguments& arguments) {
    const auto words =
        write_whole_file(arguments.output, [&](const Put& put) { return fill(arguments, put); });
    auto said = json::parse(words);
    const auto rows = said.at("rows").get<std::int64_t>();
    said["file"] = rows > 0 ? json(arguments.output) : json(nullptr);
    if (arguments.output == "-") {
        return 0;
    }
    if (arguments.json) {
        print_json(said);
    } else if (rows == 0) {
        fmt::print("No pour waits for central; no file was written.\n");
    } else {
        fmt::print(
            "{}: {} pours, {} to {} of journal {}, epoch {}\n"
            "  sha256 {}\n"
            "  Take it to central and run `tapline-central import {}`; the journal stays as it "
            "is.\n",
            arguments.output,
            rows,
            said.at("first_seq").get<std::int64_t>(),
            said.at("last_seq").get<std::int64_t>(),
            said.at("journal_id").get<std::string>(),
            said.at("epoch").get<std::int64_t>(),
            said.at("sha256").get<std::string>(),
            arguments.output
        );
    }
    return 0;
}

}  // namespace

void add_journal_export(CLI::App& journal_verbs, int& exit_code) {
    const auto arguments = std::make_shared<Arguments>();
    auto* verb = journal_verbs.add_subcommand(
        "export", "Pours that central doesn't have, into a file for `tapline-central import`"
    );
    add_journal_file(*verb, arguments->file);
    verb->add_option("-o,--output", arguments->output, "The file; .gz is packed; - for stdout")
        ->required();
    auto* from = verb->add_option("--from", arguments->from, "Begin at this seq")
                     ->check(CLI::Range(std::int64_t{1}, highest_seq));
    verb->add_flag("--all", arguments->all, "Also what central has, as far as it is kept")
        ->excludes(from);
    verb->add_flag("--json", arguments->json, "Print one JSON object");
    verb->footer(
        "Only reads the journal; works beside the agent and when nothing can be sent. What was "
        "imported and\nis sent later counts once. Example:\n"
        "  tapline-agent journal export local_journal.db -o /media/usb/tap-3.jsonl.gz"
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return run(*arguments); });
    });
}

}  // namespace tapline::cli
