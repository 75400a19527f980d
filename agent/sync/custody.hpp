// When a row that waits for its ack must become `held`. A tap of the releases since 2026-02 refuses
// to pour while a `new` row exists, so a slow or absent centre would close the bar.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "common/clock.hpp"

namespace tapline::sync {

struct CustodyRules {
    /// false: rows stay `new` until central acked them (tap_gate = "ack").
    bool enabled = true;
    /// How long an ack may take while central answers.
    std::chrono::milliseconds patience{2'000};
    /// Pause between two marks while no ack is expected: each takes the writer's lock for a moment.
    std::chrono::milliseconds spacing{200};
};

/// Works by the moments at which rows were noticed, not by their own times: a Pi has no clock that
/// can be trusted. Rows noticed later than the oldest one may be marked a little early; that is
/// harmless, `held` only says that the agent keeps them.
class Custody {
  public:
    explicit Custody(CustodyRules rules) : rules_(rules) {}

    /// What had been noticed when a read began.
    struct Glance {
        std::uint64_t arrivals = 0;
        MonoTime at;
    };

    /// The journal changed; maybe there are new rows.
    void rows_arrived(MonoTime now) noexcept;

    /// Taken before a read or a mark begins.
    [[nodiscard]] Glance glance(MonoTime now) const noexcept { return Glance{arrivals_, now}; }

    /// That read or mark left no row that is neither acked nor held.
    void nothing_left(Glance before) noexcept;

    /// A mark under one lock ended; more may be due at once when it left some.
    void marked(MonoTime now) noexcept { last_mark_ = now; }

    /// false while central is away or wants agents to hold: rows are marked at once then.
    void expect_ack(bool expected) noexcept { ack_expected_ = expected; }

    [[nodiscard]] bool ack_expected() const noexcept { return ack_expected_; }

    /// When the next mark is due; nullopt when there is nothing to mark.
    [[nodiscard]] std::optional<MonoTime> due() const noexcept;

  private:
    CustodyRules rules_;
    bool ack_expected_ = true;
    std::optional<MonoTime> oldest_;
    std::uint64_t arrivals_ = 0;
    std::optional<MonoTime> last_mark_;
};

}  // namespace tapline::sync
