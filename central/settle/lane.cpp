#include "central/settle/lane.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "central/settle/ladder.hpp"
#include "central/settle/problems.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::settle {

namespace {

/// How often an idle lane asks whether its connection is still there.
constexpr std::chrono::seconds ping_interval{2};
constexpr std::chrono::milliseconds first_pause{200};
constexpr std::chrono::milliseconds longest_pause{2'000};
constexpr int pause_doublings = 4;

void answer(Job& job, const Outcome& outcome) {
    job.done(outcome);
}

}  // namespace

void Penalties::add(const std::string& journal_id) {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.now_mono();
    std::erase_if(until_, [now](const auto& entry) { return entry.second <= now; });
    until_[journal_id] = now + penalty;
}

bool Penalties::has(const std::string& journal_id) {
    const std::lock_guard lock(mutex_);
    const auto found = until_.find(journal_id);
    return found != until_.end() && clock_.now_mono() < found->second;
}

Lane::Lane(std::string name, std::string database_url, LaneWork& work)
    : name_(std::move(name)), database_url_(std::move(database_url)), work_(work) {
    thread_ = std::thread([this] { loop(); });
}

Lane::~Lane() {
    stop();
}

void Lane::push(JobPtr job) {
    {
        const std::lock_guard lock(mutex_);
        if (!stop_) {
            queue_.push_back(std::move(job));
        }
    }
    if (job) {
        answer(*job, problems::try_later("stopping", "central is shutting down"));
        return;
    }
    wake_.notify_one();
}

void Lane::stop() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    if (thread_.joinable()) {
        thread_.join();
    }
}

bool Lane::stopping() {
    const std::lock_guard lock(mutex_);
    return stop_;
}

Jobs Lane::next_jobs() {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, ping_interval, [this] { return stop_ || !queue_.empty(); });
    return queue_.empty() ? Jobs{} : work_.take(queue_);
}

void Lane::refuse_queued(const std::string& code, const std::string& detail) {
    std::deque<JobPtr> refused;
    {
        const std::lock_guard lock(mutex_);
        refused.swap(queue_);
    }
    for (const auto& job : refused) {
        answer(*job, problems::try_later(code, detail));
    }
}

void Lane::connect() {
    try {
        pg::ConnectOptions options;
        options.url = database_url_;
        options.application_name = fmt::format("tapline settle {}", name_);
        session_.emplace(options);
        connected_ = true;
        failures_ = 0;
        return;
    } catch (const Error& error) {
        if (failures_ == 0) {
            spdlog::warn("settle: {} lane has no database: {}", name_, printable(error.what()));
        }
    }
    refuse_queued("unavailable", "central can't reach its database");
    const auto pause =
        std::min(longest_pause, first_pause * (1 << std::min(failures_, pause_doublings)));
    ++failures_;
    const auto until = std::chrono::steady_clock::now() + pause;
    std::unique_lock lock(mutex_);
    while (!stop_ && wake_.wait_until(lock, until) == std::cv_status::no_timeout) {
        lock.unlock();
        refuse_queued("unavailable", "central can't reach its database");
        lock.lock();
    }
}

void Lane::loop() {
    while (true) {
        if (!session_) {
            if (stopping()) {
                break;
            }
            connect();
            continue;
        }
        auto jobs = next_jobs();
        if (jobs.empty() && stopping()) {
            break;
        }
        const bool usable =
            jobs.empty() ? session_->is_alive() : work_.run(*session_, std::move(jobs));
        if (!usable) {
            connected_ = false;
            session_.reset();
        }
    }
    connected_ = false;
    refuse_queued("stopping", "central is shutting down");
}

}  // namespace tapline::settle
