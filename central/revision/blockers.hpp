// Who keeps us from a lock, seen from a second connection: the waiting one can't ask.
#pragma once

#include <chrono>
#include <condition_variable>
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

}  // namespace tapline::revision
