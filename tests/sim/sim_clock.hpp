// Time of the simulation: it goes to the next moment at which somebody wants to wake.
#pragma once

#include <map>
#include <optional>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/clock.hpp"

namespace tapline::test {

/// For one executor. Thousands may sleep; those who wake at the same moment do so in the order in
/// which they fell asleep.
class SimClock final : public Clock {
  public:
    [[nodiscard]] UtcTime now_utc() const override { return utc_; }

    [[nodiscard]] MonoTime now_mono() const override { return mono_; }

    [[nodiscard]] boost::asio::awaitable<void> sleep(std::chrono::milliseconds duration) override {
        auto executor = co_await boost::asio::this_coro::executor;
        if (duration.count() <= 0) {
            co_return;
        }
        boost::asio::steady_timer timer(executor);
        timer.expires_at(boost::asio::steady_timer::time_point::max());
        const auto place = sleepers_.emplace(mono_ + duration, &timer);
        boost::system::error_code woken;
        auto token = boost::asio::redirect_error(boost::asio::use_awaitable, woken);
        co_await timer.async_wait(token);
        sleepers_.erase(place);
    }

    /// nullopt: nobody sleeps.
    [[nodiscard]] std::optional<MonoTime> next() const {
        return sleepers_.empty() ? std::nullopt : std::optional(sleepers_.begin()->first);
    }

    void go_to(MonoTime time) {
        utc_ += time - mono_;
        mono_ = time;
        for (auto at = sleepers_.begin(); at != sleepers_.end() && at->first <= mono_; ++at) {
            at->second->cancel();
        }
    }

  private:
    UtcTime utc_{std::chrono::sys_days{std::chrono::year(2026) / 11 / 20}};
    MonoTime mono_{std::chrono::hours(1)};
    std::multimap<MonoTime, boost::asio::steady_timer*> sleepers_;
};

}  // namespace tapline::test
