// How the runner is to work, and what it tells while it does.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "central/pg/session.hpp"
#include "central/revision/lineage_set.hpp"
#include "common/revision/plan.hpp"
#include "common/revision/revision.hpp"

namespace tapline::revision {

/// Before each statement of a revision and right after it, not committed yet; each page of a batch
/// step is a statement. Once more before the version moves (statement == statements).
struct StatementProgress {
    const Revision& revision;
    Direction direction = Direction::upgrade;
    std::size_t statement = 0;
    std::size_t statements = 0;
    bool executed = false;
};

struct RunOptions {
    pg::ConnectOptions connect;
    std::chrono::milliseconds lock_wait{60'000};    ///< for another runner to finish
    std::chrono::milliseconds lock_timeout{2'000};  ///< of one try; a section may say otherwise
    std::chrono::milliseconds table_lock_wait{120'000};  ///< all tries of one statement together
    bool discard_rows = false;                ///< a downgrade may drop tables that hold rows
    const std::atomic<bool>* stop = nullptr;  ///< set: end after the page or statement that runs
    /// Asked under the runner's lock, before the first step of what will run; throws to refuse.
    std::function<void(const AppliedHeads&, const std::vector<PartStep>&)> gate;
    std::function<void(const std::string& line)> say;        ///< for people; may be empty
    std::function<void(const StatementProgress&)> progress;  ///< may be empty
};

}  // namespace tapline::revision
