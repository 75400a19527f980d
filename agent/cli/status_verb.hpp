#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// `tapline-agent status`: from the files, and from the running agent when there is one.
void add_status_verb(CLI::App& app, int& exit_code);

}  // namespace tapline::cli
