// The agents that run on this machine, by their own words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/service/status_json.hpp"
#include "common/config.hpp"

namespace tapline::service {

/// status_file empty: wherever agents write one; only those that live.
[[nodiscard]] std::vector<AgentStatus> living_agents(
    const std::string& status_file, const Environment& environment
);

struct ServedBy {
    std::int64_t pid = 0;
    sync::SyncStatus journal;
};

/// Who of them serves this file, by whatever name; nullopt: nobody.
[[nodiscard]] std::optional<ServedBy> served_by(
    const std::vector<AgentStatus>& agents, const std::string& file
);

}  // namespace tapline::service
