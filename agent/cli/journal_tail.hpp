#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// `journal tail` and `journal show`: single pours. Both references outlive the parsing.
void add_journal_tail(CLI::App& journal_verbs, int& exit_code);

}  // namespace tapline::cli
