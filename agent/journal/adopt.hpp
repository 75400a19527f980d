// Takes a journal of any known shape under tapline's care.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/journal/schema.hpp"
#include "common/pour.hpp"

namespace tapline::journal {

struct AdoptReport {
    std::string recognised;  ///< "gen5", "gen4+short_id,duration_ms", "j0001", "empty"
    std::string head;        ///< revision after: the highest that central is known to be ready for
    Seq adopted_through = 0;
    std::map<std::string, std::int64_t> rows;  ///< pours per status before
    std::optional<std::filesystem::path>
        backup;               ///< nullopt when there was nothing to change or keep
    std::vector<Extra> kept;  ///< a technician's additions, still there
    bool changed = false;     ///< false: it was adopted already
    std::int64_t steps = 0;   ///< transactions that moved rows; 0: it went in one
    std::chrono::milliseconds longest_lock{0};  ///< for which the tap's program couldn't write
    std::vector<Difference> findings;           ///< of registered statements (rehearse.hpp)
};

/// Runs as the file's owner (owner.hpp), while the tap's program may write. Order: inspection and
/// rehearsal on copies; lock; verified backup; WAL mode; one transaction. Refusals (FileError,
/// refused/"breaks_writer") leave every file as it was. A file that is missing or empty becomes a
/// journal at head.
AdoptReport adopt(const std::filesystem::path& file, const MigrateOptions& options = {});

struct MigrateReport {
    MigrateResult result;
    std::optional<std::filesystem::path> backup;  ///< nullopt when there was nothing to do
    std::vector<Difference> findings;             ///< of registered statements (rehearse.hpp)
};

/// upgrade and downgrade of a file: lock, inspection, rehearsal of an upgrade and backup as above,
/// then the verb. An adopted file is rehearsed on a VACUUM INTO copy. By what
/// central last said (central_word.hpp) they throw refused/"central_not_ready", "below_minimum".
MigrateReport migrate_file(
    const std::filesystem::path& file,
    revision::Direction direction,
    std::string_view target,
    const MigrateOptions& options = {}
);

/// stamp of a file, under its lock and as its owner. Without a backup: it writes a line of the log.
MigrateResult stamp_file(const std::filesystem::path& file, std::string_view target);

}  // namespace tapline::journal
