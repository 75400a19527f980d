// Ends the process when an orderly end takes too long.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace tapline::service {

/// A thread of its own: the others may hang in a request or on a card. What they were at may be cut
/// at any line, as by a power cut; the next start asks central how far it came. Disarmed when it is
/// destroyed.
class LastResort {
  public:
    LastResort() = default;
    ~LastResort();
    LastResort(const LastResort&) = delete;
    LastResort& operator=(const LastResort&) = delete;

    /// Exits with 0 after that time. Once only.
    void arm(std::chrono::milliseconds after);

  private:
    std::mutex mutex_;
    std::condition_variable_any ending_;
    std::jthread thread_;
};

}  // namespace tapline::service
