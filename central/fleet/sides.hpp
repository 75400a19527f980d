// The devices that show a journal, as the database remembers them (t0007).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "central/fleet/liveness.hpp"
#include "central/pg/session.hpp"
#include "common/pour.hpp"

namespace tapline::fleet {

/// tapline.setting fork.alive_s: a device that wasn't heard for so long is gone. Three heartbeats.
inline constexpr std::int64_t default_alive_s = 180;
/// Of one journal and controller; those heard last stay. Another controller can't push them out.
inline constexpr std::int64_t max_sides = 20;

/// What a device says of itself and of its copy of the journal.
struct Sighting {
    std::string controller;
    std::string journal_id;
    std::int64_t epoch = 1;
    std::string fingerprint;
    std::string boot_id;
    Seq acked = 0;
    Seq max_seq = 0;
    std::int64_t depth = 0;
    std::string revision;  ///< empty: it didn't say; then what it said before stays
    std::string oldest_unacked_revision;
};

struct Sides {
    Side self;
    std::vector<Side> others;  ///< of the same controller
    std::chrono::milliseconds window{};
    std::string verdict;  ///< "chosen", "refused" or "": what an operator decided on this device
};

/// Writes the sighting down and tells who else was here. Within the caller's transaction, which
/// holds the journal's row.
[[nodiscard]] Sides note_side(pg::Session& session, const Sighting& sighting);

/// Whether two are alive at once, written into tapline.journal: settling asks there.
[[nodiscard]] Liveness update_contest(
    pg::Session& session, const std::string& journal_id, const Sides& sides, bool contested
);

}  // namespace tapline::fleet
