#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// `journal export`. Both references outlive the parsing.
void add_journal_export(CLI::App& journal_verbs, int& exit_code);

}  // namespace tapline::cli
