// The groups of checks, a concept a file; doctor.cpp puts them together.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "agent/doctor/doctor.hpp"

namespace tapline::doctor {

// The machine.
[[nodiscard]] Group memory_group(const Look& look);
[[nodiscard]] Group heat_and_power_group(const Look& look);
[[nodiscard]] Group clock_group(const Look& look);
[[nodiscard]] Group card_group(const Look& look);
[[nodiscard]] Group service_group(const Look& look);

// The way to central. central empty: none is set.
[[nodiscard]] Group network_group(const Look& look, const std::string& central);
[[nodiscard]] Group name_group(const std::string& central);
[[nodiscard]] Group identity_group(const service::Settings& settings);
[[nodiscard]] Group central_group(const service::Settings& settings);

/// Files of the journals' names elsewhere, which a tap's program may write to by mistake.
[[nodiscard]] Group stray_group(const Look& look, const std::vector<std::string>& journals);

// One journal.
[[nodiscard]] Group storage_group(const std::string& journal);
[[nodiscard]] Group wal_group(const Look& look, const std::string& journal);
[[nodiscard]] Group journal_group(const std::string& journal, std::chrono::seconds quick_check);
/// The SQLite of the tap's program, and who else has the journal open.
[[nodiscard]] Group writer_group(const Look& look, const std::string& journal);
/// The tap's program and what its old sync loop is set to.
[[nodiscard]] Group old_loop_group(
    const Look& look, const service::Settings& settings, const std::string& journal
);
/// Central's own word on this journal and this program.
[[nodiscard]] Group versions_group(const service::Settings& settings, const std::string& journal);

}  // namespace tapline::doctor
