// tapline_journal and tapline_hash: where central is, and the chain at past batches.
#pragma once

#include <optional>
#include <vector>

#include "agent/journal/database.hpp"
#include "agent/journal/journal.hpp"

namespace tapline::journal {

/// Of the newest batches every hash stays, of older ones one in this many: enough to meet a
/// restored centre half-way, and the table stays small.
inline constexpr std::int64_t hashes_kept = 64;

using ChainPoint = wire::ChainPoint;

class Cursor {
  public:
    explicit Cursor(Database& database);

    /// Without Identity::revision, which the log tells.
    [[nodiscard]] Identity read();
    [[nodiscard]] Seq pruned_through();
    /// The stored point of the chain nearest to and not behind `seq`. Epochs don't matter: the
    /// chain goes on through them, and what lies beyond the start of one is forgotten.
    [[nodiscard]] ChainPoint nearest(Seq seq);
    /// The newest stored points, ascending, at most `limit`.
    [[nodiscard]] std::vector<ChainPoint> newest(std::int64_t limit);

    /// All of these are parts of the caller's transaction.
    void advance(std::int64_t epoch, Seq first_seq, const ChainPoint& point);
    void step_back(const ChainPoint& point);
    void begin_epoch(std::int64_t epoch, const ChainPoint& point);
    void set_prunable(Seq through);
    void set_pruned(Seq through);
    void set_released(std::int64_t through);

  private:
    void add_hash(std::int64_t epoch, Seq first_seq, const ChainPoint& point);

    Statement read_;
    Statement pruned_;
    Statement nearest_;
    Statement newest_;
    Statement move_;
    Statement begin_epoch_;
    Statement last_batch_;
    Statement add_hash_;
    Statement thin_;
    Statement forget_;
    Statement prunable_;
    Statement released_;
    Statement set_pruned_;
};

}  // namespace tapline::journal
