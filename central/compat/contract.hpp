// A revision with `Phase: contract` and `Requires Journal`: it waits for the fleet, and moves the
// oldest journal revision that central settles.
//
// Errors besides pg::Session's:
//   refused/"fleet_behind"         controllers write, or keep, pours of an older shape (Blocked)
//   refused/"journal_unknown"      it requires a journal revision that this database can't settle
//   refused/"fleet_unknown"        controllers are registered, and t0006_compat isn't applied yet
#pragma once

#include <string>
#include <vector>

#include "central/compat/blockers.hpp"
#include "central/pg/session.hpp"
#include "common/error.hpp"

namespace tapline::compat {

struct Contract {
    std::string lineage;  ///< "app", "tapline"
    std::string id;
    std::string journal;  ///< what it requires
};

class Blocked : public Error {
  public:
    Blocked(const Contract& contract, std::vector<Blocker> blockers);

    [[nodiscard]] const std::vector<Blocker>& blockers() const noexcept { return blockers_; }

  private:
    std::vector<Blocker> blockers_;
};

/// Before anything runs; nothing is locked or changed, so it may be otherwise a moment later. A
/// contract whose minimum stands already (a half-done one) isn't asked again. A database that no
/// controller has ever talked to has no fleet to wait for. ours_follow: revisions of the lineage
/// tapline run as well, so what isn't known yet may be by then.
void check_fleet(pg::Session& session, const Contract& contract, bool ours_follow);

/// In the caller's transaction, which it ends with COMMIT: takes the lock exclusively (waiting as
/// lock_timeout lets it), asks the fleet again, and moves the minimum.
void fix_minimum(pg::Session& session, const Contract& contract, const std::string& who);

/// In the caller's transaction, with which the contract is taken down.
void give_back(pg::Session& session, const Contract& contract);

/// For contracts that are applied and were before t0006_compat, or stamped: the minimum counts all
/// the same. Those that require what this database doesn't know are left out.
void note_applied(
    pg::Session& session, const std::vector<Contract>& contracts, const std::string& who
);

}  // namespace tapline::compat
