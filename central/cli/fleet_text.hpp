// What fleet, fleet compat, hold and a refused contract or hold print. Pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "central/compat/blockers.hpp"
#include "central/hold/hold.hpp"

namespace tapline::cli {

[[nodiscard]] nlohmann::ordered_json blockers_json(const std::vector<compat::Blocker>& blockers);
/// A line each; empty for none.
[[nodiscard]] std::string blockers_text(const std::vector<compat::Blocker>& blockers);
[[nodiscard]] nlohmann::ordered_json keepers_json(const std::vector<hold::Keeper>& keepers);

}  // namespace tapline::cli
