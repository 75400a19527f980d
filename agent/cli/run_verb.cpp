#include "agent/cli/run_verb.hpp"

#include <cstdio>
#include <memory>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>

#include "agent/service/run.hpp"
#include "agent/service/settings.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

int run(const service::Flags& flags) {
    try {
        const auto environment = process_environment();
        const auto load = [&] { return service::load_settings(flags, environment, true); };
        start_logging("tapline-agent", load().log_level);
        return service::run(load, environment);
    } catch (const Error& failure) {
        fmt::print(stderr, "{}", render_error("tapline-agent", failure));
        return tapline::exit_code(failure.kind());
    }
}

}  // namespace

void add_run_verb(CLI::App& app, int& exit_code) {
    auto flags = std::make_shared<service::Flags>();
    auto* verb = app.add_subcommand("run", "Bring the pours of this machine's journals to central");
    verb->add_option("--config", flags->config, "Settings (default /etc/tapline/agent.toml)");
    verb->add_option("--journal", flags->journals, "A journal; several times for several");
    verb->add_option("--central", flags->central, "Where central is: https://HOST:PORT");
    verb->add_option("--name", flags->name, "This controller's name (default: the host's)");
    verb->add_option(
        "--tap-gate",
        flags->tap_gate,
        "custody: the tap goes on once the agent keeps a pour; ack: once central has it"
    );
    verb->add_option("--log-level", flags->log_level, "debug, info, warn or error");
    verb->add_option(
        "--status-file", flags->status_file, "What `status` reads; should be on a tmpfs"
    );
    verb->add_option("--state-dir", flags->state_dir, "Where key and certificate are kept");
    verb->add_option(
        "--retry-base-ms", flags->retry_base_ms, "First ceiling of the wait before a retry"
    );
    verb->add_option("--retry-cap-ms", flags->retry_cap_ms, "Largest ceiling of that wait");
    verb->add_option(
        "--first-retry-spread-s",
        flags->first_retry_spread_s,
        "Spread of the first retry after a session that worked"
    );
    verb->add_option(
        "--keep-days",
        flags->keep_days,
        "Days of running for which sent pours stay in the journal (30)"
    );
    verb->footer(
        "Example:\n  tapline-agent run --journal /var/lib/tap/journal.db --central "
        "https://central.example:8443\n"
        "Over https the certificate names this controller; get it with `tapline-agent enroll`.\n"
        "Settings may also stand in agent.toml or in variables (TAPLINE_JOURNAL, TAPLINE_CENTRAL, "
        "...);\n"
        "a flag counts more than a variable, a variable more than the file.\n"
        "Ends on SIGTERM within 5 s with 0, if it can after the batch on its way was answered and "
        "written\ndown. SIGHUP reads the settings again; ones that are no good are refused, in the "
        "log and in `status`.\n"
        "Central away, or a journal that isn't adopted, is missing or is somebody else's: it says "
        "so and\ngoes on trying; see `status`.\n"
        "Exit codes: 0 stopped, 2 usage or settings, 3 not enrolled, 5 a fault of this program."
    );
    verb->callback([flags, &exit_code] { exit_code = run(*flags); });
}

}  // namespace tapline::cli
