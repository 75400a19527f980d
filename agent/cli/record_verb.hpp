// `tapline-agent record`.
#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

void add_record_verb(CLI::App& app, int& exit_code);

}  // namespace tapline::cli
