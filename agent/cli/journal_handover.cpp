#include "agent/cli/journal_handover.hpp"

#include <cstdio>
#include <memory>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/check_output.hpp"
#include "agent/cli/journal_output.hpp"
#include "agent/cli/settings_flags.hpp"
#include "agent/handover/handover.hpp"

namespace tapline::cli {

namespace {

constexpr std::int64_t longest_wait_s = 600;

struct Arguments {
    std::string file;
    service::Flags flags;
    std::string root = "/";
    std::int64_t wait_s = handover::usual_wait.count();
    bool check_only = false;
    bool unproven = false;
    bool json = false;
};

std::string last_line(const handover::Outcome& outcome, const std::string& file) {
    const auto& code = outcome.code;
    if (code == "handed_over") {
        return fmt::format("{} is handed over: tapline-agent.service serves it.", file);
    }
    if (code == "already_handed_over") {
        return fmt::format("{} was handed over before; all is as it should be.", file);
    }
    if (code == "checked") {
        return "All is ready. Without --check it is switched on.";
    }
    if (code == "no_systemd") {
        return "No systemd runs here. Do what it would do, by hand:";
    }
    if (code == "not_switched_on") {
        return "Not finished; what is marked ok is done and stays. Mend the rest and do it again.";
    }
    return fmt::format("Nothing was switched on ({}): see above.", code);
}

int hand_over(const Arguments& arguments) {
    handover::Order order;
    order.journal = arguments.file;
    order.flags = arguments.flags;
    order.environment = process_environment();
    order.look = doctor::Look(arguments.root);
    order.wait = std::chrono::seconds(arguments.wait_s);
    order.check_only = arguments.check_only;
    order.unproven = arguments.unproven;
    std::string subject;
    const doctor::Tell tell = [&arguments, &subject](const doctor::Check& check) {
        if (!arguments.json) {
            print_check(check, subject);
            std::fflush(stdout);  // nobody waits 45 s for the first line
        }
    };
    const auto waits = [&arguments] {
        if (!arguments.json) {
            fmt::print(
                "  A test pour is watched for {} s. A tap of the releases since 2026-02-25 refuses "
                "guests meanwhile; Ctrl-C ends it at once.\n",
                arguments.wait_s
            );
            std::fflush(stdout);
        }
    };
    const auto outcome = handover::hand_over(order, tell, waits);
    if (arguments.json) {
        print_json(
            {{"journal", arguments.file},
             {"checks", to_json(outcome.checks)},
             {"code", outcome.code},
             {"commands", outcome.commands},
             {"exit_code", outcome.exit_code}}
        );
        return outcome.exit_code;
    }
    fmt::print("{}\n", last_line(outcome, arguments.file));
    for (const auto& command : outcome.commands) {
        fmt::print("  {}\n", command);
    }
    return outcome.exit_code;
}

}  // namespace

void add_journal_handover(CLI::App& journal_verbs, int& exit_code) {
    const auto arguments = std::make_shared<Arguments>();
    auto* verb = journal_verbs.add_subcommand(
        "handover", "Prove that the tap's old sync loop is off, and switch the agent on"
    );
    add_journal_file(*verb, arguments->file, "The journal, adopted");
    verb->add_option(
        "--config", arguments->flags.config, "Settings (default /etc/tapline/agent.toml)"
    );
    verb->add_option("--state-dir", arguments->flags.state_dir, "Where key and certificate are");
    verb->add_option("--wait", arguments->wait_s, "Seconds to watch the test pour (default 45)")
        ->check(CLI::Range(std::int64_t{1}, longest_wait_s));
    verb->add_flag("--check", arguments->check_only, "Look and prove only; switch nothing on");
    verb->add_flag(
        "--unproven",
        arguments->unproven,
        "Switch on although it can't be told whether the loop is off"
    );
    verb->add_option("--root", arguments->root)->group("");  // a planted /proc and /etc, for tests
    verb->add_flag("--json", arguments->json, "One line of JSON");
    verb->footer(
        "Run it as root, while the tap's program runs and the agent doesn't. It writes a test "
        "pour\n"
        "(no beer, no money) and watches whether an old sync loop takes it; then it names the "
        "journal in\nagent.toml, makes the service run as the journal's owner, and enables it "
        "(docs/handover.md).\nDoing it again is harmless.\n"
        "Examples:\n"
        "  sudo tapline-agent journal handover --check /home/cybeer/rpi-controller/"
        "local_journal.db\n"
        "  sudo tapline-agent journal handover /home/cybeer/rpi-controller/local_journal.db\n"
        "Exit codes: 0 handed over, or all good with --check; 1 something is left for a person, 2 "
        "usage,\n3 refused, 5 the journal or the disk needs attention."
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return hand_over(*arguments); });
    });
}

}  // namespace tapline::cli
