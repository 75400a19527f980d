// A tap at work: pours, stores, and waits where the release waits.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "bench/tap_sim/connection.hpp"
#include "bench/tap_sim/latency.hpp"
#include "bench/tap_sim/pour_source.hpp"
#include "bench/tap_sim/release.hpp"

namespace tapline::tap_sim {

struct TapOptions {
    std::string journal;
    bool persistent =
        false;  ///< else every operation opens and closes its own connection, as in the field
    int busy_timeout_ms = 100;
    bool retry_busy = true;  ///< else SQLITE_BUSY ends the program, as in the field
    bool refuse_while_new = false;
    std::chrono::milliseconds give_up{60'000};  ///< of refusing, and of retrying one pour
};

struct TapReport {
    std::int64_t pours = 0;
    std::int64_t busy = 0;
    std::int64_t refusals = 0;  ///< pours that had to wait for the previous one
    std::chrono::milliseconds longest_refusal{0};
    Latency commit;     ///< COMMIT alone
    Latency store;      ///< BEGIN to COMMIT, so waits for the lock are in it
    Latency operation;  ///< open to close; with a persistent connection the same as store
};

class Tap {
  public:
    /// `stop` is set by a signal handler and outlives the tap.
    Tap(const Release& release, TapOptions options, const std::atomic<bool>& stop);

    /// What the release does when it starts: table, journal mode, missing columns.
    void create();

    /// Waits as long as a release since M4 would. False when stopped meanwhile.
    [[nodiscard]] bool wait_until_it_may_pour();
    /// Stores one pour; returns its rowid after COMMIT returned. nullopt when stopped while busy.
    [[nodiscard]] std::optional<std::int64_t> store(const Pour& pour);

    [[nodiscard]] TapReport& report() noexcept { return report_; }

  private:
    [[nodiscard]] std::int64_t store_once(const std::vector<Column>& columns);
    [[nodiscard]] bool new_pour_exists();
    [[nodiscard]] Connection& connection();
    void after_operation() noexcept;

    const Release& release_;
    TapOptions options_;
    const std::atomic<bool>& stop_;
    std::optional<Connection> connection_;
    TapReport report_;
};

}  // namespace tapline::tap_sim
