// The first of the three seams for tests: nobody else reads the time or makes timers, except the
// stream deadlines inside the two Beast units.
#pragma once

#include <chrono>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace tapline {

using UtcTime = std::chrono::sys_time<std::chrono::milliseconds>;
using MonoTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;

class Clock {
  public:
    Clock() = default;
    virtual ~Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;

    [[nodiscard]] virtual UtcTime now_utc() const = 0;
    /// Never jumps; doesn't count time in suspend. Only differences mean anything.
    [[nodiscard]] virtual MonoTime now_mono() const = 0;
    /// Ends early without an error when the coroutine is cancelled.
    [[nodiscard]] virtual boost::asio::awaitable<void> sleep(std::chrono::milliseconds duration
    ) = 0;
};

class SystemClock final : public Clock {
  public:
    [[nodiscard]] UtcTime now_utc() const override;
    [[nodiscard]] MonoTime now_mono() const override;
    [[nodiscard]] boost::asio::awaitable<void> sleep(std::chrono::milliseconds duration) override;
};

/// The one that everybody uses who has no other; it holds nothing.
[[nodiscard]] const Clock& system_clock() noexcept;

/// This boot's UUID as the kernel gives it (/proc/sys/kernel/random/boot_id); empty where there is
/// none.
[[nodiscard]] std::string boot_id();

/// True when the kernel's clock is disciplined (adjtimex: STA_UNSYNC is clear).
[[nodiscard]] bool clock_synchronized() noexcept;

/// "2026-11-20T18:03:11.123Z"
[[nodiscard]] std::string format_utc(UtcTime time);

}  // namespace tapline
