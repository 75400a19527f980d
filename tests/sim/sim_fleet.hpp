// Thousands of agents in one thread: each is the real syncer over a journal in memory, behind a
// network that can be down, and may lose requests and answers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "agent/sync/syncer.hpp"
#include "central/gateway/routes.hpp"
#include "tests/sim/sim_clock.hpp"
#include "tests/support/memory_journal.hpp"

namespace tapline::test {

struct SimNetwork {
    bool up = true;
    /// Of a thousand requests.
    int lost_requests = 0;
    int lost_answers = 0;
};

/// What the network saw of one agent.
struct SimTraffic {
    std::int64_t hellos = 0;
    std::int64_t refused = 0;  ///< answered with anything but 200
    std::int64_t failed = 0;   ///< no answer
};

class SimTransport final : public sync::Transport {
  public:
    using Handler = std::function<boost::asio::awaitable<http::Response>(http::Request)>;
    /// Called with each hello that arrives at central.
    using Arrival = std::function<void()>;

    SimTransport(Clock& clock, SimNetwork& network, std::mt19937_64& random, Handler handler)
        : clock_(clock), network_(network), random_(random), handler_(std::move(handler)) {}

    [[nodiscard]] boost::asio::awaitable<http::Response> send(
        http::Request request, std::chrono::milliseconds deadline
    ) override;

    SimTraffic traffic;
    Arrival arrival;

  private:
    [[nodiscard]] bool happens(int of_a_thousand);

    Clock& clock_;
    SimNetwork& network_;
    std::mt19937_64& random_;
    Handler handler_;
};

struct SimAgent {
    MemoryFile file;
    std::unique_ptr<SimTransport> transport;
    std::unique_ptr<sync::Store> store;
    std::unique_ptr<sync::Syncer> syncer;
    bool ended = false;

    [[nodiscard]] Seq last_seq() const { return file.rows.empty() ? 0 : file.rows.back().pour.seq; }

    [[nodiscard]] bool drained_through(Seq seq) const { return file.identity.acked_through >= seq; }
};

/// Owns the thread's executor, the clock, the seed and the agents.
class SimFleet {
  public:
    SimFleet(std::uint64_t seed, SimTransport::Handler handler);

    /// number from 1; its journal and its controller are named after it.
    SimAgent& add(int number);

    void start();
    /// Lets everything happen until that much time has passed, or done() is true.
    void run_for(std::chrono::milliseconds time, const std::function<bool()>& done = {});
    /// Lets what is due now happen.
    void settle_down();
    void stop();

    boost::asio::io_context io;
    SimClock clock;
    SimNetwork network;
    std::mt19937_64 random;
    std::vector<std::unique_ptr<SimAgent>> agents;

  private:
    SimTransport::Handler handler_;
};

[[nodiscard]] std::string sim_controller(int number);

}  // namespace tapline::test
