// What is wrong with this tap's machine, and what a technician does about it. Works without the
// daemon and without a network; nothing is changed.
#pragma once

#include <chrono>

#include "agent/doctor/group.hpp"
#include "agent/doctor/look.hpp"
#include "agent/service/settings.hpp"
#include "common/config.hpp"

namespace tapline::doctor {

inline constexpr std::chrono::seconds usual_time_limit{60};
inline constexpr std::chrono::seconds usual_quick_check{4};

struct Scope {
    Look look;
    service::Flags flags;  ///< journals empty: those of the settings
    Environment environment;
    std::chrono::seconds time_limit = usual_time_limit;    ///< of all checks together
    std::chrono::seconds quick_check = usual_quick_check;  ///< of one journal's integrity
};

/// Always the same checks in the same order, those of a journal once for each; what can't be looked
/// at is there too, as `skip` or `unknown`. Each group of checks runs in a process of its own,
/// which as root becomes the owner of the journal that it opens; so journals may belong to several
/// users, and a card that doesn't answer holds up nothing but the checks of it.
[[nodiscard]] Report examine(const Scope& scope);

/// By the worst verdict: 0 ok, skip or unknown; 1 warn; 5 fail.
[[nodiscard]] int exit_code(const Report& report) noexcept;

}  // namespace tapline::doctor
