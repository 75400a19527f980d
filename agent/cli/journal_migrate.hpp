#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// `tapline-agent journal upgrade|downgrade|stamp FILE REVISION`
void add_journal_migrate(CLI::App& journal_verbs, int& exit_code);

}  // namespace tapline::cli
