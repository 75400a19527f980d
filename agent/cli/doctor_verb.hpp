// `tapline-agent doctor`.
#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

void add_doctor_verb(CLI::App& app, int& exit_code);

}  // namespace tapline::cli
