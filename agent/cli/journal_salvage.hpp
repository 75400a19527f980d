#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// `journal salvage FILE`. Both references outlive the parsing.
void add_journal_salvage(CLI::App& journal_verbs, int& exit_code);

}  // namespace tapline::cli
