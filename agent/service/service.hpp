// The agent's two threads and all that lives on them. What is served follows the settings:
// converge() ends what they don't name any more and starts what they name.
#pragma once

#include <exception>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "agent/service/last_resort.hpp"
#include "agent/service/notify.hpp"
#include "agent/service/recent_starts.hpp"
#include "agent/service/run.hpp"
#include "agent/service/served.hpp"
#include "agent/service/settings.hpp"
#include "agent/service/status_file.hpp"
#include "agent/service/wear.hpp"
#include "agent/sync/watch.hpp"
#include "common/clock.hpp"

namespace tapline::service {

class Service {
  public:
    /// Throws what keeps the agent from starting.
    Service(const LoadSettings& load, const Environment& environment);
    int run();

  private:
    // service.cpp: from the first signal handler to the last
    void listen();
    void stop();
    void ended(const std::exception_ptr& failure);
    [[nodiscard]] bool all_ended() const;
    void pause_in_a_storm();

    // service_serve.cpp: what is served, and by which settings
    void reload();
    void take(Settings fresh);
    void converge();
    [[nodiscard]] bool wanted(const Served& served) const;
    [[nodiscard]] bool trust_settled();
    void start_renewing();
    void serve(const std::string& file);
    [[nodiscard]] sync::SyncOptions sync_options(const std::string& file);
    void journal_ended(Served& served, const std::exception_ptr& failure);
    void remove(Served& served);

    // service_report.cpp: what others are told
    void changed(Served& served);
    void write_status();
    void choose_log_level();
    void arm_watchdog();
    [[nodiscard]] bool everything_moves();

    LoadSettings load_;
    Settings settings_;
    LastResort last_resort_;  // outlives the threads that it doesn't wait for
    Notifier notifier_;
    std::optional<StatusFile> status_file_;
    RecentStarts starts_;
    SystemClock clock_;
    // Jobs of the storage thread and coroutines of the I/O thread refer to what is declared below;
    // run() has ended both before anything is destroyed.
    boost::asio::io_context io_{1};
    boost::asio::io_context storage_{1};
    std::unique_ptr<Trust> trust_;
    std::optional<std::unique_ptr<Trust>> next_trust_;  ///< waits until nobody uses the old one
    std::list<Served> served_;
    sync::Watch watch_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer status_timer_;
    boost::asio::steady_timer watchdog_timer_;
    boost::asio::steady_timer shutdown_timer_;
    boost::asio::steady_timer settled_timer_;
    // Apart from the storage thread, which other journals and the watchdog wait for; joined before
    // what its jobs use is destroyed.
    boost::asio::thread_pool raising_{1};
    int generation_ = 1;  ///< grows when everything has to start anew by other settings
    std::chrono::milliseconds first_pause_{};
    bool reloading_ = false;
    bool status_due_ = false;
    bool stopping_ = false;
    std::exception_ptr failure_;
    std::string refusal_;  ///< why the newest settings aren't in use
    Wear wear_;
    std::string told_systemd_;
    std::string told_stuck_;
    std::string log_level_;  ///< in use
};

}  // namespace tapline::service
