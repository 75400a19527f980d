#include "bench/tap_sim/latency.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace tapline::tap_sim {
namespace {

/// Nearest rank, of `permille` thousandths; sorted is not empty.
std::uint32_t rank(const std::vector<std::uint32_t>& sorted, std::size_t permille) {
    const std::size_t place = (sorted.size() * permille + 999) / 1000;
    return sorted[std::max<std::size_t>(place, 1) - 1];
}

}  // namespace

void Latency::add(Clock::duration taken) {
    const std::int64_t us = std::chrono::duration_cast<std::chrono::microseconds>(taken).count();
    max_us_ = std::max(max_us_, us);
    ++count_;
    if (samples_us_.size() < max_samples) {
        samples_us_.push_back(static_cast<std::uint32_t>(std::min<std::int64_t>(us, UINT32_MAX)));
    }
}

std::string Latency::json() const {
    if (samples_us_.empty()) {
        return R"({"n":0,"p50_us":null,"p99_us":null,"p99_9_us":null,"max_us":null})";
    }
    std::vector<std::uint32_t> sorted = samples_us_;
    std::sort(sorted.begin(), sorted.end());
    return fmt::format(
        R"({{"n":{},"p50_us":{},"p99_us":{},"p99_9_us":{},"max_us":{}}})",
        count_,
        rank(sorted, 500),
        rank(sorted, 990),
        rank(sorted, 999),
        max_us_
    );
}

}  // namespace tapline::tap_sim
