// How far a journal may be pruned: through the cursor that a verified backup holds. The cursors are
// written down before the backup is taken, so that whatever it holds is at least that much.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::fleet {

/// Announcements older than this are forgotten with the next one.
inline constexpr int backup_days = 400;

struct BegunBackup {
    std::string id;
    std::int64_t journals = 0;  ///< epochs whose cursor was written down
};

/// Durable when it returns. The dump must begin after that.
[[nodiscard]] BegunBackup begin_backup(
    pg::Session& session, const std::string& note, const std::string& who
);

/// Moves prunable_through of each epoch to what the backup holds: never past its cursor, never
/// back. Returns how many moved. Error{usage, "unknown_backup"}.
[[nodiscard]] std::int64_t mark_backup_verified(
    pg::Session& session, const std::string& id, const std::string& who
);

struct ListedBackup {
    std::string id;
    std::string begun_at;
    std::string begun_by;
    std::string note;
    std::string verified_at;  ///< "" until then
    std::string verified_by;
    std::int64_t journals = 0;
};

/// The newest first, at most 100.
[[nodiscard]] std::vector<ListedBackup> list_backups(pg::Session& session);

}  // namespace tapline::fleet
