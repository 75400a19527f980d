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
        error.code() == "deadline" ? "too_slow" : "busy",
        fmt::format(
            "{}: no attempt fitted between the tap's own writes: {}",
            database.file().string(),
            error.what()
        ),
        "The pours are as they were. Stop the tap's program for a moment and run this again with "
        "--writer-stopped."
    );
}

/// Nobody pours while somebody else holds the lock, so what was too slow once isn't tried again in
/// one transaction where it can go in steps.
MigrateResult with_attempts(const Run& run, const Planner& planner) {
    auto& database = run.database;
    bool in_steps = run.options.deadline && run.options.steps &&
                    (run.options.steps->at_once || step_state(database)) &&
                    can_go_in_steps(run, planner);
    if (!in_steps) {
        discard_steps(database, run.options.steps.value_or(StepLimits{}));
    }
    for (int attempt = 1;; ++attempt) {
        try {
            auto result = in_steps ? run_in_steps(run, planner) : once(run, planner);
            database.set_deadline(std::nullopt);
            result.longest_lock = std::max(result.longest_lock, database.longest_lock());
            return result;
        } catch (const Error& error) {
            database.set_deadline(std::nullopt);
            if (error.kind() != ErrorKind::storage_busy) {
                throw;
            }
            const bool slow = error.code() == "deadline";
            if (slow && !in_steps && can_go_in_steps(run, planner)) {
                in_steps = true;
                tell(run.options, "too slow, in steps");
                continue;
            }
            if (attempt >= migration_attempts) {
                give_up(database, error);
            }
        }
        tell(run.options, "busy, once more");
        std::this_thread::sleep_for(pause_between_attempts);
    }
}

}  // namespace

MigrateResult upgrade(Database& database, std::string_view target, const MigrateOptions& options) {
    const Run run{database, options, journal_lineage()};
    return with_attempts(run, [target](const Run& each) { return work_up(each, target); });
}

MigrateResult downgrade(
    Database& database, std::string_view target, const MigrateOptions& options
) {
    const auto lineage = lineage_with_log(database);
    const Run run{database, options, lineage};
    return with_attempts(run, [target](const Run& each) { return work_down(each, target); });
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
