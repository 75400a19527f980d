// The sync loop that the tap's program had before tapline, as far as it shows without a try: the
// program's own settings. The try is `journal handover --check`.
#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "agent/doctor/tap_program.hpp"
#include "agent/journal/owner.hpp"
#include "agent/service/living.hpp"

namespace tapline::doctor {

namespace {

constexpr std::chrono::seconds limit{3};

Check programs_check(const std::vector<TapProgram>& programs) {
    Check check{"tap_program", Verdict::ok, "", "", ""};
    for (const auto& program : programs) {
        check.measured += (check.measured.empty() ? "" : "; ") + describe(program);
    }
    if (programs.empty()) {
        check.verdict = Verdict::skip;
        check.measured = "none is seen";
    }
    return check;
}

/// The settings of each; the first one whose loop would run, when an agent serves the journal.
Check settings_check(
    const std::vector<TapProgram>& programs, bool served, const std::string& journal
) {
    Check check{"old_loop_settings", Verdict::ok, "", "", ""};
    for (const auto& program : programs) {
        check.measured += fmt::format(
            "{}process {}: {}",
            check.measured.empty() ? "" : "; ",
            program.pid,
            describe(program.settings)
        );
        const auto interval = interval_of(program.settings);
        const bool off = interval && *interval >= long_interval;
        if (served && !off && check.verdict == Verdict::ok) {
            check.verdict = Verdict::warn;
            check.what_to_do = fmt::format(
                "Its old sync loop may run beside the agent: set {} for process {}, then restart "
                "it. The proof: stop the agent, tapline-agent journal handover {} --check, start "
                "the agent.",
                switched_off,
                program.pid,
                journal
            );
        }
    }
    return check;
}

void look_at_loop(
    const Look& look,
    const service::Settings& settings,
    const std::string& journal,
    const Tell& tell
) {
    const auto programs = find_tap_programs(look, journal::real_journal_path(journal));
    tell(programs_check(programs));
    if (programs.empty()) {
        return;
    }
    const auto agents = service::living_agents(settings.status_file, process_environment());
    tell(settings_check(programs, service::served_by(agents, journal).has_value(), journal));
}

}  // namespace

Group old_loop_group(
    const Look& look, const service::Settings& settings, const std::string& journal
) {
    Group group;
    group.ids = {"tap_program", "old_loop_settings"};
    group.subject = journal;
    group.limit = limit;
    group.needs = {"journal_file"};
    group.look = [look, settings, journal](const Tell& tell) {
        look_at_loop(look, settings, journal, tell);
    };
    return group;
}

}  // namespace tapline::doctor
