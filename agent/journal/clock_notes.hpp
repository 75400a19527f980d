// tapline_clock: in which boot a pour was written, and how that boot's clock was stepped.
#pragma once

#include <vector>

#include "agent/journal/database.hpp"
#include "common/pour.hpp"
#include "common/wire.hpp"

namespace tapline::journal {

inline constexpr std::size_t max_boots_sent = 16;
inline constexpr std::size_t max_boots_kept = 64;
inline constexpr std::size_t max_clock_steps = 32;

class ClockNotes {
  public:
    explicit ClockNotes(Database& database);

    /// Writes only when something is new: of a boot that is known only steps that aren't, and
    /// whether its clock is synchronised; first_seq stays what it was. More than max_clock_steps:
    /// the oldest are added up.
    void note(const wire::Boot& boot);

    /// The boots in which rows first..last were written, oldest first, at most max_boots_sent.
    [[nodiscard]] std::vector<wire::Boot> between(Seq first, Seq last) const;

  private:
    Database& database_;
    std::vector<wire::Boot> boots_;  ///< as in the table, oldest first
};

}  // namespace tapline::journal
