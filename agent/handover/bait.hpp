// The proof that the old sync loop is off: a test pour that it would take, watched for a while.
#pragma once

#include <chrono>
#include <string>

#include "agent/doctor/group.hpp"
#include "agent/doctor/look.hpp"

namespace tapline::handover {

struct Trial {
    std::string journal;
    doctor::Look look;
    std::chrono::seconds wait{};
};

/// `lock` and `old_loop`. Becomes the journal's owner and takes the agent's lock, so that nobody
/// but a loop changes a pour's marks. The test pour is `new` as long as it is watched, because that
/// is the one status which a loop takes; a tap of the releases since 2026-02-25 refuses to pour
/// meanwhile. So the watch ends with the first mark, or when the parent process does, and then the
/// pour is `held` at once.
[[nodiscard]] doctor::Group trial_group(const Trial& trial);

/// Test pours that a killed trial left `new` become `held`; tells nothing.
[[nodiscard]] doctor::Group clean_up_group(const std::string& journal);

}  // namespace tapline::handover
