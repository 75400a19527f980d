#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// `tapline-agent journal diff EXPECTED LIVE`; exit code 1 when they differ.
void add_journal_diff(CLI::App& journal_verbs, int& exit_code);

}  // namespace tapline::cli
