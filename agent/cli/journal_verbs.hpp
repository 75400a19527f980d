// `tapline-agent journal …`: offline work on one journal file.
#pragma once

namespace CLI {
class App;
}

namespace tapline::cli {

/// Adds the subcommand `journal` with its verbs. A verb prints its own result and errors and sets
/// exit_code: 0 done or nothing to do, 1 `check` or `diff` found drift, 2 usage, 3 refused, 4 busy, 5 the
/// file needs a person. Both references must outlive the parsing.
void add_journal_verbs(CLI::App& app, int& exit_code);

}  // namespace tapline::cli
