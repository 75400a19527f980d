// Pours as a person looks at them: with the writer's status, and how far they have come.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/journal/database.hpp"
#include "common/pour.hpp"

namespace tapline::journal {

inline constexpr std::int64_t max_seen_pours = 10'000;  ///< of one question

struct SeenPour {
    RawPour pour;
    std::string status;  ///< the writer's column; NULL reads as ""
    std::int64_t attempts = 0;
};

/// "waiting": central doesn't have it; "acked": it has; "quarantined": it has, and a person there
/// has to look.
[[nodiscard]] std::string_view standing_of(const SeenPour& pour, Seq acked_through) noexcept;

class PourView {
  public:
    explicit PourView(Database& database);

    /// All ascending, at most `limit` and max_seen_pours.
    [[nodiscard]] std::vector<SeenPour> newest(std::int64_t limit);
    [[nodiscard]] std::vector<SeenPour> after(Seq seq, std::int64_t limit);
    /// By seq, client_tx_id or short_id.
    [[nodiscard]] std::vector<SeenPour> named(std::string_view id, std::int64_t limit);

  private:
    Statement newest_;
    Statement after_;
    Statement named_;
};

}  // namespace tapline::journal
