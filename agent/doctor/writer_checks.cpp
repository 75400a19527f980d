// The SQLite of the tap's program, and whoever else writes to the journal.
#include <algorithm>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "agent/doctor/tap_program.hpp"
#include "agent/doctor/writer_sqlite.hpp"
#include "agent/journal/owner.hpp"
#include "common/log.hpp"

namespace tapline::doctor {

namespace {

constexpr std::chrono::seconds limit{3};

/// The agent's checkpoints keep out of the writer's way (journal/checkpoint.hpp), so an old version
/// alone is no danger; beside another program that checkpoints it is.
Check sqlite_check(const Look& look, const std::vector<TapProgram>& programs, bool others) {
    Check check{"writer_sqlite", Verdict::ok, "", "", ""};
    for (const auto& program : programs) {
        const auto mapped = mapped_sqlite(look, program.pid);
        if (!mapped) {
            continue;
        }
        const bool told = !mapped->version.empty();
        const bool bug = told && has_reset_bug(mapped->version);
        check.verdict = std::max(check.verdict, told ? Verdict::ok : Verdict::unknown);
        check.measured += fmt::format(
            "{}process {}: {} ({}){}",
            check.measured.empty() ? "" : "; ",
            program.pid,
            told ? "SQLite " + mapped->version : "version not told",
            printable(mapped->file, 200),
            bug ? ", before the fix of the WAL-reset bug; the agent works round it" : ""
        );
        if (bug && others) {
            check.verdict = Verdict::warn;
            check.what_to_do =
                "Two programs that checkpoint can lose pours under that SQLite: see "
                "other_programs, and leave one of them.";
        }
    }
    if (check.measured.empty()) {
        check.verdict = Verdict::skip;
        check.measured = "no process with SQLite is seen";
    }
    return check;
}

/// The tap's program is one process; a second one that holds the journal is a shell somebody
/// forgot, or a forwarder that changes `status`, too.
Check others_check(const std::vector<TapProgram>& programs) {
    Check check{"other_programs", Verdict::ok, "none", "", ""};
    std::string names;
    for (const auto& program : programs) {
        if (program.opened && program.unit != tap_unit) {
            names += (names.empty() ? "" : "; ") + describe(program);
        }
    }
    const auto open = std::count_if(programs.begin(), programs.end(), [](const auto& program) {
        return program.opened;
    });
    const bool alone = programs.size() < 2 || open == 0 || names.empty();
    if (alone) {
        return check;
    }
    check.verdict = Verdict::warn;
    check.measured = "beside the tap's program the journal is open in " + names;
    check.what_to_do =
        "End what isn't the tap's program: a forgotten sqlite3 shell, or another forwarder, which "
        "would change `status` too (journal handover --check tells).";
    return check;
}

void look_at_writers(const Look& look, const std::string& journal, const Tell& tell) {
    const auto programs = find_tap_programs(look, journal::real_journal_path(journal));
    const auto others = others_check(programs);
    tell(sqlite_check(look, programs, others.verdict == Verdict::warn));
    tell(others);
}

}  // namespace

Group writer_group(const Look& look, const std::string& journal) {
    Group group;
    group.ids = {"writer_sqlite", "other_programs"};
    group.subject = journal;
    group.limit = limit;
    group.needs = {"journal_file"};
    group.look = [look, journal](const Tell& tell) { look_at_writers(look, journal, tell); };
    return group;
}

}  // namespace tapline::doctor
