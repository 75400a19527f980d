// Where journal, central and identity are, for verbs that look at all of them as `run` does.
#pragma once

#include <string>

#include "agent/service/settings.hpp"

namespace CLI {
class App;
}

namespace tapline::cli {

/// The verb's positional journal; an empty name is a mistake of a script, not a file.
void add_journal_file(CLI::App& verb, std::string& file, const std::string& about = "The journal");

/// --journal, --config, --central, --name, --state-dir. `flags` outlives the verb.
void add_settings_flags(CLI::App& verb, service::Flags& flags);

/// What can be read of them; the rest is told on stderr.
[[nodiscard]] service::Settings settings_with_warnings(const service::Flags& flags);

}  // namespace tapline::cli
