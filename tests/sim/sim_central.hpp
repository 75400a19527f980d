// Central in the simulation: its own routes, codec, pace, hello and settling over a real
// PostgreSQL, on the simulation's one thread. Simulated is how long its work takes.
#pragma once

#include <deque>
#include <string>

#include <boost/asio/any_io_executor.hpp>

#include "agent/sync/signal.hpp"
#include "central/gateway/backend.hpp"
#include "central/settle/lanes.hpp"
#include "tests/sim/arrivals.hpp"

namespace tapline::test {

/// What work takes, rounded up from what bench/ measures on two cores.
struct SimCosts {
    std::chrono::milliseconds hello{4};
    int hello_sessions = 2;
    std::chrono::milliseconds group{4};
    std::int64_t rows_per_ms = 6;
};

class SimBackend final : public gateway::Backend {
  public:
    /// clock outlives this; everything runs on `home`.
    SimBackend(const std::string& url, Clock& clock, boost::asio::any_io_executor home);

    [[nodiscard]] boost::asio::awaitable<settle::Outcome> pours(
        std::string controller, wire::Batch batch
    ) override;
    [[nodiscard]] boost::asio::awaitable<gateway::HelloOutcome> hello(
        std::string controller, wire::Hello hello
    ) override;
    [[nodiscard]] boost::asio::awaitable<gateway::EpochOutcome> epoch(
        std::string controller, std::string journal_id, wire::EpochRequest request
    ) override;
    [[nodiscard]] boost::asio::awaitable<gateway::AdmitOutcome> admit(
        fleet::Caller caller, bool fresh
    ) override;
    [[nodiscard]] boost::asio::awaitable<gateway::EnrollOutcome> enroll(
        wire::EnrollRequest request, std::string address
    ) override;
    [[nodiscard]] boost::asio::awaitable<gateway::EnrollOutcome> renew(
        fleet::Caller caller, wire::RenewRequest request
    ) override;
    [[nodiscard]] boost::asio::awaitable<std::optional<wire::Problem>> obstacle() override;

    /// Settles what is queued, group by group, until stop().
    [[nodiscard]] boost::asio::awaitable<void> run();
    void stop();

    [[nodiscard]] std::int64_t groups() const noexcept { return groups_; }

    /// What the routes let through, of journals with a backlog.
    [[nodiscard]] const Arrivals& hellos() const noexcept { return hellos_; }

    [[nodiscard]] std::size_t longest_queue() const noexcept { return longest_queue_; }

  private:
    Clock& clock_;
    boost::asio::any_io_executor home_;
    SimCosts costs_;
    settle::SettleOptions options_;
    pg::Session session_;
    settle::Penalties penalties_;
    settle::SlowWork slow_work_;
    settle::Lane slow_;
    settle::FastWork fast_;
    std::deque<settle::JobPtr> queue_;
    sync::Signal queued_;
    std::deque<MonoTime> hello_free_;
    std::int64_t groups_ = 0;
    Arrivals hellos_;
    std::size_t longest_queue_ = 0;
    bool stopping_ = false;
};

}  // namespace tapline::test
