// How often the agent was started in a row without coming to rest, kept in memory only: neither the
// card nor central shall be hammered by a service manager that never tires.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "common/backoff.hpp"
#include "common/config.hpp"

namespace tapline::service {

/// So many starts in a row are nobody's concern.
inline constexpr int free_starts = 4;
/// A run of this length was no part of a storm; neither is one that was told to stop.
inline constexpr std::chrono::seconds settled_after{60};
/// Starts further apart than this aren't in a row.
inline constexpr std::chrono::seconds forgotten_after{600};

class RecentStarts {
  public:
    /// Notes this start in starts-<name> beside the status file, on a tmpfs or nowhere.
    RecentStarts(
        const std::string& status_file, const std::string& name, const Environment& environment
    );
    ~RecentStarts();
    RecentStarts(const RecentStarts&) = delete;
    RecentStarts& operator=(const RecentStarts&) = delete;

    /// Starts in a row, this one too; 1 when nothing is known.
    [[nodiscard]] int in_a_row() const noexcept { return in_a_row_; }

    /// This run counts no more.
    void settled() const;

  private:
    void write(const std::string& text) const;

    int descriptor_ = -1;
    int in_a_row_ = 1;
};

/// The wait before the first hello: none for free_starts, then half of base * 2^n, up to the cap,
/// and the same again at random.
[[nodiscard]] std::chrono::milliseconds storm_pause(
    int in_a_row, const BackoffLimits& limits, std::uint64_t seed
);

}  // namespace tapline::service
