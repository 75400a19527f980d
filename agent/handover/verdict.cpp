#include "agent/handover/verdict.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.hpp"

namespace tapline::handover {

namespace {

using doctor::Check;
using doctor::TapProgram;
using doctor::Verdict;
using journal::WriterRelease;

constexpr const char* by_the_program =
    "either change its program, so that it doesn't start its sync thread, or let the old server "
    "answer 410 to POST /api/sync/pours. SERVER_URL has to stay: cards are authorised there.";

std::string names(const std::vector<TapProgram>& programs) {
    std::string text;
    for (const auto& program : programs) {
        text += (text.empty() ? "" : "; ") + describe(program);
    }
    return text;
}

std::string seconds(std::chrono::milliseconds time) {
    return fmt::format("{:.1f} s", static_cast<double>(time.count()) / 1000);
}

/// Its environment counts more than the file, so a value there is changed there.
std::string set_and_restart(const TapProgram& program) {
    const bool by_environment =
        program.settings.interval && program.settings.interval->from != program.settings.file;
    if (program.unit.empty()) {
        return fmt::format(
            "end process {} and start it again with {} before its command (or in what starts it)",
            program.pid,
            doctor::switched_off
        );
    }
    const auto where =
        by_environment
            ? fmt::format(
                  "set {} where {} has it now (systemctl cat {})",
                  doctor::switched_off,
                  program.unit,
                  program.unit
              )
            : fmt::format("write {} into {}", doctor::switched_off, program.settings.file);
    return fmt::format("{}, then: sudo systemctl restart {}", where, program.unit);
}

/// The least time after which a loop that runs has shown itself.
std::chrono::milliseconds enough(const std::vector<TapProgram>& programs) {
    std::chrono::seconds round = usual_round;
    for (const auto& program : programs) {
        const auto interval = doctor::interval_of(program.settings);
        if (interval && *interval < doctor::long_interval) {
            round = std::max(round, *interval);
        }
    }
    return round + post_time_out;
}

std::string server_of(const std::vector<TapProgram>& programs) {
    for (const auto& program : programs) {
        if (program.settings.server) {
            return printable(program.settings.server->value, 150);
        }
    }
    return {};
}

Check unknown(const std::string& measured, const std::string& what_to_do) {
    return {"old_loop", Verdict::unknown, measured, what_to_do, ""};
}

Check found_running(const Evidence& evidence) {
    const auto& mark = *evidence.mark;
    const auto what =
        mark.status == "new"
            ? fmt::format("attempts of pour {} rose by {}", mark.seq, mark.attempts)
            : fmt::format("pour {} was marked `{}`", mark.seq, printable(mark.status, 40));
    return {
        "old_loop",
        Verdict::fail,
        fmt::format(
            "it runs: {} after {}{}, not by tapline",
            what,
            seconds(evidence.watched),
            mark.seq == evidence.bait ? " (the test pour)" : ""
        ),
        how_to_switch_off(evidence.programs, evidence.release),
        ""};
}

}  // namespace

std::string how_to_switch_off(const std::vector<TapProgram>& programs, WriterRelease release) {
    std::string settings;
    for (const auto& program : programs) {
        settings += (settings.empty() ? "" : "; and ") + set_and_restart(program);
    }
    if (programs.empty()) {
        settings = fmt::format(
            "find the program that writes to this journal and start it with {}",
            doctor::switched_off
        );
    }
    switch (release) {
        case WriterRelease::honours_settings:
            return fmt::format("Its newest pour is of a release that has a setting: {}.", settings);
        case WriterRelease::before_settings:
            return fmt::format(
                "Its newest pour is of a release before 2026-02-25, which syncs every 10 s "
                "whatever "
                "is set: {}",
                by_the_program
            );
        case WriterRelease::around_settings:
        case WriterRelease::unknown:
            return fmt::format(
                "Releases from 2026-02-26 on have a setting: {}; and ask again. If it goes on, it "
                "is an older one: {}",
                settings,
                by_the_program
            );
    }
    return settings;
}

Check judge(const Evidence& evidence) {
    if (evidence.mark) {
        return found_running(evidence);
    }
    const auto quiet = fmt::format("nobody marked the test pour in {}", seconds(evidence.watched));
    if (evidence.programs.empty()) {
        return unknown(
            quiet + ", but no program of a tap is seen here",
            "Start the tap's program and ask again. Run it as root: others see only their own "
            "processes."
        );
    }
    const auto server = server_of(evidence.programs);
    switch (evidence.server) {
        case OldServer::not_known:
            return unknown(
                quiet +
                    ", but no SERVER_URL is set where it shows: a loop that doesn't reach its "
                    "server marks nothing",
                "To be sure: " + how_to_switch_off(evidence.programs, evidence.release) +
                    " Then --unproven switches on."
            );
        case OldServer::silent:
            return unknown(
                fmt::format(
                    "{}, but {} doesn't answer, and a loop that doesn't reach it marks nothing",
                    quiet,
                    server
                ),
                "Ask again when it answers. If it is gone for good: " +
                    how_to_switch_off(evidence.programs, evidence.release) +
                    " Then --unproven switches on."
            );
        case OldServer::answers:
            break;
    }
    const auto least = enough(evidence.programs);
    if (evidence.watched < least) {
        return unknown(
            fmt::format("{}, but a round may take {}", quiet, seconds(least)),
            fmt::format(
                "Ask again with --wait {}.", std::chrono::ceil<std::chrono::seconds>(least).count()
            )
        );
    }
    return {
        "old_loop",
        Verdict::ok,
        fmt::format(
            "off: {} while {} ran and {} answered", quiet, names(evidence.programs), server
        ),
        "",
        ""};
}

}  // namespace tapline::handover
