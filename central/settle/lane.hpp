// A thread with its own connection that settles what is queued. Private to central/settle.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "central/pg/session.hpp"
#include "central/settle/prepare.hpp"
#include "central/settle/settler.hpp"
#include "common/clock.hpp"

namespace tapline::settle {

struct Job {
    Prepared batch;
    std::function<void(Outcome)> done;  ///< called once, from the lane's thread; must not throw
    bool row_by_row = false;            ///< a row of it is known to be at fault
};

using JobPtr = std::unique_ptr<Job>;
using Jobs = std::vector<JobPtr>;

/// Journals that made a group fail, for ladder.hpp's penalty. Safe from any thread.
class Penalties {
  public:
    void add(const std::string& journal_id);
    [[nodiscard]] bool has(const std::string& journal_id);

  private:
    SystemClock clock_;
    std::mutex mutex_;
    std::unordered_map<std::string, MonoTime> until_;
};

/// What a lane does with the jobs it takes; the difference between the fast and the slow one.
class LaneWork {
  public:
    LaneWork() = default;
    virtual ~LaneWork() = default;
    LaneWork(const LaneWork&) = delete;
    LaneWork& operator=(const LaneWork&) = delete;

    /// Moves from `queue` what is to be settled now; leaves the rest.
    virtual Jobs take(std::deque<JobPtr>& queue) = 0;
    /// Answers every job or passes it on. False: the connection is no good any more.
    [[nodiscard]] virtual bool run(pg::Session& session, Jobs jobs) = 0;
};

class Lane {
  public:
    /// name: for the log and pg_stat_activity. work must outlive the lane.
    Lane(std::string name, std::string database_url, LaneWork& work);
    /// stop() and the end of the thread.
    ~Lane();
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;

    /// After stop() the job is answered with 503 at once.
    void push(JobPtr job);

    [[nodiscard]] bool connected() const noexcept { return connected_.load(); }

    /// Settles what is queued, if the connection is there, then ends; blocks until then.
    void stop();

  private:
    void loop();
    /// Jobs to run now; empty when it is time to look at the connection, or to end.
    Jobs next_jobs();
    void connect();
    void refuse_queued(const std::string& code, const std::string& detail);
    [[nodiscard]] bool stopping();

    std::string name_;
    std::string database_url_;
    LaneWork& work_;
    SystemClock clock_;
    std::atomic<bool> connected_{false};
    std::optional<pg::Session> session_;
    int failures_ = 0;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<JobPtr> queue_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace tapline::settle
