// Who keeps us from a lock, seen from a second connection: the waiting one can't ask.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "central/pg/session.hpp"

namespace tapline::revision {

/// "process 4711 (user bar, application psql, idle in transaction, 93 s)", several joined by "; ",
/// with how many sessions queue behind `pid`. Empty: nobody blocks it now.
[[nodiscard]] std::string describe_blockers(pg::Session& session, int pid);

/// Looks while something is tried; connects only if that takes longer than a moment. One per
/// connection: a thread per revision costs what a small revision takes.
class BlockerWatch {
  public:
    BlockerWatch(pg::ConnectOptions connect, int pid);
    ~BlockerWatch();
    BlockerWatch(const BlockerWatch&) = delete;
    BlockerWatch& operator=(const BlockerWatch&) = delete;

    /// A try begins: what was seen before doesn't count.
    void begin();
    void end();
    /// The newest report of this try that named somebody; empty when none did.
    [[nodiscard]] std::string last_seen();

  private:
    void watch();
    [[nodiscard]] bool is_time() const;

    pg::ConnectOptions connect_;
    int pid_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stop_ = false;
    std::optional<std::chrono::steady_clock::time_point> tried_since_;
    std::string seen_;
    std::thread thread_;
};

/// While a statement runs that may take long: says every few seconds how far the build of an index
/// is (pg_stat_progress_create_index) and for whom it waits. Connects only if it takes that long.
class BuildWatch {
  public:
    BuildWatch(
        pg::ConnectOptions connect, int pid, std::function<void(const std::string& line)> say
    );
    ~BuildWatch();
    BuildWatch(const BuildWatch&) = delete;
    BuildWatch& operator=(const BuildWatch&) = delete;

  private:
    void watch();
    [[nodiscard]] std::string look(pg::Session& session) const;

    pg::ConnectOptions connect_;
    int pid_;
    std::function<void(const std::string& line)> say_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stop_ = false;
    std::thread thread_;
};

}  // namespace tapline::revision
