// The steps that give a journal to tapline-agent.service.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/doctor/check.hpp"
#include "agent/doctor/look.hpp"
#include "common/config.hpp"

namespace tapline::handover {

struct SwitchOn {
    doctor::Look look;              ///< systemd's files and systemctl are under its root
    std::filesystem::path journal;  ///< its real path
    std::filesystem::path config;   ///< agent.toml
    std::string status_file;        ///< of the settings; empty: wherever agents write it
    Environment environment;
};

/// sd_booted(3).
[[nodiscard]] bool has_systemd(const doctor::Look& look);

/// `drop_in`, `agent_settings`, `service_enabled`, `serving`: each one ok when it is done or was so
/// already; the first one that isn't ends it and the rest is `skip`. Each file is whole or the old
/// one. `tell` hears each as it comes. At most 2 min for systemctl and 30 s until the agent says
/// that it serves the journal.
[[nodiscard]] doctor::Report switch_on(const SwitchOn& order, const doctor::Tell& tell);

/// The same as commands for a person.
[[nodiscard]] std::vector<std::string> commands_for(const SwitchOn& order);

/// Nothing of what switch_on does is left to do.
[[nodiscard]] bool is_on(const SwitchOn& order);

}  // namespace tapline::handover
