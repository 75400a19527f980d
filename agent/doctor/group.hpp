// Checks that belong together, looked at in a process of their own with a limit in time: a file
// system, a name server or a library that doesn't answer keeps nobody from hearing the rest.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/doctor/check.hpp"

namespace tapline::doctor {

struct Group {
    std::vector<std::string_view> ids;  ///< all that it tells, in the order of the report
    std::string subject;                ///< the journal; empty: the machine
    std::chrono::milliseconds limit{2'000};
    /// Runs in a child process, so it may become another user. An Error that it throws is the
    /// verdict `fail` of the first id that it hasn't told, with the error's hint.
    std::function<void(const Tell& tell)> look;
    /// What the first id that isn't told in time means: the limit may be a finding of its own.
    Verdict late = Verdict::unknown;
    std::string late_advice = {};
    /// Of the machine or of the same subject: unless all of these are ok, it isn't looked at.
    std::vector<std::string_view> needs = {};
};

/// One check for each id, whatever happens. `before`: what was found so far. The child is killed at
/// the limit, or at `end` when that comes first; one that the kernel doesn't let die is left
/// behind. At most 64 KiB of words.
[[nodiscard]] Report look_at(
    const Group& group, const Report& before, std::chrono::steady_clock::time_point end
);

}  // namespace tapline::doctor
