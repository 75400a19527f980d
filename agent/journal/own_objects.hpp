// tapline's own tables and triggers in a journal: what they are, and what they must be.
#pragma once

#include <map>
#include <string>

#include "agent/journal/database.hpp"

namespace tapline::journal {

/// "table tapline_hash" -> CREATE text in normal spelling (create_rules.hpp). The log isn't among
/// them: it belongs to no revision.
using ObjectMap = std::map<std::string, std::string>;

[[nodiscard]] ObjectMap own_objects(Database& database);

/// As a scratch database has them after the upgrade to `revision`. Throws not_found.
[[nodiscard]] ObjectMap expected_objects(const std::string& revision);

}  // namespace tapline::journal
