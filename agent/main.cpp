// tapline-agent: brings the pours of a tap's journal to central, and looks after the journal.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>

#include "agent/cli/bundle_verb.hpp"
#include "agent/cli/doctor_verb.hpp"
#include "agent/cli/enroll_verb.hpp"
#include "agent/cli/journal_output.hpp"
#include "agent/cli/journal_verbs.hpp"
#include "agent/cli/record_verb.hpp"
#include "agent/cli/run_verb.hpp"
#include "agent/cli/status_verb.hpp"
#include "common/version.hpp"

namespace {

constexpr int failed = 1;

}  // namespace

int main(int argc, char** argv) {
    int exit_code = 0;
    CLI::App app("Brings the pours of this machine's journals to central.", "tapline-agent");
    app.set_version_flag("--version", std::string(tapline::version));
    app.require_subcommand(1);
    tapline::cli::add_run_verb(app, exit_code);
    tapline::cli::add_status_verb(app, exit_code);
    tapline::cli::add_doctor_verb(app, exit_code);
    tapline::cli::add_bundle_verb(app, exit_code);
    tapline::cli::add_record_verb(app, exit_code);
    tapline::cli::add_enroll_verb(app, exit_code);
    tapline::cli::add_journal_verbs(app, exit_code);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        return app.exit(success);
    } catch (const CLI::ParseError& error) {
        const std::vector<std::string_view> arguments(argv, argv + argc);
        const bool json =
            std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
        return tapline::cli::report_usage(json, error.what());
    } catch (const std::exception& error) {
        fmt::print(stderr, "tapline-agent: {}\n", error.what());
        return failed;
    }
    return exit_code;
}
