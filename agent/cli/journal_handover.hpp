#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// `tapline-agent journal handover`. Both references outlive the parsing.
void add_journal_handover(CLI::App& journal_verbs, int& exit_code);

}  // namespace tapline::cli
