// What one journal's synchronisation is doing, for people and for the status file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/sync/room.hpp"
#include "common/clock.hpp"
#include "common/pour.hpp"

namespace tapline::sync {

enum class SyncState {
    starting,
    missing,        ///< the file isn't there yet
    not_adopted,    ///< no journal of ours yet: a technician adopts it
    refused,        ///< another owner, another agent, a shape that this program doesn't run
    storage_error,  ///< disk full, a card that doesn't answer
    damaged,        ///< the file contradicts itself and hasn't been mended yet
    away,           ///< central doesn't answer, or answers that it can't now
    held,           ///< central asked its agents to keep their pours
    sending,
    idle,  ///< everything is acked
    fork,
    upgrade,  ///< central speaks another protocol
    waiting,  ///< an operator has to act at central
};

[[nodiscard]] std::string_view name_of(SyncState state) noexcept;
/// One sentence for the technician; empty when there is nothing to do.
[[nodiscard]] std::string_view what_to_do(SyncState state) noexcept;
/// 0 all is well, 4 central can't be reached, 5 somebody has to act.
[[nodiscard]] int exit_code_of(SyncState state) noexcept;
/// nullopt for a name that this version doesn't know.
[[nodiscard]] std::optional<SyncState> state_named(std::string_view name) noexcept;

struct SyncStatus {
    std::string file;
    SyncState state = SyncState::starting;
    std::string journal_id;
    std::int64_t epoch = 0;
    std::string revision;
    Seq acked_through = 0;
    Seq max_seq = 0;
    std::int64_t depth = 0;  ///< pours not acked, as of the last count
    std::optional<std::string> oldest_recorded_at;
    std::int64_t wal_pages = 0;
    std::int64_t free_bytes = 0;
    Room room = Room::ample;
    std::optional<std::int64_t> days_left;  ///< of room for pours; nullopt: not known yet
    Seq pruned_through = 0;
    std::int64_t acked_pours = 0;  ///< since the start of this process
    std::int64_t quarantined_pours = 0;
    std::optional<UtcTime> last_ack;
    std::optional<UtcTime> last_error_at;
    std::string last_error;
    std::string hint;         ///< of the last error
    std::string hold_reason;  ///< central's words
    std::optional<UtcTime> next_try;
};

}  // namespace tapline::sync
