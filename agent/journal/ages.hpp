// How long pours have been acked, by the time that the agent itself was running. A Pi has no RTC:
// nothing is pruned by the wall clock. Pure; the file is retention's.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/pour.hpp"

namespace tapline::journal {

/// At most so many are kept; with more, every second of the older half goes. What is lost makes
/// pours look younger, never older.
inline constexpr std::size_t max_age_marks = 400;
inline constexpr std::chrono::seconds age_mark_spacing{3'600};

class Ages {
  public:
    explicit Ages(std::string journal_id) : journal_id_(std::move(journal_id)) {}

    /// What encode() gave. Text that is damaged, or of another journal, is as if there were none.
    [[nodiscard]] static Ages decode(std::string_view text, const std::string& journal_id);
    [[nodiscard]] std::string encode() const;

    /// The running time that was known when this was encoded.
    [[nodiscard]] std::chrono::seconds uptime() const noexcept { return uptime_; }

    /// At running time `now` pours up to `acked` were acked. True when that is news worth writing:
    /// more are acked than at the last mark, and it is an hour old. A cursor that moved back takes
    /// the marks above it along.
    bool note(std::chrono::seconds now, Seq acked);

    /// The running time alone; ages aren't touched.
    void advance(std::chrono::seconds now) noexcept { uptime_ = std::max(uptime_, now); }

    /// Pours up to here have been acked for `keep` at least; 0: none.
    [[nodiscard]] Seq acked_for(std::chrono::seconds keep, std::chrono::seconds now) const noexcept;

    /// Pours a day of running time up to `max_seq` now; nullopt before the first whole day.
    [[nodiscard]] std::optional<std::int64_t> pours_per_day(Seq max_seq, std::chrono::seconds now)
        const noexcept;

  private:
    struct Mark {
        std::chrono::seconds uptime{};
        Seq through = 0;
    };

    std::string journal_id_;
    std::chrono::seconds uptime_{};
    std::vector<Mark> marks_;  ///< ascending in both
};

}  // namespace tapline::journal
