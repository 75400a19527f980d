// What systemd is told, by its own datagram protocol (sd_notify(3)); works in a static program.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/config.hpp"

namespace tapline::service {

/// Does nothing when NOTIFY_SOCKET isn't set. A message that can't be sent is lost: systemd's
/// watchdog is what notices.
class Notifier {
  public:
    explicit Notifier(const Environment& environment);

    void ready() const { send("READY=1"); }

    void stopping() const { send("STOPPING=1"); }

    /// Until ready() is said again (sd_notify(3), RELOADING=1).
    void reloading() const;

    void alive() const { send("WATCHDOG=1"); }

    void status(const std::string& text) const { send("STATUS=" + text); }

    /// Half of WATCHDOG_USEC, as systemd advises; nullopt when it doesn't watch.
    [[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_period() const noexcept {
        return watchdog_period_;
    }

  private:
    void send(const std::string& message) const;

    std::string socket_;
    std::optional<std::chrono::milliseconds> watchdog_period_;
};

}  // namespace tapline::service
