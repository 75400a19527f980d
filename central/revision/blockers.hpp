// Who keeps us from a lock, seen from a second connection: the waiting one can't ask.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "central/pg/session.hpp"

namespace tapline::revision {

/// "process 4711 (user bar, application psql, idle in transaction, 93 s)", several joined by "; ",
/// with how many sessions queue behind `pid`. Empty: nobody blocks it now.
[[nodiscard]] std::string describe_blockers(pg::Session& session, int pid);

/// Looks every half second from the moment it is made; connects only if that takes so long.
class BlockerWatch {
  public:
    BlockerWatch(pg::ConnectOptions connect, int pid);
    ~BlockerWatch();
    BlockerWatch(const BlockerWatch&) = delete;
    BlockerWatch& operator=(const BlockerWatch&) = delete;

    /// The newest report that named somebody; empty when none did.
    [[nodiscard]] std::string last_seen();

  private:
    void watch();

    pg::ConnectOptions connect_;
    int pid_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stop_ = false;
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
