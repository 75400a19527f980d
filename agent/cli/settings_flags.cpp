#include "agent/cli/settings_flags.hpp"

#include <cstdio>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::cli {

namespace {

std::string refuse_empty(const std::string& name) {
    return name.empty() ? "names no file; is a variable empty?" : "";
}

}  // namespace

void add_journal_file(CLI::App& verb, std::string& file, const std::string& about) {
    verb.add_option("file", file, about)->required()->check(refuse_empty);
}

void add_settings_flags(CLI::App& verb, service::Flags& flags) {
    verb.add_option("--journal", flags.journals, "A journal (default: those of the settings)")
        ->check(refuse_empty);
    verb.add_option("--config", flags.config, "Settings (default /etc/tapline/agent.toml)");
    verb.add_option("--central", flags.central, "Where central is, as for `run`");
    verb.add_option("--name", flags.name, "This controller's name, as for `run`");
    verb.add_option("--state-dir", flags.state_dir, "Where key and certificate are");
}

service::Settings settings_with_warnings(const service::Flags& flags) {
    auto [settings, troubles] = service::readable_settings(flags, process_environment());
    for (const auto& trouble : troubles) {
        fmt::print(stderr, "{}", render_error("tapline-agent", trouble));
    }
    return settings;
}

}  // namespace tapline::cli
