#include "agent/cli/record_verb.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/journal_output.hpp"
#include "agent/cli/settings_flags.hpp"
#include "agent/journal/reading.hpp"
#include "agent/journal/test_pour.hpp"
#include "agent/service/settings.hpp"
#include "common/error.hpp"
#include "common/test_hook.hpp"

namespace tapline::cli {

namespace {

using namespace std::chrono_literals;
using Moment = std::chrono::steady_clock::time_point;

constexpr std::chrono::milliseconds between_looks = 100ms;
constexpr std::int64_t longest_wait_s = 600;
constexpr std::int64_t highest_tap = INT32_MAX;
constexpr int not_there_yet = 1;

struct Arguments {
    service::Flags flags;
    std::optional<std::int64_t> tap;
    std::int64_t wait_s = 10;
    bool json = false;
};

/// How far it came.
struct Outcome {
    journal::TestPour pour;
    std::int64_t tap = 0;
    bool acked = false;
    bool taken = false;  ///< by an agent, before the wait was over
    std::string status;
    std::chrono::milliseconds waited{0};
};

std::string journal_of(const service::Settings& settings) {
    if (settings.journals.size() == 1) {
        return settings.journals.front();
    }
    const bool none = settings.journals.empty();
    throw Error(
        ErrorKind::usage,
        none ? "no_journal" : "several_journals",
        none ? "no journal is named" : "the settings name several journals",
        "say which one: --journal FILE"
    );
}

Outcome wait_for(journal::TestPours& pours, Outcome outcome, std::chrono::seconds wait) {
    const auto begin = std::chrono::steady_clock::now();
    const auto passed = [begin] {
        return std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - begin
        );
    };
    while (true) {
        outcome.acked = pours.acked(outcome.pour.seq);
        outcome.status = pours.status(outcome.pour.seq);
        outcome.waited = passed();
        if (outcome.acked || outcome.waited >= wait) {
            break;
        }
        std::this_thread::sleep_for(between_looks);
    }
    outcome.taken = outcome.status != "new";
    if (!outcome.taken) {
        pours.hold(outcome.pour.seq);
        outcome.status = pours.status(outcome.pour.seq);
    }
    return outcome;
}

const char* words_for(const Outcome& outcome) {
    if (outcome.acked) {
        return "central has it: pours of this tap get through. It is kept out of money, beer and "
               "work.";
    }
    if (outcome.taken) {
        return "The agent keeps it; central hasn't acked it yet. It goes there by itself. See "
               "`tapline-agent status`.";
    }
    return "No agent took it. It is marked `held` now, so that the tap goes on pouring; it is sent "
           "when the agent runs: see `tapline-agent status`.";
}

void print(const std::string& file, const Outcome& outcome, bool as_json) {
    const auto* next = words_for(outcome);
    if (as_json) {
        print_json(
            {{"journal", file},
             {"client_tx_id", outcome.pour.client_tx_id},
             {"seq", outcome.pour.seq},
             {"tap", outcome.tap},
             {"status", outcome.status},
             {"acked", outcome.acked},
             {"taken_by_agent", outcome.taken},
             {"waited_ms", outcome.waited.count()},
             {"what_it_means", next}}
        );
        return;
    }
    fmt::print(
        "{}: test pour {} of tap {} ({}), after {:.1f} s {}\n  {}\n",
        file,
        outcome.pour.seq,
        outcome.tap,
        outcome.pour.client_tx_id,
        static_cast<double>(outcome.waited.count()) / 1000,
        outcome.status,
        next
    );
}

int record(const Arguments& arguments) {
    const auto settings = settings_with_warnings(arguments.flags);
    const auto file = journal_of(settings);
    auto reading = journal::open_for_reading(file);
    journal::TestPours pours(reading.database);
    Outcome outcome;
    outcome.tap = arguments.tap ? *arguments.tap : pours.usual_tap();
    outcome.pour = pours.write(outcome.tap);
    test_stop_at("record.written");
    outcome = wait_for(pours, std::move(outcome), std::chrono::seconds(arguments.wait_s));
    print(file, outcome, arguments.json);
    return outcome.acked ? 0 : not_there_yet;
}

}  // namespace

void add_record_verb(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb = app.add_subcommand(
        "record", "Write a test pour without beer or money, and see whether central gets it"
    );
    verb->add_option(
        "--journal", arguments->flags.journals, "The journal (default: that of the settings)"
    );
    verb->add_option(
        "--config", arguments->flags.config, "Settings (default /etc/tapline/agent.toml)"
    );
    verb->add_option("--tap", arguments->tap, "Its tap (default: that of the newest pour)")
        ->check(CLI::Range(std::int64_t{1}, highest_tap));
    verb->add_option("--wait", arguments->wait_s, "Seconds to wait for central (default 10)")
        ->check(CLI::Range(std::int64_t{0}, longest_wait_s));
    verb->add_flag("--json", arguments->json, "Print one JSON object");
    verb->footer(
        "It is marked (card tapline-test, 0 ml): central keeps it for the record and nobody is "
        "charged.\nLike every pour it stays in the journal. Run it as root or as the journal's "
        "owner.\n"
        "Example:\n  sudo tapline-agent record --journal /var/lib/tap/local_journal.db --wait 30\n"
        "Exit codes: 0 central has it, 1 not within the wait, 2 usage, 3 not adopted, 5 the disk."
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return record(*arguments); });
    });
}

}  // namespace tapline::cli
