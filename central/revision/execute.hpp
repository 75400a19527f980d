// Runs revisions on the central database: one runner at a time, each revision in one transaction
// with its version row and its line in the log, so that a killed run leaves a known set of heads.
// What can't be one transaction (transaction=off, batch steps) commits in pieces that the ledger
// knows, and the next run goes on from there.
//
// Errors besides those of plan_set and pg::Session:
//   refused/"runner_busy"       another upgrade holds the runner's lock longer than lock_wait
//   refused/"digest_changed"    the file of an applied revision was changed
//   refused/"changed_meanwhile" the version table moved under us
//   refused/"half_done"         another revision is half done and has to be finished first
//   refused/"half_done_changed" the file of a half-done revision was changed
//   refused/"not_a_maintainer"  stamp: who asks isn't listed (central/access/maintainers.hpp)
//   refused/"unknown_revision"  a version row that no file knows
//   refused/"fleet_behind", "journal_unknown", "fleet_unknown"
//                               a contract that requires a journal (central/compat/contract.hpp)
//   refused/"stopped"           RunOptions::stop was set
//   usage/"not_alone"           a statement that transaction=off doesn't take
//   usage/"batch_key", "batch_stuck" a batch step that would miss rows, or never end
//   unreachable/"table_locked"  a lock that a statement needs was held longer than table_lock_wait
//   refused/"refused_by_revision" the revision's own SQL raised an exception: a guard of its author
//   refused/"rows_would_go"     a downgrade would drop tables of the bar that hold rows
//   pg/…                        a statement failed: file, line and PostgreSQL's own words
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "central/pg/session.hpp"
#include "central/revision/ledger.hpp"
#include "central/revision/plan_set.hpp"
#include "central/revision/run_options.hpp"
#include "central/revision/step.hpp"

namespace tapline::revision {

struct StepDone {
    LineageName lineage = LineageName::app;
    std::string id;
    Direction direction = Direction::upgrade;
    std::chrono::milliseconds duration{};
};

struct RunReport {
    std::vector<StepDone> steps;
    AppliedHeads heads;  ///< afterwards, in the order of the set
};

struct StampRequest {
    std::vector<std::string> targets;
    bool purge = false;
    /// Asked under the runner's lock, before anything is written; false leaves all as it is.
    std::function<bool(const std::vector<StampPart>&)> look;
    /// Writes what belongs to the stamp, in its transaction.
    std::function<void(pg::Session&)> beside;
};

/// One connection, used for one verb.
class Runner {
  public:
    /// Connects. set must outlive it.
    Runner(const LineageSet& set, RunOptions options);

    /// Nothing is locked or changed.
    [[nodiscard]] AppliedHeads applied();
    /// Ids of the bar's lineage that are applied, where the set is tapline's alone.
    [[nodiscard]] IdSet applied_elsewhere();

    /// Throws unknown_revision for the first id that no file has; heads in the order of the set.
    void refuse_unknown(const AppliedHeads& heads) const;

    RunReport upgrade(const std::string& target);
    RunReport downgrade(const std::string& target);

    /// Everything that upgrade or downgrade does before its first step, refusals included; then the
    /// steps that would run. Nothing is changed.
    struct Rehearsal {
        AppliedHeads heads;  ///< as they are
        std::vector<PartStep> steps;
    };

    [[nodiscard]] Rehearsal rehearse(Direction direction, const std::string& target);
    /// Writes version rows without running anything, and takes the files as they are now for what
    /// is applied. targets, purge: see plan_stamp.
    RunReport stamp(const std::vector<std::string>& targets, bool purge = false);
    /// The same; nullopt when `look` said no.
    std::optional<RunReport> stamp_if(const StampRequest& request);

    [[nodiscard]] pg::Session& session() noexcept { return session_; }

  private:
    void take_runner_lock();
    RunReport run(Direction direction, const std::string& target);
    void check_half_done(const std::vector<PartStep>& steps);
    /// The lineage tapline stands on the bar's revisions, also where a verb was told to act on app
    /// alone. gone: ids of app that are about to be no longer applied.
    void check_dependents(const IdSet& gone);
    StepDone run_step(const PartStep& step, std::vector<std::string>& heads);
    void log_failure(
        const PartStep& step, const std::vector<std::string>& heads, const std::string& why
    );
    void forget_half_done(LineageName lineage);
    void stamp_one(std::size_t index, const std::vector<std::string>& after);
    void say(const std::string& line) const;

    const LineageSet& set_;
    RunOptions options_;
    pg::Session session_;
    Ledger ledger_;
    RunState state_;
};

}  // namespace tapline::revision
