// tapline_journal and tapline_hash: where central is, and the chain at past batches.
#pragma once

#include <optional>

#include "agent/journal/database.hpp"
#include "agent/journal/journal.hpp"

namespace tapline::journal {

/// Of the newest batches every hash stays, of older ones one in this many: enough to meet a
/// restored centre half-way, and the table stays small.
inline constexpr std::int64_t hashes_kept = 64;

struct ChainPoint {
    Seq seq = 0;
    RowHash hash{};
};

class Cursor {
  public:
    explicit Cursor(Database& database);

    /// Without Identity::revision, which the log tells.
    [[nodiscard]] Identity read();
    [[nodiscard]] Seq pruned_through();
    /// The stored point of the chain nearest to and not behind `seq`.
    [[nodiscard]] ChainPoint nearest(std::int64_t epoch, Seq seq);

    /// All of these are parts of the caller's transaction.
    void advance(std::int64_t epoch, Seq first_seq, const ChainPoint& point);
    void step_back(std::int64_t epoch, const ChainPoint& point);
    void set_prunable(Seq through);
    void set_released(std::int64_t through);

  private:
    Statement read_;
    Statement pruned_;
    Statement nearest_;
    Statement move_;
    Statement last_batch_;
    Statement add_hash_;
    Statement thin_;
    Statement forget_;
    Statement prunable_;
    Statement released_;
};

}  // namespace tapline::journal
