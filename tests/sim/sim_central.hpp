// Central in the simulation: its own routes, codec, pace, hello and settling over a real
// PostgreSQL, on the simulation's one thread. Simulated is how long its work takes.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
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

    /// Settles what is queued, group by group, until stop() or crash().
    [[nodiscard]] boost::asio::awaitable<void> run();
    void stop();
    /// Closes its sessions and answers everybody that it can't. What is being settled at this
    /// moment is settled or not, by `settles`.
    void crash(bool settles);

    /// Nothing reaches central's database through these any more; then they are opened anew.
    [[nodiscard]] int backend_pid() const { return work_->session.backend_pid(); }

    void costs(const SimCosts& costs) { costs_ = costs; }

    using BeforeHello = std::function<void(pg::Session&, const std::string& journal_id)>;

    void before_hello(BeforeHello hook) { before_hello_ = std::move(hook); }

    [[nodiscard]] std::int64_t groups() const noexcept { return groups_; }

    /// What the routes let through, of journals with a backlog.
    [[nodiscard]] const Arrivals& hellos() const noexcept { return hellos_; }

    [[nodiscard]] std::size_t longest_queue() const noexcept { return longest_queue_; }

  private:
    /// Everything that has a session.
    struct Work {
        explicit Work(const settle::SettleOptions& options);

        pg::Session session;
        settle::Penalties penalties;
        settle::SlowWork slow_work;
        settle::Lane slow;
        settle::FastWork fast;
    };

    void settle_group(settle::Jobs jobs);
    /// ask(session), and what PgBackend makes of a session that is lost.
    template <typename Outcome, typename Ask>
    [[nodiscard]] Outcome with_session(Ask ask);

    Clock& clock_;
    boost::asio::any_io_executor home_;
    SimCosts costs_;
    BeforeHello before_hello_;
    settle::SettleOptions options_;
    std::unique_ptr<Work> work_;  ///< nullptr after a crash
    settle::Jobs settling_;
    std::deque<settle::JobPtr> queue_;
    sync::Signal queued_;
    std::deque<MonoTime> hello_free_;
    std::int64_t groups_ = 0;
    Arrivals hellos_;
    std::size_t longest_queue_ = 0;
    bool stopping_ = false;
};

}  // namespace tapline::test
