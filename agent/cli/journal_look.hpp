#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// `tapline-agent journal current|history|check FILE`
void add_journal_look(CLI::App& journal_verbs, int& exit_code);

}  // namespace tapline::cli
