// The two lanes' work: groups that must not wait, and batches that others must not wait for.
// Private to central/settle.
#pragma once

#include <map>

#include "central/settle/group.hpp"
#include "central/settle/lane.hpp"

namespace tapline::settle {

/// Raw rows for a look at what revisions really hold (tapline.sample); at most one per revision and
/// second, after the acks, and never a reason to fail.
class Sampler {
  public:
    /// Throws what the session throws.
    void offer(pg::Session& session, const Prepared& batch);

  private:
    SystemClock clock_;
    std::map<std::string, MonoTime> next_;
};

/// All waiting batches of distinct journals in one transaction; when that fails, one by one with
/// little patience; the ones that fail again go to the slow lane.
class FastWork final : public LaneWork {
  public:
    /// All of them outlive the fast lane.
    FastWork(const SettleOptions& options, Penalties& penalties, Lane& slow)
        : options_(options), penalties_(penalties), slow_(slow) {}

    Jobs take(std::deque<JobPtr>& queue) override;
    bool run(pg::Session& session, Jobs jobs) override;

  private:
    bool run_each(pg::Session& session, Jobs jobs);

    const SettleOptions& options_;
    Penalties& penalties_;
    Lane& slow_;
    Sampler sampler_;
};

/// One batch at a time: whole, then row by row.
class SlowWork final : public LaneWork {
  public:
    explicit SlowWork(const SettleOptions& options) : options_(options) {}

    Jobs take(std::deque<JobPtr>& queue) override;
    bool run(pg::Session& session, Jobs jobs) override;

  private:
    const SettleOptions& options_;
};

}  // namespace tapline::settle
