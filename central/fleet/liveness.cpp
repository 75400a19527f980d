#include "central/fleet/liveness.hpp"

#include <algorithm>

namespace tapline::fleet {

namespace {

/// Of an operator who lets both go on, each has an epoch of its own.
bool told_apart(const Side& left, const Side& right) noexcept {
    return left.epoch != right.epoch && left.by_operator && right.by_operator;
}

}  // namespace

Liveness judge(
    const Side& self,
    const std::vector<Side>& others,
    std::chrono::milliseconds window,
    bool contested
) {
    auto verdict = Liveness::alone;
    for (const auto& other : others) {
        if (!other.epoch_open || other.silent > window || told_apart(self, other)) {
            continue;
        }
        // The same device after a reboot: the boot before is over, unless it speaks again.
        const bool another = other.fingerprint != self.fingerprint;
        if ((contested && another) || other.silent < self.session) {
            return Liveness::two_alive;
        }
        if (another) {
            verdict = Liveness::another;
        }
    }
    return verdict;
}

bool contest_among(const std::vector<Side>& sides, std::chrono::milliseconds window) {
    const auto here = [&](const Side& side) { return side.epoch_open && side.silent <= window; };
    for (auto left = sides.begin(); left != sides.end(); ++left) {
        const auto against = [&](const Side& right) {
            return here(right) && right.fingerprint != left->fingerprint &&
                   !told_apart(*left, right);
        };
        if (here(*left) && std::any_of(left + 1, sides.end(), against)) {
            return true;
        }
    }
    return false;
}

std::chrono::milliseconds until_alone(
    const std::vector<Side>& others, std::chrono::milliseconds window
) {
    std::chrono::milliseconds longest{0};
    for (const auto& other : others) {
        if (other.epoch_open) {
            longest = std::max(longest, window - other.silent);
        }
    }
    return longest;
}

}  // namespace tapline::fleet
