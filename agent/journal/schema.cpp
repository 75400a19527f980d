#include "agent/journal/schema.hpp"

#include <algorithm>
#include <functional>
#include <thread>

#include <fmt/format.h>

#include "agent/journal/schema_run.hpp"
#include "agent/journal/step_tables.hpp"
#include "agent/journal/stepped.hpp"
#include "agent/journal/totals.hpp"
#include "common/test_hook.hpp"

namespace tapline::journal {

namespace {

using revision::Direction;

constexpr std::chrono::milliseconds pause_between_attempts{200};

void check_totals(Database& database, const Totals& before) {
    if (const auto after = read_totals(database); !after.same_pours(before)) {
        throw Error(
            ErrorKind::bug,
            "rows_changed",
            fmt::format(
                "{}: the migration would have changed pours: {} rows became {}",
                database.file().string(),
                before.rows,
                after.rows
            ),
            "It was rolled back; nothing has changed. Please send `tapline-agent journal check "
            "--json` to the developers."
        );
    }
}

using Planner = std::function<Work(const Run&)>;

MigrateResult once(const Run& run, const Planner& planner) {
    auto& database = run.database;
    Transaction transaction(database);
    if (run.options.deadline) {
        database.set_deadline(std::chrono::steady_clock::now() + *run.options.deadline);
    }
    const Work work = planner(run);
    const auto totals = read_totals(database);
    MigrateResult result{
        work.found,
        work.found,
        totals.per_status,
        read_extras(database, work.found),
        !work.plan.steps.empty()};
    if (work.plan.steps.empty()) {
        return result;
    }
    set_aside(database, result.kept);
    result.current = run_plan(run, work);
    test_stop_at("adopt.rebuild");
    ensure_identity_after(run, work);
    put_back(database, result.kept);
    check_totals(database, totals);
    tell(run.options, "commit");
    test_stop_at("adopt.commit");
    transaction.commit();
    return result;
}

[[noreturn]] void give_up(Database& database, const Error& error) {
    throw Error(
        ErrorKind::storage_busy,
        error.code() == "busy" ? "busy" : "too_slow",
        fmt::format(
            "{}: no attempt fitted between the tap's own writes: {}",
            database.file().string(),
            error.what()
        ),
        "The pours are as they were. Stop the tap's program for a moment and run this again with "
        "--writer-stopped."
    );
}

/// Somebody did what no trigger tells (REPLACE, for one), so that the shadow isn't the table. It
/// may be our own mistake too: then it happens each time.
bool begins_anew(const Error& error) {
    return error.code() == rows_moved_code || error.code() == "rows_changed" ||
           error.code() == "constraint";
}

/// What is left of steps after an error is worth its room only if the next attempt goes on with it.
/// On a full disk it is the room that the tap's next pour needs.
void take_back(const Run& run, const Error& error) {
    const bool goes_on = error.kind() == ErrorKind::storage_busy && !begins_anew(error);
    if (goes_on || error.kind() == ErrorKind::storage_corrupt || error.code() == "io_error") {
        return;
    }
    try {
        discard_steps(run.database, *run.options.steps);
    } catch (const Error&) {  // NOLINT(bugprone-empty-catch): the first error is the one to tell
    }
}

std::chrono::milliseconds discard_with_attempts(Database& database, const StepLimits& limits) {
    for (int attempt = 1;; ++attempt) {
        try {
            return discard_steps(database, limits);
        } catch (const Error& error) {
            if (error.kind() != ErrorKind::storage_busy || attempt >= migration_attempts) {
                throw;
            }
        }
        std::this_thread::sleep_for(pause_between_attempts);
    }
}

/// Nobody pours while somebody else holds the lock, so what was too slow once isn't tried again in
/// one transaction where it can go in steps.
class Attempts {
  public:
    Attempts(const Run& run, const Planner& planner) : run_(run), planner_(planner) {}

    MigrateResult go();

  private:
    MigrateResult one_works();
    /// In the handler of that error, which it throws on where another attempt is of no use.
    void prepare_next(const Error& error);

    const Run& run_;
    const Planner& planner_;
    bool in_steps_ = false;
    int made_ = 0;
};

void Attempts::prepare_next(const Error& error) {
    run_.database.set_deadline(std::nullopt);
    if (in_steps_) {
        take_back(run_, error);
    }
    const bool busy = error.kind() == ErrorKind::storage_busy;
    if (!busy && !(in_steps_ && begins_anew(error))) {
        throw;
    }
    if (error.code() == "deadline" && !in_steps_ && can_go_in_steps(run_, planner_)) {
        in_steps_ = true;
        tell(run_.options, "too slow, in steps");
        return;
    }
    if (++made_ >= migration_attempts) {
        if (!busy) {
            throw;
        }
        give_up(run_.database, error);
    }
    tell(run_.options, "busy, once more");
    std::this_thread::sleep_for(pause_between_attempts);
    in_steps_ = in_steps_ && can_go_in_steps(run_, planner_);
}

MigrateResult Attempts::one_works() {
    for (;;) {
        try {
            auto result = in_steps_ ? run_in_steps(run_, planner_) : once(run_, planner_);
            run_.database.set_deadline(std::nullopt);
            return result;
        } catch (const Error& error) {
            prepare_next(error);
        }
    }
}

MigrateResult Attempts::go() {
    auto& database = run_.database;
    const auto limits = run_.options.steps.value_or(StepLimits{});
    in_steps_ = run_.options.deadline && run_.options.steps &&
                (run_.options.steps->at_once || step_state(database)) &&
                can_go_in_steps(run_, planner_);
    if (!in_steps_) {
        discard_steps(database, limits);
    }
    auto result = one_works();
    if (result.steps > 0) {
        tell(run_.options, "in steps: drop the old table");
    }
    const auto checkpoint = discard_with_attempts(database, limits);
    result.longest_lock = std::max({result.longest_lock, checkpoint, database.longest_lock()});
    return result;
}

}  // namespace

MigrateResult upgrade(Database& database, std::string_view target, const MigrateOptions& options) {
    const Run run{database, options, journal_lineage()};
    const Planner planner = [target](const Run& each) { return work_up(each, target); };
    return Attempts(run, planner).go();
}

MigrateResult downgrade(
    Database& database, std::string_view target, const MigrateOptions& options
) {
    const auto lineage = lineage_with_log(database);
    const Run run{database, options, lineage};
    const Planner planner = [target](const Run& each) { return work_down(each, target); };
    return Attempts(run, planner).go();
}

std::optional<MigrateResult> preview(
    Database& database, Direction direction, std::string_view target, const MigrateOptions& options
) {
    const bool up = direction == Direction::upgrade;
    const auto found =
        up ? recognise(database)
           : Recognised{Recognised::Kind::revision, current_for_downgrade(database), {}};
    if (found.kind != Recognised::Kind::revision) {
        return std::nullopt;
    }
    const auto lineage = lineage_with_log(database);
    const auto plan = up ? revision::plan_upgrade(lineage, {found.name}, target)
                         : revision::plan_downgrade(lineage, {found.name}, target);
    check(options, lineage, plan);
    if (!plan.steps.empty()) {
        return std::nullopt;
    }
    return MigrateResult{
        found.name,
        found.name,
        read_totals(database).per_status,
        read_extras(database, found.name),
        false};
}

}  // namespace tapline::journal
