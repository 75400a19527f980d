#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// `tapline-agent journal adopt FILE`
void add_journal_adopt(CLI::App& journal_verbs, int& exit_code);

}  // namespace tapline::cli
