// The form of the status file, written by `run` and read by `status`.
#pragma once

#include <string>
#include <vector>

#include "agent/service/wear.hpp"
#include "agent/sync/sync_status.hpp"

namespace tapline::service {

struct AgentStatus {
    std::int64_t pid = 0;
    std::string version;
    std::string name;
    std::string central;
    std::string certificate_until;  ///< UTC; empty without TLS
    std::string written_at;         ///< UTC
    std::string refused_settings;   ///< why a reload kept the old ones; empty: it didn't
    WearFigures wear;
    std::vector<sync::SyncStatus> journals;
};

[[nodiscard]] std::string encode(const AgentStatus& status);
/// nullopt when it isn't one; a reader may meet it half-written.
[[nodiscard]] std::optional<AgentStatus> decode_status(const std::string& text);

}  // namespace tapline::service
