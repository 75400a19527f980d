#include "tests/sim/sim_central.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "central/fleet/epochs.hpp"
#include "central/fleet/hello.hpp"
#include "central/settle/problems.hpp"
#include "common/error.hpp"

namespace asio = boost::asio;

namespace tapline::test {

namespace {

settle::SettleOptions options_of(const std::string& url) {
    settle::SettleOptions options;
    options.database_url = url;
    return options;
}

std::int64_t rows_of(const settle::Jobs& jobs) {
    std::int64_t rows = 0;
    for (const auto& job : jobs) {
        rows += static_cast<std::int64_t>(job->batch.batch.rows.size());
    }
    return rows;
}

wire::Problem gone() {
    return settle::problems::try_later("unavailable", "central has no database");
}

}  // namespace

SimBackend::Work::Work(const settle::SettleOptions& options)
    : session(pg::ConnectOptions{.url = options.database_url, .application_name = "simulation"}),
      slow_work(options),
      slow("simulation slow", options.database_url, slow_work),
      fast(options, penalties, slow) {}

SimBackend::SimBackend(const std::string& url, Clock& clock, asio::any_io_executor home)
    : clock_(clock),
      home_(std::move(home)),
      options_(options_of(url)),
      work_(std::make_unique<Work>(options_)),
      queued_(clock),
      hello_free_(static_cast<std::size_t>(costs_.hello_sessions), clock.now_mono()) {}

asio::awaitable<settle::Outcome> SimBackend::pours(std::string controller, wire::Batch batch) {
    const auto received_us = std::chrono::microseconds(clock_.now_utc().time_since_epoch()).count();
    auto prepared = settle::prepare(std::move(controller), std::move(batch), received_us);
    if (auto* problem = std::get_if<wire::Problem>(&prepared)) {
        co_return std::move(*problem);
    }
    if (stopping_) {
        co_return gone();
    }
    if (queue_.size() >= options_.max_queue) {
        co_return settle::problems::try_later("overloaded", "too many batches wait");
    }
    auto answer = std::make_shared<std::optional<settle::Outcome>>();
    auto answered = std::make_shared<sync::Signal>(clock_);
    auto job = std::make_unique<settle::Job>();
    job->batch = std::get<settle::Prepared>(std::move(prepared));
    job->done = [answer, answered, home = home_](settle::Outcome outcome) {
        asio::post(home, [answer, answered, outcome = std::move(outcome)]() mutable {
            *answer = std::move(outcome);
            answered->notify();
        });
    };
    queue_.push_back(std::move(job));
    longest_queue_ = std::max(longest_queue_, queue_.size());
    queued_.notify();
    while (!*answer) {
        auto waiting = answered->wait(std::chrono::hours(1));
        static_cast<void>(co_await std::move(waiting));
    }
    co_return std::move(**answer);
}

asio::awaitable<void> SimBackend::run() {
    while (work_ && (!stopping_ || !queue_.empty())) {
        if (queue_.empty()) {
            auto waiting = queued_.wait(std::chrono::hours(1));
            static_cast<void>(co_await std::move(waiting));
            continue;
        }
        settling_ = work_->fast.take(queue_);
        const auto cost =
            costs_.group + std::chrono::milliseconds(rows_of(settling_) / costs_.rows_per_ms);
        auto working = clock_.sleep(cost);
        co_await std::move(working);
        settle_group(std::exchange(settling_, {}));
    }
}

void SimBackend::settle_group(settle::Jobs jobs) {
    if (jobs.empty()) {
        return;  // a crash was faster
    }
    ++groups_;
    if (!work_->fast.run(work_->session, std::move(jobs))) {
        work_ = std::make_unique<Work>(options_);
    }
}

void SimBackend::stop() {
    stopping_ = true;
    queued_.notify();
}

void SimBackend::crash(bool settles) {
    stopping_ = true;
    if (settles) {
        settle_group(std::exchange(settling_, {}));
    }
    work_.reset();
    for (auto& job : settling_) {
        job->done(gone());
    }
    for (auto& job : queue_) {
        job->done(gone());
    }
    settling_.clear();
    queue_.clear();
    queued_.notify();
}

template <typename Outcome, typename Ask>
Outcome SimBackend::with_session(Ask ask) {
    if (!work_) {
        return gone();
    }
    try {
        return ask(work_->session);
    } catch (const Error& failure) {
        if (failure.kind() != ErrorKind::unreachable && failure.kind() != ErrorKind::pg) {
            throw;
        }
        work_ = std::make_unique<Work>(options_);
        return gone();
    }
}

asio::awaitable<gateway::HelloOutcome> SimBackend::hello(
    std::string controller, wire::Hello hello
) {
    if (hello.depth > 0) {
        hellos_.add(clock_.now_mono());
    }
    auto& session = *std::min_element(hello_free_.begin(), hello_free_.end());
    session = std::max(session, clock_.now_mono()) + costs_.hello;
    auto working = clock_.sleep(session - clock_.now_mono());
    co_await std::move(working);
    const auto ask = [&](pg::Session& db) {
        if (before_hello_) {
            before_hello_(db, hello.journal_id);
        }
        return fleet::hello(db, controller, hello);
    };
    co_return with_session<gateway::HelloOutcome>(ask);
}

asio::awaitable<gateway::EpochOutcome> SimBackend::epoch(
    std::string controller, std::string journal_id, wire::EpochRequest request
) {
    auto working = clock_.sleep(costs_.hello);
    co_await std::move(working);
    const auto ask = [&](pg::Session& db) {
        return fleet::ask_epoch(db, controller, journal_id, request);
    };
    co_return with_session<gateway::EpochOutcome>(ask);
}

asio::awaitable<gateway::AdmitOutcome> SimBackend::admit(fleet::Caller, bool) {
    co_return fleet::Standing::enrolled;
}

asio::awaitable<gateway::EnrollOutcome> SimBackend::enroll(wire::EnrollRequest, std::string) {
    co_return wire::Problem{};
}

asio::awaitable<gateway::EnrollOutcome> SimBackend::renew(fleet::Caller, wire::RenewRequest) {
    co_return wire::Problem{};
}

asio::awaitable<std::optional<wire::Problem>> SimBackend::obstacle() {
    co_return std::nullopt;
}

}  // namespace tapline::test
