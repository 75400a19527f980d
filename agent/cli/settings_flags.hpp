// Where journal, central and identity are, for verbs that look at all of them as `run` does.
#pragma once

#include "agent/service/settings.hpp"

namespace CLI {
class App;
}

namespace tapline::cli {

/// --journal, --config, --central, --name, --state-dir. `flags` outlives the verb.
void add_settings_flags(CLI::App& verb, service::Flags& flags);

/// What can be read of them; the rest is told on stderr.
[[nodiscard]] service::Settings settings_with_warnings(const service::Flags& flags);

}  // namespace tapline::cli
