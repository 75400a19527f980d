// A journal goes from the tap's old sync loop to the agent: what there is, the proof that the loop
// is off, and the switch.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "agent/doctor/check.hpp"
#include "agent/doctor/look.hpp"
#include "agent/service/settings.hpp"
#include "common/config.hpp"

namespace tapline::handover {

inline constexpr std::chrono::seconds usual_wait{45};

struct Order {
    std::string journal;
    service::Flags flags;  ///< config and state_dir count
    Environment environment;
    doctor::Look look;
    std::chrono::seconds wait = usual_wait;
    bool check_only = false;
    /// Switches on although nothing proves that the loop is off; never when it was seen.
    bool unproven = false;
};

struct Outcome {
    doctor::Report checks;
    /// handed_over, already_handed_over, checked | old_loop_runs, old_loop_unknown, not_ready,
    /// no_systemd, not_switched_on | locked | damaged
    std::string code;
    std::vector<std::string> commands;  ///< what a person types where there is no systemd
    int exit_code = 0;                  ///< 0 | 1 | 3 | 5
};

/// What stays the same whether it is done once or twice, or was killed in between. `tell` hears
/// each check as it is known; `waits` is called before the watch, in which the tap refuses to pour.
/// Throws refused/"not_root", and usage/"config" for an agent.toml that can't be read.
[[nodiscard]] Outcome hand_over(
    const Order& order, const doctor::Tell& tell, const std::function<void()>& waits
);

}  // namespace tapline::handover
