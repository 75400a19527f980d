#include "central/gateway/attempts.hpp"

#include <algorithm>

namespace tapline::gateway {

bool Attempts::may_try(const std::string& address, MonoTime now) const {
    const auto found = records_.find(address);
    return found == records_.end() || now - found->second.since >= window ||
           found->second.failures < max_failures;
}

void Attempts::failed(const std::string& address, MonoTime now) {
    std::erase_if(records_, [now](const auto& entry) {
        return now - entry.second.since >= window;
    });
    if (records_.size() >= max_addresses && !records_.contains(address)) {
        const auto oldest = std::min_element(
            records_.begin(),
            records_.end(),
            [](const auto& left, const auto& right) {
                return left.second.since < right.second.since;
            }
        );
        records_.erase(oldest);
    }
    auto [entry, fresh] = records_.try_emplace(address);
    if (fresh) {
        entry->second.since = now;
    }
    ++entry->second.failures;
}

}  // namespace tapline::gateway
