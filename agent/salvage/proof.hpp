// What the chain of row hashes proves about the rows that were found. Pure but for reading them.
#pragma once

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "agent/salvage/found.hpp"
#include "common/wire.hpp"

namespace tapline::salvage {

/// One row of each seq, ascending.
struct ChainRow {
    Seq seq = 0;
    std::size_t row = 0;  ///< in Found::rows
    bool sound = false;   ///< by validator and index
};

struct Proof {
    /// (after, through] whose rows make the hash that was stored at `through`.
    std::vector<std::pair<Seq, Seq>> intervals;
    /// The highest stored point behind which nothing is in doubt. A pour past it may never have
    /// reached central, whatever the cursor says: SQLite may have skipped it when it was sent.
    wire::ChainPoint settled;
    std::vector<FoundHash> chain;  ///< stored points up to `settled`

    [[nodiscard]] bool proves(Seq seq) const noexcept;
};

[[nodiscard]] Proof prove_chain(
    const Found& found,
    const std::vector<ChainRow>& rows,
    const std::function<std::optional<RawPour>(const FoundRow&)>& read
);

}  // namespace tapline::salvage
