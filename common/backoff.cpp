#include "common/backoff.hpp"

#include <algorithm>

namespace tapline {

void Backoff::worked() noexcept {
    attempts_ = 0;
    had_session_ = true;
}

std::chrono::milliseconds Backoff::next(std::chrono::milliseconds retry_after) {
    const auto uniform = [this](std::chrono::milliseconds limit) {
        std::uniform_int_distribution<std::int64_t> draw(
            0, std::max<std::int64_t>(limit.count(), 0)
        );
        return std::chrono::milliseconds(draw(random_));
    };
    // 2^20 times the base is past any cap in use; a larger shift would overflow.
    const int exponent = std::min(attempts_, 20);
    auto ceiling = std::min(limits_.cap, limits_.base * (std::int64_t{1} << exponent));
    if (had_session_ && attempts_ == 0) {
        ceiling = limits_.first_spread;
    }
    had_session_ = false;
    ++attempts_;
    const auto wait = uniform(ceiling);
    if (retry_after.count() <= 0) {
        return wait;
    }
    return std::max(wait, retry_after + uniform(retry_after / 2));
}

}  // namespace tapline
