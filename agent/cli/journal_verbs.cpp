#include "agent/cli/journal_verbs.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "agent/cli/journal_adopt.hpp"
#include "agent/cli/journal_diff.hpp"
#include "agent/cli/journal_export.hpp"
#include "agent/cli/journal_handover.hpp"
#include "agent/cli/journal_look.hpp"
#include "agent/cli/journal_migrate.hpp"
#include "agent/cli/journal_salvage.hpp"
#include "agent/cli/journal_stats.hpp"
#include "agent/cli/journal_tail.hpp"

namespace tapline::cli {

void add_journal_verbs(CLI::App& app, int& exit_code) {
    auto* verbs = app.add_subcommand(
        "journal", "Look at, adopt, upgrade or step down one journal file; needs no network"
    );
    verbs->require_subcommand(1);
    add_journal_adopt(*verbs, exit_code);
    add_journal_migrate(*verbs, exit_code);
    add_journal_look(*verbs, exit_code);
    add_journal_diff(*verbs, exit_code);
    add_journal_tail(*verbs, exit_code);
    add_journal_stats(*verbs, exit_code);
    add_journal_export(*verbs, exit_code);
    add_journal_salvage(*verbs, exit_code);
    add_journal_handover(*verbs, exit_code);
}

}  // namespace tapline::cli
