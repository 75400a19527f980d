// Time that stands still until the test moves it.
#pragma once

#include <algorithm>
#include <list>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "common/clock.hpp"

namespace tapline::test {

/// For one executor. advance() lets every sleeper go whose time has come; they resume when the
/// executor runs next.
class FakeClock final : public Clock {
  public:
    [[nodiscard]] UtcTime now_utc() const override { return utc_; }

    [[nodiscard]] MonoTime now_mono() const override { return mono_; }

    [[nodiscard]] boost::asio::awaitable<void> sleep(std::chrono::milliseconds duration) override {
        auto executor = co_await boost::asio::this_coro::executor;
        Sleeper sleeper{mono_ + duration, boost::asio::steady_timer(executor)};
        if (duration.count() <= 0) {
            co_return;
        }
        sleeper.timer.expires_at(boost::asio::steady_timer::time_point::max());
        const auto place = sleepers_.insert(sleepers_.end(), &sleeper);
        boost::system::error_code woken;
        auto token = boost::asio::redirect_error(boost::asio::use_awaitable, woken);
        co_await sleeper.timer.async_wait(token);
        sleepers_.erase(place);
    }

    void advance(std::chrono::milliseconds duration) {
        mono_ += duration;
        utc_ += duration;
        for (auto* sleeper : sleepers_) {
            if (sleeper->until <= mono_) {
                sleeper->timer.cancel();
            }
        }
    }

    /// Somebody set the wall clock.
    void step(std::chrono::milliseconds delta) { utc_ += delta; }

    [[nodiscard]] std::size_t sleepers() const noexcept { return sleepers_.size(); }

  private:
    struct Sleeper {
        MonoTime until;
        boost::asio::steady_timer timer;
    };

    UtcTime utc_{std::chrono::sys_days{std::chrono::year(2026) / 11 / 20}};
    MonoTime mono_{std::chrono::hours(1)};
    std::list<Sleeper*> sleepers_;
};

}  // namespace tapline::test
