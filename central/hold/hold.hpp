// A hold: central takes no pours for a while, and no tap loses one. The row in tapline.hold is the
// hold; every settling transaction of every instance asks for it after taking the shared side of
// the hold's advisory lock, so that the exclusive side, once had, means that nothing is under way.
//
// Errors besides pg::Session's:
//   refused/"hold_open"       there is one already
//   refused/"no_space"        a controller would run out of room before the end: NoSpace
//   refused/"not_drained"     settling didn't come to an end within the limit; the hold stands
//   refused/"role_not_frozen" the role is our own, a superuser, or isn't there
//   refused/"no_hold"         there is none to close
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "central/pg/session.hpp"
#include "common/error.hpp"

namespace tapline::hold {

inline constexpr std::chrono::seconds longest{24 * 3'600};
inline constexpr std::chrono::seconds longest_spread{3'600};
inline constexpr std::chrono::seconds drain_limit{60};
inline constexpr std::chrono::seconds away_after{600};  ///< ten heartbeats

struct OpenOptions {
    std::string reason;
    std::chrono::seconds length{1'800};
    std::chrono::seconds spread{120};  ///< over which the journals come back after the end
    std::string freeze_role;           ///< empty: none
    bool despite_space = false;
    std::string who;
};

/// One journal, as its controller last reported.
struct Keeper {
    std::string controller;
    std::string journal;
    std::int64_t depth = 0;                      ///< pours not acked
    std::optional<std::int64_t> buffer_seconds;  ///< how long it can go on; absent: it didn't say
    std::int64_t seen_seconds = 0;               ///< ago
    bool told = false;                           ///< has said hello since the hold began

    /// Nobody drains it anyway, so a hold costs it nothing and needn't wait for it.
    [[nodiscard]] bool is_away() const noexcept { return seen_seconds > away_after.count(); }
};

/// Refused, with the journals that would be full.
class NoSpace : public Error {
  public:
    explicit NoSpace(std::vector<Keeper> full);

    [[nodiscard]] const std::vector<Keeper>& full() const noexcept { return full_; }

  private:
    std::vector<Keeper> full_;
};

struct Hold {
    std::int64_t id = 0;
    std::string reason;
    std::string opened_by;
    std::string opened_at;  ///< ISO 8601, UTC
    std::string ends_at;
    std::int64_t left_seconds = 0;
    bool drained = false;
    std::string frozen_role;
};

/// Sessions of the role in this database, and the SQL that would freeze it.
struct Freeze {
    std::vector<std::string> statements;
    std::int64_t sessions = 0;
};

/// Throws role_not_frozen.
[[nodiscard]] Freeze plan_freeze(pg::Session& session, const std::string& role);

/// Journals of controllers that are here and would be full before `length` has passed. Those whose
/// room isn't known aren't among them.
[[nodiscard]] std::vector<Keeper> short_of_space(pg::Session& session, std::chrono::seconds length);

/// Records it, freezes the role, and waits until nothing settles. A run killed after the first
/// COMMIT leaves a hold that `close` or its time ends.
Hold open(pg::Session& session, const OpenOptions& options);

/// nullopt: none is open. One whose time is over is closed by this, and its role given back.
[[nodiscard]] std::optional<Hold> current(pg::Session& session);

/// Without what was written off or shut out: no hold waits for that.
[[nodiscard]] std::vector<Keeper> keepers(pg::Session& session);

/// Ends the open hold, or gives back what one whose time is over has frozen. Throws no_hold.
Hold close(pg::Session& session, const std::string& who);

}  // namespace tapline::hold
