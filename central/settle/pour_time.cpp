#include "central/settle/pour_time.hpp"

#include <algorithm>
#include <chrono>

namespace tapline::settle {

namespace {

using std::chrono::sys_days;

constexpr std::int64_t us_of(sys_days day) {
    return std::chrono::duration_cast<std::chrono::microseconds>(day.time_since_epoch()).count();
}

constexpr std::int64_t first_plausible_us = us_of(std::chrono::year(2020) / 1 / 1);
constexpr std::int64_t end_plausible_us = us_of(std::chrono::year(2101) / 1 / 1);
constexpr std::int64_t us_per_ms = 1'000;
constexpr std::int64_t us_per_day = 86'400'000'000;
constexpr std::int64_t far_ahead_us = 3 * 366 * us_per_day;
// A step larger than this is nonsense from outside; without the limit sums could overflow.
constexpr std::int64_t max_step_ms = 200LL * 366 * 86'400'000;

bool plausible(std::int64_t time_us) noexcept {
    return time_us >= first_plausible_us && time_us < end_plausible_us;
}

bool sane(std::int64_t ms) noexcept {
    return ms <= max_step_ms && ms >= -max_step_ms;
}

struct Correction {
    std::int64_t shift_us = 0;
    TimeQuality quality = TimeQuality::unknown;
};

const wire::Boot* boot_of(const std::vector<wire::Boot>& boots, Seq seq) noexcept {
    const wire::Boot* found = nullptr;
    for (const auto& boot : boots) {
        if (boot.first_seq <= seq && (found == nullptr || boot.first_seq >= found->first_seq)) {
            found = &boot;
        }
    }
    return found;
}

Correction correction(const ClockView& clock, Seq seq) noexcept {
    if (clock.boots == nullptr || clock.sample == nullptr) {
        return {};
    }
    const auto* boot = boot_of(*clock.boots, seq);
    if (boot == nullptr) {
        return {};
    }
    Correction result;
    bool stepped = false;
    for (const auto& step : boot->steps) {
        if (step.after_seq < seq) {
            continue;
        }
        if (!sane(step.delta_ms)) {
            return {};
        }
        stepped = true;
        result.shift_us += step.delta_ms * us_per_ms;
        if (!sane(result.shift_us / us_per_ms)) {
            return {};
        }
    }
    if (boot->synchronized) {
        result.quality = stepped ? TimeQuality::corrected : TimeQuality::exact;
        return result;
    }
    const bool current = !boot->boot_id.empty() && boot->boot_id == clock.sample->boot_id;
    const std::int64_t sample_ms = clock.sample->utc_ms;
    if (!current || !sane(sample_ms)) {
        return {};
    }
    result.shift_us += clock.received_us - sample_ms * us_per_ms;
    result.quality = TimeQuality::corrected;
    return result;
}

std::optional<std::int64_t> raw_start(const CleanPour& pour) noexcept {
    if (pour.start_us) {
        return pour.start_us;
    }
    if (!pour.recorded_us) {
        return std::nullopt;
    }
    return *pour.recorded_us - pour.duration_ms.value_or(0) * us_per_ms;
}

}  // namespace

std::string_view to_string(TimeQuality quality) noexcept {
    switch (quality) {
        case TimeQuality::exact:
            return "exact";
        case TimeQuality::corrected:
            return "corrected";
        case TimeQuality::bounded:
            return "bounded";
        case TimeQuality::unknown:
            return "unknown";
    }
    return "unknown";
}

TimeQuality time_quality(std::string_view text) noexcept {
    if (text == "exact") {
        return TimeQuality::exact;
    }
    if (text == "corrected") {
        return TimeQuality::corrected;
    }
    return text == "bounded" ? TimeQuality::bounded : TimeQuality::unknown;
}

PourTime receipt_time(std::int64_t received_us) noexcept {
    PourTime time;
    time.poured_us = received_us;
    return time;
}

PourTime pour_time(const CleanPour& pour, const ClockView& clock) {
    PourTime time = receipt_time(clock.received_us);
    time.recorded_us = raw_start(pour);
    if (!time.recorded_us) {
        return time;
    }
    if (time.recorded_us && *time.recorded_us < us_of(std::chrono::year(1) / 1 / 1)) {
        time.recorded_us.reset();  // duration_ms reached back before year 1: no timestamptz of ours
        return time;
    }
    auto known = correction(clock, pour.seq);
    const std::int64_t corrected_us = *time.recorded_us + known.shift_us;
    if (corrected_us > clock.received_us + far_ahead_us) {
        known.quality = TimeQuality::unknown;  // 2038, or a time server that lies
    }
    // An unset clock starts in 1970; the correction is what makes such a time usable.
    if (known.quality == TimeQuality::corrected && plausible(corrected_us)) {
        time.quality = known.quality;
        time.corrected_us = corrected_us;
        time.poured_us = corrected_us;
        return time;
    }
    if (!plausible(*time.recorded_us)) {
        return time;
    }
    if (known.quality == TimeQuality::exact) {
        time.quality = known.quality;
        time.corrected_us = time.recorded_us;
        time.poured_us = *time.recorded_us;
    } else if (*time.recorded_us <= clock.received_us + us_per_day) {
        time.poured_us = *time.recorded_us;
    }
    return time;
}

void bound_times(const std::vector<PourTime*>& times, std::int64_t received_us) {
    std::vector<std::int64_t> not_after(times.size(), received_us);
    std::int64_t next_us = received_us;
    for (std::size_t i = times.size(); i-- > 0;) {
        not_after[i] = next_us;
        next_us = times[i]->assignment_us().value_or(next_us);
    }
    std::optional<std::int64_t> not_before;
    for (std::size_t i = 0; i < times.size(); ++i) {
        PourTime& time = *times[i];
        if (const auto known = time.assignment_us()) {
            not_before = known;
            continue;
        }
        if (!not_before || *not_before > not_after[i] || !time.recorded_us) {
            continue;
        }
        time.quality = TimeQuality::bounded;
        time.corrected_us = std::clamp(*time.recorded_us, *not_before, not_after[i]);
        time.poured_us = *time.corrected_us;
    }
}

}  // namespace tapline::settle
