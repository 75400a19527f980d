// The Backend over PostgreSQL: settles through the Settler, says hello through a few sessions.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/thread_pool.hpp>

#include "central/gateway/backend.hpp"
#include "central/pg/session.hpp"

namespace tapline::gateway {

class PgBackend final : public Backend {
  public:
    /// `settler` outlives this. hello_sessions: threads, and at most as many connections, that say
    /// hello; they are opened at need and dropped after a failure.
    PgBackend(settle::Settler& settler, std::string database_url, std::size_t hello_sessions = 2);
    ~PgBackend() override;

    [[nodiscard]] boost::asio::awaitable<settle::Outcome> pours(
        std::string controller, wire::Batch batch
    ) override;
    [[nodiscard]] boost::asio::awaitable<HelloOutcome> hello(
        std::string controller, wire::Hello hello
    ) override;
    [[nodiscard]] bool ready() const noexcept override;

  private:
    [[nodiscard]] HelloOutcome say_hello(const std::string& controller, const wire::Hello& hello);
    [[nodiscard]] std::unique_ptr<pg::Session> take_session();
    void give_back(std::unique_ptr<pg::Session> session);

    settle::Settler& settler_;
    std::string database_url_;
    std::mutex mutex_;
    std::vector<std::unique_ptr<pg::Session>> sessions_;
    std::atomic<int> waiting_{0};
    boost::asio::thread_pool threads_;  // last: its jobs use everything above
};

}  // namespace tapline::gateway
