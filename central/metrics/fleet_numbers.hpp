// What the database knows of the fleet, for /metrics: asked off the I/O thread, and at most once in
// `lifetime`, however often somebody looks.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>

#include "central/pg/session.hpp"
#include "common/clock.hpp"

namespace tapline::metrics {

struct FleetView {
    bool reached = false;  ///< else the rest is empty
    MonoTime at;
    std::int64_t journals = 0;
    std::int64_t silent_journals = 0;  ///< no hello for ten minutes
    std::int64_t depth_pours = 0;      ///< not acked yet, by the last hellos
    std::int64_t max_depth_pours = 0;  ///< of one journal
    bool hold_open = false;
    std::map<std::string, std::int64_t> controllers;  ///< by status
    std::map<std::string, std::int64_t> quarantine;   ///< waiting, by code
};

/// Blocks; for a worker thread. Throws as pg::Session does.
[[nodiscard]] FleetView read_fleet(pg::Session& session);

class FleetNumbers {
  public:
    static constexpr std::chrono::milliseconds lifetime{10'000};

    explicit FleetNumbers(std::string database_url);
    ~FleetNumbers();
    FleetNumbers(const FleetNumbers&) = delete;
    FleetNumbers& operator=(const FleetNumbers&) = delete;

    /// On one thread (or strand). While one question is under way others get the last answer.
    [[nodiscard]] boost::asio::awaitable<FleetView> get();

  private:
    [[nodiscard]] FleetView ask();

    std::string database_url_;
    SystemClock clock_;
    std::optional<FleetView> last_;
    bool asking_ = false;
    std::optional<pg::Session> session_;  ///< the pool's
    boost::asio::thread_pool thread_{1};
};

}  // namespace tapline::metrics
