// Who else shows a journal, and whether two do so at once. Pure.
//
// A side is a device and a boot, as hello tells it: fingerprint of the hardware and boot id. One
// that wasn't heard for the window is gone. Two are alive at once when one was heard after the
// other had begun, and the other is heard again: a reboot and a card that changed its device never
// do that.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace tapline::fleet {

struct Side {
    std::int64_t id = 0;
    std::string fingerprint;
    std::int64_t epoch = 0;
    bool epoch_open = true;               ///< central settles in it
    bool by_operator = false;             ///< an operator gave it that epoch
    std::chrono::milliseconds silent{};   ///< since it was heard last
    std::chrono::milliseconds session{};  ///< since it was heard first, without a long pause
};

enum class Liveness {
    alone,
    another,    ///< another device was here a moment ago and may be gone
    two_alive,  ///< an operator decides, or one of the two falls silent
};

/// contested: two were alive when this journal was looked at last.
[[nodiscard]] Liveness judge(
    const Side& self,
    const std::vector<Side>& others,
    std::chrono::milliseconds window,
    bool contested
);

/// Whether two devices among these are alive at once: what a third one, which is told apart from
/// both, can't see from its own place.
[[nodiscard]] bool contest_among(const std::vector<Side>& sides, std::chrono::milliseconds window);

/// How long until the last of the others counts as gone.
[[nodiscard]] std::chrono::milliseconds until_alone(
    const std::vector<Side>& others, std::chrono::milliseconds window
);

}  // namespace tapline::fleet
