// Rows of a journal -> one batch within its limits.
#pragma once

#include <cstddef>
#include <optional>

#include "agent/journal/journal.hpp"

namespace tapline::journal {

/// Takes rows in ascending order, chains their hashes, names the holes, and stops before a limit.
class BatchBuilder {
  public:
    BatchBuilder(Seq after, const RowHash& previous, const BatchLimits& limits);

    /// False: the batch is full; the row that was refused begins the next one.
    [[nodiscard]] bool add(RawPour&& pour);

    /// nullopt when there was no row. Identity, revision and clock are the caller's to fill in.
    [[nodiscard]] std::optional<wire::Batch> finish();

  private:
    void take(RawPour&& pour, std::size_t bytes);

    BatchLimits limits_;
    Seq next_;
    std::size_t bytes_;
    wire::Batch batch_;
};

}  // namespace tapline::journal
