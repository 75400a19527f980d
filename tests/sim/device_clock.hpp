// The clock of one device over the simulation's: it may be wrong, and begins anew with each boot.
#pragma once

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "agent/sync/this_boot.hpp"
#include "tests/sim/sim_clock.hpp"

namespace tapline::test {

class DeviceClock final : public Clock {
  public:
    DeviceClock(SimClock& world, int device) : world_(world), device_(device) { boot({}, true); }

    [[nodiscard]] UtcTime now_utc() const override { return world_.now_utc() + ahead_; }

    [[nodiscard]] MonoTime now_mono() const override { return world_.now_mono(); }

    [[nodiscard]] boost::asio::awaitable<void> sleep(std::chrono::milliseconds duration) override {
        return world_.sleep(duration);
    }

    /// What its kernel would say; this outlives who asks.
    [[nodiscard]] sync::ThisBoot this_boot() const {
        return {[this] { return boot_id_; }, [this] { return synchronized_; }};
    }

    void boot(std::chrono::milliseconds ahead, bool synchronized) {
        boot_id_ = fmt::format("00000000-0000-4000-9000-{:06x}{:06x}", device_, ++boots_);
        ahead_ = ahead;
        synchronized_ = synchronized;
    }

    /// Somebody set the wall clock. Linux takes no time before 1970.
    void step(std::chrono::milliseconds delta) { ahead_ = std::max(ahead_ + delta, to_1970()); }

    /// NTP: from now on it is right.
    void set_right() {
        ahead_ = {};
        synchronized_ = true;
    }

    /// A board without an RTC starts in 1970.
    [[nodiscard]] std::chrono::milliseconds to_1970() const {
        return -world_.now_utc().time_since_epoch();
    }

  private:
    SimClock& world_;
    int device_;
    int boots_ = 0;
    std::string boot_id_;
    std::chrono::milliseconds ahead_{};
    bool synchronized_ = true;
};

}  // namespace tapline::test
