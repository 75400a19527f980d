// enroll: this device gets its certificate.
#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

void add_enroll_verb(CLI::App& app, int& exit_code);

}  // namespace tapline::cli
