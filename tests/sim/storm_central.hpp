// Central in a storm: SimBackend and its routes, which die, come back, and are restored from a
// backup that is older than what they had acked.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "central/gateway/routes.hpp"
#include "tests/sim/sim_central.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

class StormCentral {
  public:
    StormCentral(boost::asio::io_context& io, Clock& clock, gateway::RouteRules rules, int taps);
    ~StormCentral();
    StormCentral(const StormCentral&) = delete;
    StormCentral& operator=(const StormCentral&) = delete;

    /// nullopt: it isn't there, or died before it answered.
    [[nodiscard]] boost::asio::awaitable<std::optional<http::Response>> handle(http::Request request
    );

    void start();
    /// settles: what is being settled gets its COMMIT; nobody hears of it either way.
    void crash(bool settles);

    [[nodiscard]] bool runs() const noexcept { return instance_ != nullptr; }

    // While it is down:
    void back_up();

    [[nodiscard]] bool has_backup() const noexcept { return !backup_.empty(); }

    void restore();
    /// The server's own crash: SIGQUIT to PostgreSQL.
    void crash_postgres();

    // While it runs:
    /// Its session is ended under its hands.
    void end_session();
    /// False: there is one already.
    bool hold_on();
    void hold_off();
    /// Everything takes that many times as long.
    void slow_down(int factor);

    [[nodiscard]] pg::Session connect() const { return database_.connect(); }

  private:
    /// One run of the program.
    struct Instance {
        Instance(
            const std::string& url,
            Clock& clock,
            boost::asio::io_context& io,
            gateway::RouteRules rules
        );

        SimBackend backend;
        gateway::Routes routes;
        bool alive = true;
    };

    static boost::asio::awaitable<void> work(std::shared_ptr<Instance> instance);
    /// Sessions of a restored database commit as the bar's own server does.
    void set_up_database();
    /// PostgreSQL's clock isn't the simulation's: what it knows of a journal's sides gets as old as
    /// it would be.
    void age_sides(pg::Session& session, const std::string& journal_id);

    boost::asio::io_context& io_;
    Clock& clock_;
    gateway::RouteRules rules_;
    TestDatabase database_;
    std::string backup_;

    /// When the sides of each journal were right, by both clocks.
    struct Both {
        MonoTime simulated;
        std::chrono::steady_clock::time_point real;
    };

    using SidesRight = std::map<std::string, Both>;
    SidesRight sides_right_;
    SidesRight sides_right_at_backup_;
    std::shared_ptr<Instance> instance_;
};

}  // namespace tapline::test
