#include "agent/journal/stepped.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/journal/slice.hpp"
#include "agent/journal/step_tables.hpp"
#include "agent/journal/totals.hpp"
#include "common/revision/digest.hpp"
#include "common/test_hook.hpp"
#include "common/version.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_next_rows =
    "SELECT rowid FROM pours WHERE rowid > ?1 ORDER BY rowid LIMIT ?2";
constexpr std::string_view sql_through = "UPDATE tapline_step SET through = ?1";
constexpr std::string_view sql_swapped = "UPDATE tapline_step SET swapped = 1";
constexpr std::string_view sql_changed = "SELECT row FROM tapline_step_changed LIMIT ?1";
constexpr std::string_view sql_settled = "DELETE FROM tapline_step_changed WHERE row = ?1";
constexpr std::string_view sql_exists = "SELECT count(*) FROM pours WHERE rowid = ?1";
/// Rows that wait to be copied again are compared with nothing.
constexpr std::string_view which_copied =
    " WHERE rowid <= (SELECT s.through FROM tapline_step AS s) AND rowid NOT IN (SELECT c.row FROM "
    "tapline_step_changed AS c)";
/// All rows would take seconds on a Pi; those up to `through` were counted before.
constexpr std::string_view sql_tail_differs =
    "SELECT (SELECT count(*) FROM pours WHERE rowid > ?1) <> (SELECT count(*) FROM "
    "tapline_step_pours WHERE rowid > ?1)";
constexpr std::string_view sql_top = "SELECT COALESCE(max(rowid), 0) FROM tapline_step_pours";
constexpr std::string_view sql_rowids_serve =
    "SELECT COALESCE((SELECT min(rowid) FROM pours) >= 1 AND (SELECT max(rowid) FROM pours) <= "
    "9007199254740992, 1)";
constexpr std::string_view sql_left_serves =
    "SELECT NOT EXISTS (SELECT 1 FROM pours AS o WHERE o.rowid <= (SELECT max(l.seq) FROM "
    "tapline_left AS l) AND NOT EXISTS (SELECT 1 FROM tapline_left AS l WHERE l.client_tx_id = "
    "o.client_tx_id) AND NOT EXISTS (SELECT 1 FROM tapline_left AS l WHERE l.seq = o.rowid AND "
    "l.client_tx_id IS NULL AND o.client_tx_id IS NULL)) AND COALESCE((SELECT max(o.rowid) FROM "
    "pours AS o), 0) >= COALESCE((SELECT max(l.seq) FROM tapline_left AS l), 0)";

/// What the last step may find still to copy; more of it is copied before.
constexpr std::int64_t rest_rows = 100;
constexpr int max_catch_ups = 200;

bool rebuilds_pours(const Run& run, const Work& work) {
    const auto rebuilds = [&](const revision::Step& step) {
        const auto& section = run.lineage.at(step.id).section(step.direction);
        return step.id == first_journal_revision ||
               std::any_of(
                   section.rebuilds.begin(),
                   section.rebuilds.end(),
                   [](const revision::Rebuild& each) {
                       return normal_name(each.table) == pours_table.name;
                   }
               );
    };
    return std::any_of(work.plan.steps.begin(), work.plan.steps.end(), rebuilds);
}

/// Equal for a run that may go on where another one was cut.
std::string job_of(const Run& run, const Work& work, const Slicer& slicer) {
    std::string job = fmt::format("{} {} {}", version, work.label, work.found);
    for (const auto& step : work.plan.steps) {
        job += fmt::format(" {} {}", step.id, revision::digest(run.lineage.at(step.id)));
    }
    for (const auto& shadow : slicer.shadows()) {
        job += " " + shadow;
    }
    return job;
}

class Stepped {
  public:
    /// schema: schema_cookie from before the work was planned.
    Stepped(const Run& run, const Work& work, std::int64_t schema)
        : run_(run),
          work_(work),
          limits_(*run.options.steps),
          schema_(schema),
          slicer_(run, work),
          pace_(run.database, limits_) {}

    void prepare();
    void fill();
    void catch_up();
    /// Returns where the file is then.
    std::string swap(const std::vector<Extra>& extras);

    [[nodiscard]] const Pace& pace() const noexcept { return pace_; }

  private:
    [[nodiscard]] std::vector<std::int64_t> rows_of(
        std::string_view sql, std::optional<std::int64_t> after, std::int64_t limit
    ) const;
    std::int64_t copy_changed(std::int64_t limit);
    void copy_rest();
    void check_same();
    void check_schema();

    const Run& run_;
    Work work_;
    StepLimits limits_;
    std::int64_t schema_;
    Slicer slicer_;
    Pace pace_;
    std::int64_t through_ = before_all_rows;
};

std::vector<std::int64_t> Stepped::rows_of(
    std::string_view sql, std::optional<std::int64_t> after, std::int64_t limit
) const {
    auto select = run_.database.prepare(sql);
    int place = 1;
    if (after) {
        select.bind(place++, *after);
    }
    select.bind(place, limit);
    std::vector<std::int64_t> rows;
    while (select.step()) {
        rows.push_back(select.integer(0));
    }
    return rows;
}

void Stepped::check_schema() {
    if (schema_cookie(run_.database) != schema_) {
        rows_moved(run_.database, "somebody changed the schema meanwhile");
    }
}

void Stepped::prepare() {
    auto& database = run_.database;
    const auto job = job_of(run_, work_, slicer_);
    const auto state = step_state(database);
    if (state && state->job == job && state->schema == schema_ && !state->swapped) {
        through_ = state->through;
        return;
    }
    if (has_step_leftovers(database)) {
        discard_steps(database, limits_);
        schema_ = schema_cookie(database);
    }
    Transaction transaction(database);
    check_schema();
    begin_steps(database, job, slicer_.shadows());
    schema_ = schema_cookie(database);
    transaction.commit();
    test_stop_at("steps.begin");
}

void Stepped::fill() {
    auto& database = run_.database;
    tell(run_.options, "in steps: copy");
    pace_.run([&](std::int64_t limit) {
        const auto rows = rows_of(sql_next_rows, through_, limit);
        if (rows.empty()) {
            return false;
        }
        auto slice = slicer_.take(rows);
        Transaction transaction(database);
        slicer_.put(slice);
        database.prepare(sql_through).bind(1, rows.back()).run();
        transaction.commit();
        through_ = rows.back();
        test_stop_at("steps.fill");
        return static_cast<std::int64_t>(rows.size()) == limit;
    });
}

/// In the caller's transaction: nothing changes between the reading and the writing.
std::int64_t Stepped::copy_changed(std::int64_t limit) {
    auto& database = run_.database;
    const auto rows = rows_of(sql_changed, std::nullopt, limit);
    if (rows.empty()) {
        return 0;
    }
    auto exists = database.prepare(sql_exists);
    auto settled = database.prepare(sql_settled);
    std::vector<std::int64_t> copied;
    for (const auto row : rows) {
        const ResetAtExit at_exit(exists);
        exists.bind(1, row);
        if (row <= through_ && exists.step() && exists.integer(0) != 0) {
            copied.push_back(row);
        }
        settled.bind(1, row).run();
    }
    auto slice = slicer_.take(copied);
    slicer_.remove(rows);
    slicer_.put(slice);
    return static_cast<std::int64_t>(rows.size());
}

void Stepped::catch_up() {
    auto& database = run_.database;
    tell(run_.options, "in steps: catch up");
    int rounds = 0;
    pace_.run([&](std::int64_t limit) {
        const auto share = std::min(limit, rest_rows);
        Transaction transaction(database);
        const auto changed = copy_changed(share);
        transaction.commit();
        test_stop_at("steps.catch_up");
        return changed == share && ++rounds < max_catch_ups;
    });
}

void Stepped::check_same() {
    auto& database = run_.database;
    tell(run_.options, "in steps: compare");
    database.exec("BEGIN");
    const auto before = read_totals(database, pours_table.name, which_copied);
    const auto after = read_totals(database, pours_table.shadow, which_copied);
    database.exec("ROLLBACK");
    if (!after.same_pours(before)) {
        throw Error(
            ErrorKind::bug,
            "rows_changed",
            fmt::format(
                "{}: {} rows became {} on their way",
                database.file().string(),
                before.rows,
                after.rows
            ),
            "The pours are as they were. Run this again with --writer-stopped, and send "
            "`tapline-agent journal check --json` to the developers."
        );
    }
}

/// In the caller's transaction: what came or changed since the last slice.
void Stepped::copy_rest() {
    auto& database = run_.database;
    for (std::int64_t copied = rest_rows; copied == rest_rows;) {
        copied = copy_changed(rest_rows);
    }
    const auto counted = through_;
    for (std::vector<std::int64_t> tail;
         !(tail = rows_of(sql_next_rows, through_, rest_rows)).empty();
         through_ = tail.back()) {
        auto slice = slicer_.take(tail);
        slicer_.put(slice);
    }
    auto differs = database.prepare(sql_tail_differs);
    differs.bind(1, counted);
    if (differs.step() && differs.integer(0) != 0) {
        rows_moved(database, "rows came or went unseen");
    }
}

std::string Stepped::swap(const std::vector<Extra>& extras) {
    auto& database = run_.database;
    check_same();
    tell(run_.options, "in steps: swap");
    Transaction transaction(database);
    database.set_deadline(std::chrono::steady_clock::now() + limits_.swap_deadline);
    check_schema();
    copy_rest();
    drop_capture(database);
    set_aside(database, extras);
    work_.max_seq = database.integer(sql_top);
    std::string current;
    slicer_.swap([&] { current = run_plan(run_, work_); });
    ensure_identity_after(run_, work_);
    put_back(database, extras);
    database.exec(sql_swapped);
    test_stop_at("steps.swap");
    transaction.commit();
    database.set_deadline(std::nullopt);
    test_stop_at("steps.swapped");
    return current;
}

}  // namespace

bool can_go_in_steps(const Run& run, const std::function<Work(const Run&)>& planner) {
    if (!run.options.steps || !has_table(run.database, pours_table.name)) {
        return false;
    }
    const auto work = planner(run);
    if (!rebuilds_pours(run, work) || run.database.integer(sql_rowids_serve) == 0) {
        return false;
    }
    return work.direction == revision::Direction::downgrade ||
           !has_table(run.database, left_table.name) || run.database.integer(sql_left_serves) != 0;
}

MigrateResult run_in_steps(const Run& run, const std::function<Work(const Run&)>& planner) {
    auto& database = run.database;
    const auto schema = schema_cookie(database);
    auto work = planner(run);
    work.begun = std::chrono::steady_clock::now();
    MigrateResult result{
        work.found,
        work.found,
        read_totals(database).per_status,
        read_extras(database, work.found),
        !work.plan.steps.empty()};
    if (work.plan.steps.empty()) {
        return result;
    }
    Stepped stepped(run, work, schema);
    stepped.prepare();
    stepped.fill();
    stepped.catch_up();
    result.current = stepped.swap(result.kept);
    result.steps = stepped.pace().steps();
    result.longest_lock = stepped.pace().longest_checkpoint();
    return result;
}

}  // namespace tapline::journal
