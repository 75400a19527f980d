#include "agent/cli/doctor_verb.hpp"

#include <memory>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <nlohmann/json.hpp>

#include "agent/cli/check_output.hpp"
#include "agent/cli/doctor_bench.hpp"
#include "agent/cli/journal_output.hpp"
#include "agent/cli/settings_flags.hpp"
#include "agent/doctor/doctor.hpp"

namespace tapline::cli {

namespace {

constexpr std::int64_t longest_s = 3'600;

struct Arguments {
    service::Flags flags;
    std::string root = "/";
    std::int64_t time_limit_s = doctor::usual_time_limit.count();
    std::int64_t quick_check_s = doctor::usual_quick_check.count();
    bool json = false;
};

void print(const doctor::Report& report) {
    std::string subject;
    for (const auto& check : report) {
        print_check(check, subject);
    }
}

int examine(const Arguments& arguments) {
    const auto report = doctor::examine(
        {doctor::Look(arguments.root),
         arguments.flags,
         process_environment(),
         std::chrono::seconds(arguments.time_limit_s),
         std::chrono::seconds(arguments.quick_check_s)}
    );
    const int code = doctor::exit_code(report);
    if (!arguments.json) {
        print(report);
        return code;
    }
    print_json({{"checks", to_json(report)}, {"exit_code", code}});
    return code;
}

}  // namespace

void add_doctor_verb(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb = app.add_subcommand("doctor", "What is wrong with this machine, and what to do");
    add_settings_flags(*verb, arguments->flags);
    verb->add_option("--time-limit", arguments->time_limit_s, "Seconds for all of it (default 60)")
        ->check(CLI::Range(std::int64_t{1}, longest_s));
    verb->add_option(
            "--quick-check",
            arguments->quick_check_s,
            "Seconds for a journal's integrity (default 4)"
    )
        ->check(CLI::Range(std::int64_t{0}, longest_s));
    verb->add_option("--root", arguments->root)->group("");  // a planted /proc and /sys, for tests
    verb->add_flag("--json", arguments->json, "One line of JSON");
    verb->footer(
        "Works without the agent and without a network; changes nothing here. Root sees most.\n"
        "What doesn't answer in its time is told as `unknown`, or as what it means.\n"
        "Example:\n  sudo tapline-agent doctor --journal /var/lib/tap/journal.db\n"
        "Exit codes: 0 healthy, 1 a warning, 2 usage, 5 something has failed."
    );
    add_doctor_bench(*verb, exit_code);
    verb->callback([arguments, verb, &exit_code] {
        if (!verb->get_subcommands().empty()) {
            return;
        }
        exit_code = run_verb(arguments->json, [&] { return examine(*arguments); });
    });
}

}  // namespace tapline::cli
