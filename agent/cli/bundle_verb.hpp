// `tapline-agent bundle`.
#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

void add_bundle_verb(CLI::App& app, int& exit_code);

}  // namespace tapline::cli
