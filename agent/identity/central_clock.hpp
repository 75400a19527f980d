// What time it is, for certificates only. A Pi has no clock of its own: until the kernel says that
// its time is synchronized, central's last word counts, carried on by the time since then.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "common/clock.hpp"

namespace tapline::identity {

class CentralClock {
  public:
    /// synchronized: the kernel's word. file: where central's time is kept over a restart; it is
    /// written once a day at most. Both clocks outlive this.
    CentralClock(Clock& clock, std::function<bool()> synchronized, std::filesystem::path file);

    [[nodiscard]] UtcTime now() const;

    [[nodiscard]] bool dates_count() const { return synchronized_(); }

    /// Central said its time, over a connection that proved it to be central.
    void heard(std::int64_t server_utc_ms);

  private:
    struct Word {
        UtcTime central;
        MonoTime at;
    };

    Clock& clock_;
    std::function<bool()> synchronized_;
    std::filesystem::path file_;
    std::optional<Word> word_;
    std::optional<UtcTime> written_;
};

}  // namespace tapline::identity
