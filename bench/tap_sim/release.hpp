// What each release of the tap's own program does to a journal, statement by statement. The program
// is not ours: these are facts about what runs on the controllers, kept wrong where it is wrong.
#pragma once

#include <span>
#include <string_view>

namespace tapline::tap_sim {

/// How a release writes a card's UID; all three stand in one file after a few updates.
enum class CardSpelling { upper, upper_spaced, mixed, lower };

/// What a release puts into price_cents and price_per_ml_at_pour.
enum class Pricing { fixed_150_per_100_ml, authorised_per_ml };

struct AddedColumn {
    std::string_view name;
    std::string_view declaration;
};

struct Release {
    std::string_view name;
    std::string_view create;             ///< CREATE TABLE IF NOT EXISTS, as the release has it
    bool wal = true;                     ///< PRAGMA journal_mode=WAL at start
    std::span<const AddedColumn> added;  ///< ALTER TABLE at start where the column is missing
    std::span<const std::string_view> inserted;  ///< columns of its INSERT, in order
    CardSpelling spelling = CardSpelling::lower;
    Pricing pricing = Pricing::fixed_150_per_100_ml;
    bool zero_rows = false;  ///< a session without flow leaves a row of 0 ml
};

/// nullptr when there is no such release.
[[nodiscard]] const Release* find_release(std::string_view name) noexcept;
[[nodiscard]] std::span<const Release> all_releases() noexcept;

}  // namespace tapline::tap_sim
