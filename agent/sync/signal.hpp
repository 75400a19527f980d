// "Something happened" for one waiting coroutine, with the Clock's time as the limit.
#pragma once

#include <chrono>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "common/clock.hpp"

namespace tapline::sync {

/// Everything happens on one executor; one coroutine waits at a time. A notification that comes
/// while nobody waits is kept: the next wait returns at once.
class Signal {
  public:
    explicit Signal(Clock& clock) : clock_(clock) {}

    void notify();

    void clear() noexcept { notified_ = false; }

    /// True when notified, false when the time was up.
    [[nodiscard]] boost::asio::awaitable<bool> wait(std::chrono::milliseconds limit);

  private:
    Clock& clock_;
    boost::asio::cancellation_signal interrupt_;
    bool notified_ = false;
};

}  // namespace tapline::sync
