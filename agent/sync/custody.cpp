#include "agent/sync/custody.hpp"

#include <algorithm>

namespace tapline::sync {

void Custody::rows_arrived(MonoTime now) noexcept {
    ++arrivals_;
    if (!oldest_) {
        oldest_ = now;
    }
}

void Custody::nothing_left(Glance before) noexcept {
    if (arrivals_ == before.arrivals) {
        oldest_.reset();
    } else if (oldest_) {
        oldest_ = std::max(*oldest_, before.at);
    }
}

std::optional<MonoTime> Custody::due() const noexcept {
    if (!rules_.enabled || !oldest_) {
        return std::nullopt;
    }
    if (ack_expected_) {
        return *oldest_ + rules_.patience;
    }
    if (last_mark_) {
        return std::max(*oldest_, *last_mark_ + rules_.spacing);
    }
    return *oldest_;
}

}  // namespace tapline::sync
