// What the agent costs the card: bytes and syncs per pour, and per hour in which nothing is poured.
#pragma once

#include <cstdint>
#include <optional>

#include "agent/journal/disk_use.hpp"
#include "common/clock.hpp"
#include "common/pour.hpp"

namespace tapline::service {

struct WearFigures {
    std::int64_t pours = 0;  ///< acked
    std::int64_t busy_bytes = 0;
    std::int64_t busy_syncs = 0;
    std::int64_t idle_ms = 0;
    std::int64_t idle_bytes = 0;
    std::int64_t idle_syncs = 0;
};

/// Until so long after the last sign of a pour, writing is that pour's: marks come after 2 s, the
/// checkpoint after 5 quiet ones.
inline constexpr std::chrono::milliseconds wear_quiet{15'000};

/// Pure: whoever writes the status tells it the counters as they are. What lies between two looks
/// is one pour's or nobody's as a whole.
class Wear {
  public:
    /// acked: pours acked so far; newest: sum of the journals' newest seqs. Both only matter by
    /// their change.
    void note(MonoTime now, const journal::DiskUse& use, std::int64_t acked, Seq newest);

    [[nodiscard]] const WearFigures& figures() const noexcept { return figures_; }

  private:
    struct Look {
        MonoTime at;
        journal::DiskUse use;
        std::int64_t acked = 0;
        Seq newest = 0;
    };

    std::optional<Look> last_;
    MonoTime busy_until_;
    WearFigures figures_;
};

}  // namespace tapline::service
