// Runs revisions on the central database: one runner at a time, each revision in one transaction
// with its version row and its line in the log, so that a killed run leaves a known set of heads.
//
// Errors besides those of plan_set and pg::Session:
//   refused/"runner_busy"       another upgrade holds the runner's lock longer than lock_wait
//   refused/"digest_changed"    the file of an applied revision was changed
//   refused/"changed_meanwhile" the version table moved under us
//   refused/"transaction_off"   a section asks for transaction=off, which this release doesn't run
//   refused/"batch_step"        a section has batch steps, which this release doesn't run
//   unreachable/"table_locked"  a lock that a statement needs was held longer than table_lock_wait
//   refused/"refused_by_revision" the revision's own SQL raised an exception: a guard of its author
//   refused/"rows_would_go"     a downgrade would drop tables of the bar that hold rows
//   pg/…                        a statement failed: file, line and PostgreSQL's own words
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "central/pg/session.hpp"
#include "central/revision/ledger.hpp"
#include "central/revision/lineage_set.hpp"

namespace tapline::revision {

/// Before each statement of a revision, and once after the last one (statement == statements), just
/// before the COMMIT.
struct StatementProgress {
    const Revision& revision;
    Direction direction = Direction::upgrade;
    std::size_t statement = 0;
    std::size_t statements = 0;
};

struct RunOptions {
    pg::ConnectOptions connect;
    std::chrono::milliseconds lock_wait{60'000};    ///< for another runner to finish
    std::chrono::milliseconds lock_timeout{2'000};  ///< of one try; a section may say otherwise
    std::chrono::milliseconds table_lock_wait{120'000};  ///< all tries of one revision together
    bool discard_rows = false;  ///< a downgrade may drop tables that hold rows
    std::function<void(const std::string& line)> say;        ///< for people; may be empty
    std::function<void(const StatementProgress&)> progress;  ///< may be empty
};

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

/// One connection, used for one verb.
class Runner {
  public:
    /// Connects. set must outlive it.
    Runner(const LineageSet& set, RunOptions options);

    /// Nothing is locked or changed.
    [[nodiscard]] AppliedHeads applied();

    RunReport upgrade(const std::string& target);
    RunReport downgrade(const std::string& target);
    /// Writes version rows without running anything, and takes the files as they are now for what
    /// is applied. targets: ids, or one of head, heads, base.
    RunReport stamp(const std::vector<std::string>& targets);

    [[nodiscard]] pg::Session& session() noexcept { return session_; }

  private:
    void take_runner_lock();
    RunReport run(Direction direction, const std::string& target);
    void refuse_unsupported(const std::vector<PartStep>& steps) const;
    StepDone run_step(const PartStep& step, std::vector<std::string>& heads);
    /// nullopt: the step is done. Else who held the lock that it waited for.
    [[nodiscard]] std::optional<std::string> blocked(
        const PartStep& step, const std::vector<std::string>& heads
    );
    void try_step(const PartStep& step, const std::vector<std::string>& heads);
    /// Tables with rows that the step turned out to drop, and then nothing was committed.
    [[nodiscard]] std::set<std::string> attempt(
        const PartStep& step,
        const std::vector<std::string>& heads,
        const std::set<std::string>& may_drop
    );
    void run_statements(const Revision& revision, Direction direction);
    void log_failure(
        const PartStep& step, const std::vector<std::string>& heads, const std::string& why
    );
    void stamp_one(std::size_t index, const std::vector<std::string>& after);
    void say(const std::string& line) const;

    const LineageSet& set_;
    RunOptions options_;
    pg::Session session_;
    Ledger ledger_;
};

}  // namespace tapline::revision
