// Runs one revision in one direction: as a whole in one transaction, or in the pieces that it
// commits in, each with its line in the ledger, so that a killed run goes on from there.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "central/pg/session.hpp"
#include "central/revision/alone.hpp"
#include "central/revision/batch_run.hpp"
#include "central/revision/blockers.hpp"
#include "central/revision/fleet_gate.hpp"
#include "central/revision/half_done.hpp"
#include "central/revision/ledger.hpp"
#include "central/revision/lock_retry.hpp"
#include "central/revision/run_options.hpp"
#include "common/revision/plan.hpp"

namespace tapline::revision {

/// What the steps of one connection share.
struct RunState {
    /// connect: for the watch's own connection. session must outlive it.
    RunState(const pg::ConnectOptions& connect, pg::Session& session)
        : watch(connect, session.backend_pid()) {}

    /// Lineages whose tables of the ledger are known to be there: a step has made sure and
    /// committed.
    std::set<LineageName> ready;
    BlockerWatch watch;
};

class StepRunner {
  public:
    /// All must outlive it. heads: of the version table before the step.
    StepRunner(
        pg::Session& session,
        const RunOptions& options,
        const DatabaseLineage& lineage,
        const Step& step,
        const std::vector<std::string>& heads,
        RunState& state
    );

    /// Throws what execute.hpp lists; then everything but finished pieces was rolled back.
    void run();

  private:
    [[nodiscard]] std::set<std::string> attempt_whole(const std::set<std::string>& may_drop);
    void run_whole();
    void run_pieces();
    void run_piece(const Piece& piece, HalfDone& at);
    void forget_if_untouched(const HalfDone& at);
    [[nodiscard]] HalfDone begin_or_resume();
    void run_together(const Piece& piece, HalfDone& at);
    void run_alone(const Piece& piece, HalfDone& at);
    void execute_alone(const Piece& piece, const std::string& sql, bool builds_index);
    void run_batch(const Piece& piece, HalfDone& at);
    /// One page in its transaction; the rows it had.
    [[nodiscard]] std::int64_t run_page(BatchPages& pages, std::size_t index, HalfDone& at);
    void finish(const HalfDone& at);

    /// SET LOCAL … of every transaction of this step.
    [[nodiscard]] std::string settings() const;
    void bootstrap();
    void write_version_and_log();
    void advance(HalfDone& at);
    void statement(std::size_t index);
    void tell(std::size_t index, bool executed = false) const;
    void say(const std::string& line) const;

    pg::Session& session_;
    const RunOptions& options_;
    const DatabaseLineage& lineage_;
    const Step& step_;
    const std::vector<std::string>& heads_;
    RunState& state_;
    const Revision& revision_;
    const Section& section_;
    std::vector<Piece> pieces_;
    std::optional<compat::Contract> contract_;  ///< it waits for the fleet
    Ledger ledger_;
    HalfDoneLedger half_done_;
    LockRetry retry_;
    std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace tapline::revision
