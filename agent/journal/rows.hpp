// All SQL on the pours of a journal at j0001 or later. Statements are prepared once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/journal/database.hpp"
#include "common/pour.hpp"

namespace tapline::journal {

/// A row of a statement that selects seq, card_uid, client_tx_id, data, duration_ms, end_ts,
/// legacy_status, price_cents, price_per_ml_at_pour, recorded_at, short_id, start_ts,
/// tail_volume_ml, tap_id, volume_ml in this order; more columns may follow.
[[nodiscard]] RawPour read_pour(const Statement& row);
inline constexpr int columns_of_pour = 15;

class Rows {
  public:
    explicit Rows(Database& database);

    [[nodiscard]] Seq max_seq();
    /// Rows with after < seq <= through.
    [[nodiscard]] std::int64_t count(Seq after, Seq through);
    /// Of the first row behind `after` that has a time.
    [[nodiscard]] std::optional<std::string> first_recorded_at(Seq after, Seq through);

    /// Rows with after < seq <= through, ascending, until `take` says no. No read transaction stays
    /// open afterwards.
    void read(Seq after, Seq through, const std::function<bool(RawPour&&)>& take);

    /// Seqs with after < seq <= through and status `new`, at most `limit`.
    [[nodiscard]] std::vector<Seq> find_new(Seq after, Seq through, std::int64_t limit);
    /// The same, the highest seq first.
    [[nodiscard]] std::vector<Seq> find_newest_new(Seq after, Seq through, std::int64_t limit);

    struct Seqs {
        std::int64_t rows = 0;
        Seq last = 0;
    };

    /// The first `limit` rows with after < seq <= through: how many there are, and where they end.
    [[nodiscard]] Seqs next_seqs(Seq after, Seq through, std::int64_t limit);
    /// Deletes rows with after < seq <= through; the journal's trigger has the last word.
    std::int64_t remove(Seq after, Seq through);

    /// Each returns the rows changed; rows whose status is another one stay as they are.
    std::int64_t hold(Seq seq);                    ///< new -> held
    std::int64_t confirm(Seq after, Seq through);  ///< new, held -> confirmed
    std::int64_t quarantine(Seq seq);              ///< new, held -> quarantined
    std::int64_t release(Seq seq);                 ///< quarantined -> confirmed

  private:
    static std::vector<Seq> seqs_of(Statement& find, Seq after, Seq through, std::int64_t limit);

    Statement max_seq_;
    Statement count_;
    Statement first_recorded_at_;
    bool noted_;  ///< a salvage left notes on some rows
    Statement read_;
    Statement find_new_;
    Statement find_newest_new_;
    Statement hold_;
    Statement confirm_;
    Statement quarantine_;
    Statement release_;
    Statement next_seqs_;
    Statement remove_;
};

}  // namespace tapline::journal
