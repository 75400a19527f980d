// What the try says about the old sync loop, and how it is switched off on this very machine. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "agent/doctor/check.hpp"
#include "agent/doctor/tap_program.hpp"
#include "agent/journal/writer_marks.hpp"

namespace tapline::handover {

/// A round of the loop, where no setting says otherwise: 10 s in the old releases, 15 s later.
inline constexpr std::chrono::seconds usual_round{15};
/// The loop waits so long for its server.
inline constexpr std::chrono::seconds post_time_out{10};

enum class OldServer {
    answers,    ///< takes connections: a loop that runs has marked the test pour
    silent,     ///< it doesn't: a loop that runs marks nothing
    not_known,  ///< no address is set where we can see it
};

struct Evidence {
    std::vector<doctor::TapProgram> programs;
    journal::WriterRelease release = journal::WriterRelease::unknown;
    OldServer server = OldServer::not_known;
    Seq bait = 0;
    std::optional<journal::Mark> mark;  ///< by somebody else
    std::chrono::milliseconds watched{};
};

/// The check `old_loop`: fail when somebody marked a pour; ok when a loop that runs would have;
/// else unknown, and why.
[[nodiscard]] doctor::Check judge(const Evidence& evidence);

/// Where to set what, and what to restart.
[[nodiscard]] std::string how_to_switch_off(
    const std::vector<doctor::TapProgram>& programs, journal::WriterRelease release
);

}  // namespace tapline::handover
