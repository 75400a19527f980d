// When a pour happened, as far as its controller's clock can be trusted. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "common/pour.hpp"
#include "common/wire.hpp"

namespace tapline::settle {

enum class TimeQuality {
    exact,      ///< a synchronised clock, as it was written
    corrected,  ///< shifted by what is known about the clock's error
    bounded,    ///< between the known times of the pours around it; a guess within these
    unknown,
};

[[nodiscard]] std::string_view to_string(TimeQuality quality) noexcept;
[[nodiscard]] TimeQuality time_quality(std::string_view text) noexcept;

/// All times are microseconds since 1970 UTC.
struct PourTime {
    std::optional<std::int64_t> recorded_us;   ///< start of the pour by the device's clock, raw
    std::optional<std::int64_t> corrected_us;  ///< never with quality unknown
    TimeQuality quality = TimeQuality::unknown;
    std::int64_t poured_us = 0;  ///< for pours.poured_at: corrected, else raw, else receipt

    /// Good enough to say who held the card and which keg was on; else today's are taken.
    [[nodiscard]] std::optional<std::int64_t> assignment_us() const {
        const bool certain = quality == TimeQuality::exact || quality == TimeQuality::corrected;
        return certain ? corrected_us : std::nullopt;
    }
};

/// What the batch says of the clock that wrote its rows.
struct ClockView {
    const std::vector<wire::Boot>* boots = nullptr;
    const wire::ClockSample* sample = nullptr;
    std::int64_t received_us = 0;  ///< central's clock when the batch came
};

/// Start = start_ts, else recorded_at - duration_ms. A raw time outside 2020–2100, or of unknown
/// quality and more than a day ahead of central's clock, counts as no time at all. One that is more
/// than three years ahead is unknown whatever its clock says of itself.
[[nodiscard]] PourTime pour_time(const CleanPour& pour, const ClockView& clock);

/// times: of a batch's rows in the order of their seqs, which is the order of their commits. One of
/// unknown quality after one of known time becomes bounded: it is not before that, and not after
/// the next known time or, where none follows, the batch's arrival (both give or take the length of
/// a pour). The guess is its raw time, moved into the bounds.
void bound_times(const std::vector<PourTime*>& times, std::int64_t received_us);

/// The time of a pour that can't be read: when it came.
[[nodiscard]] PourTime receipt_time(std::int64_t received_us) noexcept;

}  // namespace tapline::settle
