// What a reader needs to judge figures by.
#pragma once

#include <filesystem>

#include <nlohmann/json_fwd.hpp>

namespace tapline::bench {

/// Cores, kernel, load before the run, versions of SQLite and of PostgreSQL's programs, how the
/// programs were compiled as far as it shows, the work directory's file system and what a synced
/// write costs there.
[[nodiscard]] nlohmann::ordered_json machine_facts(
    const std::filesystem::path& work_directory, const std::filesystem::path& programs
);

}  // namespace tapline::bench
