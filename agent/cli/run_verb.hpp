#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// `tapline-agent run`: serves until SIGTERM. Both references outlive the parsing.
void add_run_verb(CLI::App& app, int& exit_code);

}  // namespace tapline::cli
