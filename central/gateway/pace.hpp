// How fast a fleet that was cut off may come back. Pure: time is given.
//
// A journal that has not been heard of for a while takes a turn; a second has `per_second` of them.
// When the turns of this moment are taken, the next free one is promised to it and it is told when
// to come; so whoever is turned away once is let in the second time.
#pragma once

#include <chrono>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/clock.hpp"

namespace tapline::gateway {

struct PaceRules {
    std::int64_t per_second = 50;  ///< journals let in; 0: no limit
    /// Turns that may be taken ahead of their time, so that a few at once don't wait.
    std::chrono::milliseconds burst{1'000};
    /// A journal that was let in stays so for this long after its last hello; longer than two
    /// heartbeats.
    std::chrono::milliseconds session{600'000};
    /// Farther ahead nothing is promised: this is said instead.
    std::chrono::milliseconds farthest{600'000};
    std::size_t most_journals =
        50'000;  ///< remembered; beyond it the one heard of longest ago goes
};

/// In memory of one instance, on one thread: several instances let in several times as many.
class Pace {
  public:
    explicit Pace(PaceRules rules) : rules_(rules) {}

    /// nullopt: let in. Else how long to stay away; at least a second.
    [[nodiscard]] std::optional<std::chrono::seconds> ask(const std::string& journal, MonoTime now);

    [[nodiscard]] std::size_t remembered() const noexcept { return entries_.size(); }

  private:
    using Tick = std::chrono::microseconds;

    struct Entry {
        bool inside = false;
        MonoTime until;  ///< inside: of the session; else of the promise
        MonoTime turn;   ///< promised
        std::list<std::string>::iterator place;
    };

    void remember(const std::string& journal, Entry entry);

    PaceRules rules_;
    std::chrono::time_point<std::chrono::steady_clock, Tick> next_free_;
    std::unordered_map<std::string, Entry> entries_;
    std::list<std::string> by_age_;  ///< the one heard of longest ago first
};

}  // namespace tapline::gateway
