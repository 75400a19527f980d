#include "central/revision/execute.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/access/maintainers.hpp"
#include "central/revision/fleet_gate.hpp"
#include "central/revision/half_done.hpp"
#include "central/revision/lock_retry.hpp"
#include "common/error.hpp"
#include "common/revision/digest.hpp"
#include "common/test_hook.hpp"

namespace tapline::revision {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

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

milliseconds since(steady_clock::time_point begin) {
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
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

Error half_done_error(const HalfDone& one, const std::string& directory) {
    const std::string_view word = to_string(one.direction);
    return {
        ErrorKind::refused,
        "half_done",
        fmt::format(
            "this database is half way through the {} of {}, since {}", word, one.id, one.began_at
        ),
        fmt::format(
            "finish it first: `tapline-central {} --lineage {} {}{}`; where that can't be, put the "
            "schema right by hand and `stamp --purge` the revision that it is",
            word,
            to_string(one.lineage),
            one.direction == Direction::upgrade ? one.id : std::string("-1"),
            directory_option(directory)
        )};
}

/// What is applied now and won't be once `wanted` is stamped.
IdSet unstamped(
    const Lineage& lineage,
    const std::vector<std::string>& heads,
    const std::vector<std::string>& wanted
) {
    IdSet gone;
    for (const std::string& head : heads) {
        if (lineage.find(head) == nullptr) {
            continue;
        }
        gone.merge(lineage.with_ancestors({head}));
    }
    for (const std::string& id : lineage.with_ancestors(wanted)) {
        gone.erase(id);
    }
    return gone;
}

}  // namespace

Runner::Runner(const LineageSet& set, RunOptions options)
    : set_(set),
      options_(std::move(options)),
      session_(options_.connect),
      ledger_(session_),
      state_(options_.connect, session_) {}

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

IdSet Runner::applied_elsewhere() {
    const bool has_app = std::any_of(set_.begin(), set_.end(), [](const DatabaseLineage& one) {
        return one.name == LineageName::app;
    });
    if (has_app) {
        return {};
    }
    const std::vector<std::string> heads = ledger_.heads(LineageName::app);
    IdSet there(heads.begin(), heads.end());
    const LineageSet bar = load_lineages({std::nullopt, LineageName::app});
    for (const std::string& id : heads) {
        if (bar.front().lineage.find(id) != nullptr) {
            there.merge(bar.front().lineage.with_ancestors({id}));
            continue;
        }
        // A revision of the bar's own that no file of ours has stands on all that we know.
        there.merge(bar.front().lineage.with_ancestors(bar.front().lineage.heads()));
    }
    return there;
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
        stop_if_asked(options_, "waiting for another upgrade");
        if (!told) {
            told = true;
            say(fmt::format("waiting for another upgrade: {}", holder));
        }
        std::this_thread::sleep_for(jittered(milliseconds(250)));
    }
}

RunReport Runner::run(Direction direction, const std::string& target) {
    auto [heads, steps] = rehearse(direction, target);
    RunReport report;
    report.heads = std::move(heads);
    for (const PartStep& step : steps) {
        report.steps.push_back(run_step(step, report.heads[step.part]));
    }
    note_minimums(session_, set_, report.heads);
    return report;
}

Runner::Rehearsal Runner::rehearse(Direction direction, const std::string& target) {
    take_runner_lock();
    AppliedHeads heads = applied();
    refuse_unknown(heads);
    for (std::size_t i = 0; i < set_.size(); ++i) {
        check_digests(ledger_, set_[i], heads[i]);
    }
    std::vector<PartStep> steps = plan_set(set_, heads, direction, target, applied_elsewhere());
    check_half_done(steps);
    IdSet gone;
    for (const PartStep& step : steps) {
        if (direction == Direction::downgrade && set_[step.part].name == LineageName::app) {
            gone.insert(step.step.id);
        }
    }
    check_dependents(gone);
    for (const PartStep& step : steps) {
        // A file that can't run stops everything before the first step, not half way.
        [[maybe_unused]] const auto pieces =
            pieces_of(set_[step.part].lineage.at(step.step.id), step.step.direction);
    }
    if (options_.gate) {
        options_.gate(heads, steps);
    }
    check_contracts(session_, set_, steps);
    return {std::move(heads), std::move(steps)};
}

void Runner::check_dependents(const IdSet& gone) {
    const bool complete = std::any_of(set_.begin(), set_.end(), [](const DatabaseLineage& one) {
        return one.name == LineageName::tapline;
    });
    if (gone.empty() || complete) {
        return;  // with both in the plan, interleave() has seen to it
    }
    const LineageSet other = load_lineages({std::nullopt, LineageName::tapline});
    const Lineage& ours = other.front().lineage;
    std::vector<std::string> known;
    for (const std::string& id : ledger_.heads(LineageName::tapline)) {
        if (ours.find(id) != nullptr) {
            known.push_back(id);
        }
    }
    for (const std::string& id : ours.with_ancestors(known)) {
        for (const std::string& needed : ours.needs_elsewhere(id)) {
            if (gone.contains(needed)) {
                throw Error(
                    ErrorKind::refused,
                    "dependency_missing",
                    fmt::format("{} of the lineage tapline is applied and needs {}", id, needed),
                    "nothing was changed; without --lineage both go down in the right order"
                );
            }
        }
    }
}

void Runner::check_half_done(const std::vector<PartStep>& steps) {
    HalfDoneLedger ledger(session_);
    for (std::size_t i = 0; i < set_.size(); ++i) {
        for (const HalfDone& one : ledger.all(set_[i].name)) {
            // The first of its lineage: with others before it, it wouldn't be what was begun.
            const auto first = std::find_if(steps.begin(), steps.end(), [&](const PartStep& each) {
                return each.part == i;
            });
            const bool goes_on = first != steps.end() && first->step.id == one.id &&
                                 first->step.direction == one.direction;
            if (!goes_on) {
                throw half_done_error(one, set_[i].directory);
            }
        }
    }
}

StepDone Runner::run_step(const PartStep& step, std::vector<std::string>& heads) {
    const auto begin = steady_clock::now();
    const DatabaseLineage& one = set_[step.part];
    say(fmt::format("{} {} ({})", to_string(step.step.direction), step.step.id, to_string(one.name))
    );
    try {
        StepRunner(session_, options_, one, step.step, heads, state_).run();
    } catch (const Error& error) {
        log_failure(step, heads, error.what());
        throw;
    }
    heads = step.step.heads_after;
    return {one.name, step.step.id, step.step.direction, since(begin)};
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

RunReport Runner::stamp(const std::vector<std::string>& targets, bool purge) {
    return *stamp_if({targets, purge, {}, {}});
}

std::optional<RunReport> Runner::stamp_if(const StampRequest& request) {
    access::require_maintainer(session_, "stamp");
    take_runner_lock();
    if (!request.purge) {
        check_half_done({});
        refuse_unknown(applied());
    }
    const std::vector<StampPart> parts =
        plan_set_stamp(set_, applied(), request.targets, request.purge);
    for (std::size_t i = 0; i < set_.size(); ++i) {
        if (parts[i].named && set_[i].name == LineageName::app) {
            const std::vector<std::string>& after = parts[i].plan.heads_after;
            check_dependents(unstamped(set_[i].lineage, ledger_.heads(set_[i].name), after));
        }
    }
    if (request.look && !request.look(parts)) {
        return std::nullopt;
    }
    pg::Transaction transaction(session_);
    session_.set_local_timeouts(options_.lock_timeout, milliseconds(0));
    // Again, because looking takes its time and somebody may have been taken off the list.
    access::require_maintainer(session_, "stamp");
    for (std::size_t i = 0; i < set_.size(); ++i) {
        if (parts[i].named) {
            stamp_one(i, parts[i].plan.heads_after);
            forget_half_done(set_[i].name);
        }
    }
    if (access::list_first_maintainer(session_, who())) {
        say("this role is the first maintainer now; `tapline-central maintainers` lists them");
    }
    if (request.beside) {
        request.beside(session_);
    }
    // In the stamp's own transaction, so that what it says is contracted is so for the fleet as
    // well.
    const AppliedHeads stamped = applied();
    forget_minimums(session_, set_, stamped);
    note_minimums(session_, set_, stamped);
    test_stop_at("stamp.written");
    transaction.commit();
    test_stop_at("stamp.committed");
    return RunReport{{}, applied()};
}

void Runner::forget_half_done(LineageName lineage) {
    HalfDoneLedger ledger(session_);
    for (const HalfDone& one : ledger.all(lineage)) {
        say(fmt::format("{} was half done; what this stamp says counts now", one.id));
        ledger.remove(one);
    }
}

void Runner::refuse_unknown(const AppliedHeads& heads) const {
    for (std::size_t i = 0; i < set_.size(); ++i) {
        for (const std::string& id : heads[i]) {
            if (set_[i].lineage.find(id) == nullptr) {
                throw Error(
                    ErrorKind::refused,
                    "unknown_revision",
                    fmt::format(
                        "the lineage {} of this database is at {}, and no file has that id",
                        to_string(set_[i].name),
                        id
                    ),
                    "`tapline-central recognise` tells which revision the schema is; "
                    "`tapline-central stamp --purge` with that one forgets the row"
                );
            }
        }
    }
}

void Runner::stamp_one(std::size_t index, const std::vector<std::string>& after) {
    const DatabaseLineage& one = set_[index];
    ledger_.bootstrap(one.name);
    const std::vector<std::string> before_rows = ledger_.heads(one.name);
    ledger_.move_heads(one.name, before_rows, after);
    const std::map<std::string, std::string> known = ledger_.digests(one.name);
    LogEntry entry;
    entry.lineage = one.name;
    entry.action = "stamp";
    entry.heads_before = before_rows;
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
