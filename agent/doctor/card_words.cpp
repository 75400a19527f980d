#include <fmt/format.h>

#include "agent/doctor/card_bench.hpp"

namespace tapline::doctor {

namespace {

// A tap's program of the field waits 5 s for a lock at most, and writes once a pour; a guest
// notices half a second.
constexpr std::int64_t good_us = 50'000;
constexpr std::int64_t slow_us = 500'000;
constexpr std::int64_t stall_us = 2'000'000;
/// Half of what the slowest speed class (C2) promises.
constexpr std::int64_t poor_kib_per_s = 1'024;

std::string milliseconds_text(std::int64_t us) {
    return us < 10'000 ? fmt::format("{}.{} ms", us / 1000, us / 100 % 10)
                       : fmt::format("{} ms", us / 1000);
}

}  // namespace

CardVerdict judge(const CardFigures& figures) noexcept {
    if (figures.memory) {
        return CardVerdict::memory;
    }
    const auto& commit = figures.commit;
    if (commit.max_us >= stall_us || figures.sync.max_us >= stall_us || commit.p99_us >= slow_us) {
        return CardVerdict::stalls;
    }
    const bool slow = commit.p99_us >= good_us || figures.sequential_kib_per_s < poor_kib_per_s;
    return slow ? CardVerdict::slow : CardVerdict::good;
}

std::string_view name_of(CardVerdict verdict) noexcept {
    switch (verdict) {
        case CardVerdict::good:
            return "good";
        case CardVerdict::slow:
            return "slow";
        case CardVerdict::stalls:
            return "stalls";
        case CardVerdict::memory:
            return "memory";
    }
    return "memory";
}

std::vector<std::string> in_words(const CardFigures& figures) {
    const auto& commit = figures.commit;
    std::vector<std::string> words{
        fmt::format(
            "A pour is safe on this card after {} usually, {} for one in a hundred, {} at worst.",
            milliseconds_text(commit.p50_us),
            milliseconds_text(commit.p99_us),
            milliseconds_text(commit.max_us)
        ),
        fmt::format(
            "It bears {} pours a second, one after the other; a tap pours less than one.",
            figures.commits_per_s
        )};
    switch (judge(figures)) {
        case CardVerdict::good:
            words.emplace_back("Nobody at the tap will notice it.");
            break;
        case CardVerdict::slow:
            words.emplace_back(
                "It is slow, and does for a bar. If it was faster before, it is wearing out: keep "
                "a "
                "spare."
            );
            break;
        case CardVerdict::stalls:
            words.emplace_back(
                "It stalls: guests wait, and such cards die soon. Change it, and take the journal "
                "along with its -wal."
            );
            break;
        case CardVerdict::memory:
            words.emplace_back(
                "This directory is in memory: these are no figures of a card. Name one on the card."
            );
            break;
    }
    return words;
}

}  // namespace tapline::doctor
