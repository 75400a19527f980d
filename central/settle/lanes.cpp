#include "central/settle/lanes.hpp"

#include <algorithm>
#include <exception>
#include <functional>
#include <set>
#include <utility>

#include <spdlog/spdlog.h>

#include "central/settle/ladder.hpp"
#include "central/settle/problems.hpp"
#include "central/settle/rows.hpp"
#include "central/settle/statements.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::settle {

namespace {

constexpr std::chrono::seconds sample_interval{1};
constexpr std::size_t sample_slots = 200;
constexpr std::size_t max_sampled_revisions = 100;
constexpr std::size_t max_sample_bytes = 16 * 1024;

void answer_all(const Jobs& jobs, const wire::Problem& problem) {
    for (const auto& job : jobs) {
        job->done(problem);
    }
}

std::vector<const Prepared*> batches_of(const Jobs& jobs) {
    std::vector<const Prepared*> batches;
    batches.reserve(jobs.size());
    for (const auto& job : jobs) {
        batches.push_back(&job->batch);
    }
    return batches;
}

wire::Problem database_lost() {
    return problems::try_later(
        "unavailable", "central lost its database; nothing is known to be done"
    );
}

wire::Problem busy() {
    return problems::try_later("busy", "somebody else holds rows that this batch needs");
}

/// What went wrong, for one attempt; nullopt when the answers have been given.
std::optional<Fault> attempt(const std::function<void()>& work, const std::string& what) {
    try {
        work();
        return std::nullopt;
    } catch (const Error& error) {
        const auto fault = classify(error);
        spdlog::warn("settle: {} failed: {} {}", what, error.sqlstate(), printable(error.what()));
        return fault;
    } catch (const std::exception& error) {
        // Out of memory or a mistake of ours: the session's state is unknown, so it goes.
        spdlog::error("settle: {} failed: {}", what, printable(error.what()));
        return Fault::session;
    }
}

}  // namespace

void Sampler::offer(pg::Session& session, const Prepared& prepared) {
    const auto& batch = prepared.batch;
    const auto now = clock_.now_mono();
    const auto due = next_.find(batch.revision);
    if (due == next_.end() ? next_.size() >= max_sampled_revisions : now < due->second) {
        return;
    }
    next_[batch.revision] = now + sample_interval;
    const auto raw = wire::encode_row(batch.rows.back());
    if (raw.size() > max_sample_bytes) {
        return;
    }
    // Any slot: two instances that write one at the same moment would wait for each other.
    const auto slot = std::hash<std::string>{}(raw) % sample_slots;
    std::string literal = "\\x";
    static constexpr std::string_view digits = "0123456789abcdef";
    for (const char c : raw) {
        const auto byte = static_cast<unsigned char>(c);
        literal.push_back(digits[byte >> 4U]);
        literal.push_back(digits[byte & 15U]);
    }
    session.exec(sql::keep_sample, batch.revision, static_cast<std::int64_t>(slot), literal);
}

Jobs FastWork::take(std::deque<JobPtr>& queue) {
    Jobs taken;
    std::set<std::string> journals;
    std::int64_t rows = 0;
    for (auto job = queue.begin(); job != queue.end();) {
        const auto& batch = (*job)->batch.batch;
        const auto more = static_cast<std::int64_t>(batch.rows.size());
        if (!taken.empty() && rows + more > options_.max_group_rows) {
            break;
        }
        if (!journals.insert(batch.journal_id).second) {
            ++job;
            continue;
        }
        rows += more;
        taken.push_back(std::move(*job));
        job = queue.erase(job);
    }
    return taken;
}

bool FastWork::run(pg::Session& session, Jobs jobs) {
    const auto penalised =
        std::stable_partition(jobs.begin(), jobs.end(), [this](const JobPtr& job) {
            return !penalties_.has(job->batch.batch.journal_id);
        });
    std::for_each(penalised, jobs.end(), [this](JobPtr& job) { slow_.push(std::move(job)); });
    jobs.erase(penalised, jobs.end());
    if (jobs.empty()) {
        return true;
    }
    GroupOptions options;
    options.lock_timeout = options_.group_lock_timeout;
    options.price_from_journal = options_.price_from_journal;
    const auto fault = attempt(
        [&] {
            const auto outcomes = settle_group(session, batches_of(jobs), options);
            for (std::size_t i = 0; i < jobs.size(); ++i) {
                jobs[i]->done(outcomes[i]);
            }
        },
        "a group"
    );
    if (!fault) {
        const auto sampled = [&] { sampler_.offer(session, jobs.back()->batch); };
        return attempt(sampled, "a sample") != Fault::session;
    }
    if (*fault == Fault::session) {
        answer_all(jobs, database_lost());
        return false;
    }
    return run_each(session, std::move(jobs));
}

bool FastWork::run_each(pg::Session& session, Jobs jobs) {
    GroupOptions options;
    options.lock_timeout = retry_lock_timeout;
    options.price_from_journal = options_.price_from_journal;
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        auto& job = jobs[i];
        const auto fault = attempt(
            [&] { job->done(settle_group(session, {&job->batch}, options).front()); },
            "journal " + job->batch.batch.journal_id
        );
        if (!fault) {
            continue;
        }
        if (*fault == Fault::session) {
            jobs.erase(jobs.begin(), jobs.begin() + static_cast<std::ptrdiff_t>(i));
            answer_all(jobs, database_lost());
            return false;
        }
        penalties_.add(job->batch.batch.journal_id);
        job->row_by_row = *fault == Fault::row;
        slow_.push(std::move(job));
    }
    return true;
}

Jobs SlowWork::take(std::deque<JobPtr>& queue) {
    Jobs taken;
    taken.push_back(std::move(queue.front()));
    queue.pop_front();
    return taken;
}

bool SlowWork::run(pg::Session& session, Jobs jobs) {
    auto& job = *jobs.front();
    const auto what = "journal " + job.batch.batch.journal_id;
    GroupOptions options;
    options.lock_timeout = options_.slow_lock_timeout;
    options.price_from_journal = options_.price_from_journal;
    std::optional<Fault> fault = Fault::row;
    if (!job.row_by_row) {
        fault =
            attempt([&] { job.done(settle_group(session, {&job.batch}, options).front()); }, what);
    }
    if (fault == Fault::row) {
        fault = attempt([&] { job.done(settle_one_by_one(session, job.batch, options)); }, what);
    }
    if (!fault) {
        return true;
    }
    job.done(*fault == Fault::session ? database_lost() : busy());
    return *fault != Fault::session;
}

}  // namespace tapline::settle
