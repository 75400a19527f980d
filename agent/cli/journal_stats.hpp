#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// `journal stats` and `journal schema`. Both references outlive the parsing.
void add_journal_stats(CLI::App& journal_verbs, int& exit_code);

}  // namespace tapline::cli
