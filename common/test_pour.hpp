// The mark of a pour that a technician writes to see whether it gets through (`tapline-agent
// record`).
#pragma once

#include <string>
#include <string_view>

#include "common/pour.hpp"

namespace tapline {

inline constexpr std::string_view test_id_prefix = "tapline-test-";
inline constexpr std::string_view test_card_uid = "tapline-test";
inline constexpr std::string_view test_pour_code = "test_pour";

/// All of it: id, card, and no volume. Whoever gives his pour the mark has poured nothing; one with
/// beer in it is settled, or waits in quarantine, as any other.
[[nodiscard]] inline bool is_test_pour(const CleanPour& pour) noexcept {
    return pour.volume_ml == 0 && pour.tail_volume_ml == 0 && pour.price_cents.value_or(0) == 0 &&
           pour.card_uid == test_card_uid && pour.client_tx_id.starts_with(test_id_prefix);
}

}  // namespace tapline
