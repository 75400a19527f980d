// The network of a storm: it loses requests and answers, delays them past their deadline, brings
// requests twice and long after their time, and cuts a connection while central works.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <random>

#include <boost/asio/io_context.hpp>

#include "agent/sync/signal.hpp"
#include "agent/sync/transport.hpp"
#include "tests/sim/sim_clock.hpp"
#include "tests/sim/storm_log.hpp"

namespace tapline::test {

/// Of a thousand requests.
struct NetOdds {
    int lost_request = 0;
    int lost_answer = 0;
    int doubled = 0;  ///< comes again, up to ten minutes later
    int late = 0;     ///< takes up to a minute, longer than its deadline
    int cut = 0;      ///< the agent hears of a broken connection, whatever central does
};

class StormNet {
  public:
    /// nullopt: central died meanwhile, or isn't there.
    using Handler =
        std::function<boost::asio::awaitable<std::optional<http::Response>>(http::Request)>;

    struct Parts {
        boost::asio::io_context& io;
        Clock& clock;
        std::mt19937_64& dice;
        StormLog& log;
    };

    StormNet(Parts parts, Handler handler) : parts_(parts), handler_(std::move(handler)) {}

    /// A request of a device on its way, and what the device knows of it.
    struct Call {
        explicit Call(Clock& clock) : ended(clock) {}

        std::optional<http::Response> answer;
        bool broken = false;
        sync::Signal ended;
    };

    [[nodiscard]] std::shared_ptr<Call> begin(int device, bool link_up, http::Request request);

    bool up = true;
    NetOdds odds;

    /// Couriers that failed by a mistake of ours.
    [[nodiscard]] int mistakes() const noexcept { return mistakes_; }

  private:
    struct Trip {
        int device = 0;
        std::chrono::milliseconds there{};
        std::chrono::milliseconds back{};
        bool lose_request = false;
        bool lose_answer = false;
    };

    void send(Trip trip, http::Request request, std::shared_ptr<Call> call);
    boost::asio::awaitable<void> carry(
        Trip trip, http::Request request, std::shared_ptr<Call> call
    );
    boost::asio::awaitable<void> cut(std::chrono::milliseconds after, std::shared_ptr<Call> call);
    [[nodiscard]] bool happens(int of_a_thousand, int device, const char* fault);
    [[nodiscard]] std::chrono::milliseconds between(int least_ms, int most_ms);

    Parts parts_;
    Handler handler_;
    int mistakes_ = 0;
};

/// What one run of a device's agent has for a network.
class StormTransport final : public sync::Transport {
  public:
    StormTransport(StormNet& net, Clock& clock, int device, const bool& link_up)
        : net_(net), clock_(clock), device_(device), link_up_(link_up) {}

    [[nodiscard]] boost::asio::awaitable<http::Response> send(
        http::Request request, std::chrono::milliseconds deadline
    ) override;

    /// Its agent is killed.
    void abandon();

  private:
    StormNet& net_;
    Clock& clock_;
    int device_;
    const bool& link_up_;
    std::shared_ptr<StormNet::Call> call_;
};

}  // namespace tapline::test
