// `tapline-agent doctor bench`.
#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

void add_doctor_bench(CLI::App& doctor, int& exit_code);

}  // namespace tapline::cli
