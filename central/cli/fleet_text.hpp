// What fleet, fleet compat and a refused contract print. Pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "central/compat/blockers.hpp"

namespace tapline::cli {

[[nodiscard]] nlohmann::ordered_json blockers_json(const std::vector<compat::Blocker>& blockers);
/// A line each; empty for none.
[[nodiscard]] std::string blockers_text(const std::vector<compat::Blocker>& blockers);

}  // namespace tapline::cli
