#include "central/revision/execute.hpp"

#include <algorithm>
#include <random>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/revision/blockers.hpp"
#include "central/revision/row_guard.hpp"
#include "common/error.hpp"
#include "common/revision/digest.hpp"
#include "common/revision/resolve.hpp"

namespace tapline::revision {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds max_retry_pause{5'000};

// "tapline" as a number. Polled, never waited for: a session that waits for an advisory lock holds
// a snapshot, and CREATE INDEX CONCURRENTLY of the one that has it would wait for that in turn.
constexpr std::string_view take_lock_sql = "SELECT pg_try_advisory_lock(32758232781516389)";
constexpr std::string_view lock_holder_sql =
    "SELECT a.pid, a.usename, a.application_name, "
    "floor(extract(epoch FROM now() - a.backend_start))::bigint "
    "FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
    "AND (l.classid::bigint << 32 | l.objid::bigint) = 32758232781516389 "
    "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";
// The bar's files name their tables without a schema, as Alembic's did.
constexpr std::string_view search_path_sql = "SET LOCAL search_path = public";

milliseconds since(steady_clock::time_point begin) {
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
}

milliseconds jittered(milliseconds base) {
    static thread_local std::mt19937 random{std::random_device{}()};
    std::uniform_int_distribution<std::int64_t> part(base.count() / 2, base.count());
    return milliseconds(part(random));
}

std::string describe_holder(pg::Session& session) {
    const pg::Result rows = session.run(lock_holder_sql);
    if (rows.empty()) {
        return "it finished just now";
    }
    return fmt::format(
        "process {} (user {}, application {}, since {} s)",
        rows[0].text(0),
        rows[0].text(1),
        rows[0].text(2),
        rows[0].integer(3)
    );
}

/// raise_exception and object_in_use: what a revision's author raises in a DO block to stop it.
bool raised_on_purpose(std::string_view sqlstate) {
    return sqlstate == "P0001" || sqlstate == "55006";
}

std::string hint_for(const Error& error) {
    // duplicate_table, duplicate_object
    if (error.sqlstate() == "42P07" || error.sqlstate() == "42710") {
        return "the object is there already: was the schema made by another tool? Compare it, then "
               "`tapline-central stamp` the revision it equals";
    }
    return error.hint().empty() ? "the database is as it was before this revision" : error.hint();
}

}  // namespace

Runner::Runner(const LineageSet& set, RunOptions options)
    : set_(set), options_(std::move(options)), session_(options_.connect), ledger_(session_) {}

void Runner::say(const std::string& line) const {
    if (options_.say) {
        options_.say(line);
    }
}

AppliedHeads Runner::applied() {
    AppliedHeads heads;
    for (const DatabaseLineage& one : set_) {
        heads.push_back(ledger_.heads(one.name));
    }
    return heads;
}

RunReport Runner::upgrade(const std::string& target) {
    return run(Direction::upgrade, target);
}

RunReport Runner::downgrade(const std::string& target) {
    return run(Direction::downgrade, target);
}

void Runner::take_runner_lock() {
    const auto begin = steady_clock::now();
    bool told = false;
    while (!session_.run(take_lock_sql)[0].boolean(0)) {
        const std::string holder = describe_holder(session_);
        if (since(begin) > options_.lock_wait) {
            throw Error(
                ErrorKind::refused,
                "runner_busy",
                fmt::format("another upgrade of this database runs: {}", holder),
                "wait for it to finish, then run this again; it goes on from where that one stopped"
            );
        }
        if (!told) {
            told = true;
            say(fmt::format("waiting for another upgrade: {}", holder));
        }
        std::this_thread::sleep_for(jittered(milliseconds(250)));
    }
}

RunReport Runner::run(Direction direction, const std::string& target) {
    take_runner_lock();
    RunReport report;
    report.heads = applied();
    for (std::size_t i = 0; i < set_.size(); ++i) {
        check_digests(ledger_, set_[i], report.heads[i]);
    }
    const std::vector<PartStep> steps = plan_set(set_, report.heads, direction, target);
    refuse_unsupported(steps);
    for (const PartStep& step : steps) {
        report.steps.push_back(run_step(step, report.heads[step.part]));
    }
    return report;
}

void Runner::refuse_unsupported(const std::vector<PartStep>& steps) const {
    for (const PartStep& step : steps) {
        const Revision& revision = set_[step.part].lineage.at(step.step.id);
        const Section& section = revision.section(step.step.direction);
        if (!section.transaction) {
            throw Error(
                ErrorKind::refused,
                "transaction_off",
                fmt::format(
                    "{} line {}: transaction=off isn't run by this release",
                    revision.file,
                    section.line
                ),
                "nothing was changed; write the step so that it may run inside a transaction"
            );
        }
        if (!section.batches.empty()) {
            throw Error(
                ErrorKind::refused,
                "batch_step",
                fmt::format(
                    "{} line {}: batch steps aren't run by this release",
                    revision.file,
                    section.batches.front().line
                ),
                "nothing was changed; write the step as one statement"
            );
        }
    }
}

StepDone Runner::run_step(const PartStep& step, std::vector<std::string>& heads) {
    const auto begin = steady_clock::now();
    const DatabaseLineage& one = set_[step.part];
    say(fmt::format("{} {} ({})", to_string(step.step.direction), step.step.id, to_string(one.name))
    );
    milliseconds pause{200};
    try {
        for (std::optional<std::string> blockers = blocked(step, heads); blockers;
             blockers = blocked(step, heads)) {
            if (since(begin) > options_.table_lock_wait) {
                throw Error(
                    ErrorKind::unreachable,
                    "table_locked",
                    fmt::format("{} waits for a lock held by {}", step.step.id, *blockers),
                    "the revision was rolled back; end that session or choose a quieter hour"
                );
            }
            const milliseconds wait = jittered(pause);
            say(fmt::format("  a lock is held by {}; next try in {} ms", *blockers, wait.count()));
            std::this_thread::sleep_for(wait);
            pause = std::min(pause * 2, max_retry_pause);
        }
    } catch (const Error& error) {
        log_failure(step, heads, error.what());
        throw;
    }
    heads = step.step.heads_after;
    return {one.name, step.step.id, step.step.direction, since(begin)};
}

std::optional<std::string> Runner::blocked(
    const PartStep& step, const std::vector<std::string>& heads
) {
    BlockerWatch watch(options_.connect, session_.backend_pid());
    try {
        try_step(step, heads);
        return std::nullopt;
    } catch (const Error& error) {
        if (error.code() != "lock_timeout") {
            throw;
        }
    }
    const std::string seen = watch.last_seen();
    return seen.empty() ? "somebody who is gone again" : seen;
}

void Runner::try_step(const PartStep& step, const std::vector<std::string>& heads) {
    std::set<std::string> may_drop;
    for (auto lost = attempt(step, heads, may_drop); !lost.empty();
         lost = attempt(step, heads, may_drop)) {
        may_drop.merge(lost);
    }
}

std::set<std::string> Runner::attempt(
    const PartStep& step,
    const std::vector<std::string>& heads,
    const std::set<std::string>& may_drop
) {
    const auto begin = steady_clock::now();
    const DatabaseLineage& one = set_[step.part];
    const Revision& revision = one.lineage.at(step.step.id);
    const Section& section = revision.section(step.step.direction);
    pg::Transaction transaction(session_);
    session_.set_local_timeouts(
        section.lock_timeout.value_or(options_.lock_timeout),
        section.statement_timeout.value_or(milliseconds(0))
    );
    session_.run(search_path_sql);
    ledger_.bootstrap(one.name);
    ledger_.move_heads(one.name, heads, step.step.heads_after);
    std::optional<RowGuard> guard;
    if (step.step.direction == Direction::downgrade && one.name == LineageName::app &&
        !options_.discard_rows) {
        guard.emplace(session_, may_drop, step.step.id);
    }
    run_statements(revision, step.step.direction);
    if (auto lost = guard ? guard->unseen_losses() : std::set<std::string>{}; !lost.empty()) {
        return lost;
    }
    LogEntry entry;
    entry.lineage = one.name;
    entry.id = step.step.id;
    entry.action = std::string(to_string(step.step.direction));
    entry.digest = digest(revision);
    entry.heads_after = step.step.heads_after;
    entry.duration = since(begin);
    entry.downgrade_sql = revision.downgrade.raw;
    ledger_.write(entry);
    transaction.commit();
    return {};
}

void Runner::run_statements(const Revision& revision, Direction direction) {
    const std::vector<Statement>& statements = revision.section(direction).statements;
    for (std::size_t i = 0; i < statements.size(); ++i) {
        if (options_.progress) {
            options_.progress({revision, direction, i, statements.size()});
        }
        try {
            session_.run(statements[i].text);
        } catch (const Error& error) {
            const bool guard = raised_on_purpose(error.sqlstate());
            throw Error(
                guard ? ErrorKind::refused : error.kind(),
                guard ? "refused_by_revision" : error.code(),
                fmt::format("{} line {}: {}", revision.file, statements[i].line, error.what()),
                hint_for(error),
                error.sqlstate()
            );
        }
    }
    if (options_.progress) {
        options_.progress({revision, direction, statements.size(), statements.size()});
    }
}

void Runner::log_failure(
    const PartStep& step, const std::vector<std::string>& heads, const std::string& why
) {
    if (!session_.is_open()) {
        return;
    }
    LogEntry entry;
    entry.lineage = set_[step.part].name;
    entry.id = step.step.id;
    entry.action = std::string(to_string(step.step.direction));
    entry.failed = true;
    entry.heads_after = heads;
    entry.error = why;
    try {
        pg::Transaction transaction(session_);
        ledger_.bootstrap(entry.lineage);
        ledger_.write(entry);
        transaction.commit();
    } catch (const Error& error) {
        say(fmt::format("  the failure could not be logged: {}", error.what()));
    }
}

RunReport Runner::stamp(const std::vector<std::string>& targets) {
    take_runner_lock();
    std::vector<std::vector<std::string>> wanted(set_.size());
    std::vector<bool> named(set_.size(), false);
    for (const std::string& target : targets) {
        for (const std::size_t index : owners_of(set_, target)) {
            named[index] = true;
            for (std::string& id : resolve(set_[index].lineage, target)) {
                wanted[index].push_back(std::move(id));
            }
        }
    }
    pg::Transaction transaction(session_);
    session_.set_local_timeouts(options_.lock_timeout, milliseconds(0));
    for (std::size_t i = 0; i < set_.size(); ++i) {
        if (named[i]) {
            const Lineage& lineage = set_[i].lineage;
            stamp_one(i, lineage.heads_of(lineage.with_ancestors(wanted[i])));
        }
    }
    transaction.commit();
    return {{}, applied()};
}

void Runner::stamp_one(std::size_t index, const std::vector<std::string>& after) {
    const DatabaseLineage& one = set_[index];
    ledger_.bootstrap(one.name);
    ledger_.move_heads(one.name, ledger_.heads(one.name), after);
    const std::map<std::string, std::string> known = ledger_.digests(one.name);
    LogEntry entry;
    entry.lineage = one.name;
    entry.action = "stamp";
    entry.heads_after = after;
    entry.id = "base";
    if (after.empty()) {
        ledger_.write(entry);
    }
    for (const std::string& id : one.lineage.with_ancestors(after)) {
        const Revision& revision = one.lineage.at(id);
        const auto before = known.find(id);
        const bool is_head = std::find(after.begin(), after.end(), id) != after.end();
        entry.id = id;
        entry.digest = digest(revision);
        entry.downgrade_sql = revision.downgrade.raw;
        if (is_head || before == known.end() || before->second != entry.digest) {
            ledger_.write(entry);
        }
    }
}

}  // namespace tapline::revision
