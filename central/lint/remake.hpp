// What a statement makes, by the name under which a statement before it may have taken it away.
#pragma once

#include <string>
#include <vector>

#include "central/lint/node.hpp"

namespace tapline::lint {

/// "relation v", "function f", "trigger t on pours", "constraint c on pours", "index i",
/// "setting lock_timeout" for a RESET: DROP and CREATE in one transaction change something, they
/// don't take it away.
[[nodiscard]] std::vector<std::string> remade_by(Node statement);

}  // namespace tapline::lint
