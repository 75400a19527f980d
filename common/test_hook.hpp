// Places where a test stops, hangs or slows the process. Nothing happens unless a TAPLINE_TEST_*
// variable is set.
#pragma once

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <signal.h>
#include <unistd.h>

namespace tapline {

/// TAPLINE_TEST_STOP_AT="phase:n" (n from 1; without ":n", 1): the n-th arrival at `phase` writes
/// "TAPLINE_TEST_STOP_AT phase n" to stderr and the process kills itself with SIGKILL. The variable
/// is read once per process; unset, a call costs one load.
inline void test_stop_at(const char* phase) noexcept {
    static const char* const wanted = std::getenv("TAPLINE_TEST_STOP_AT");
    if (wanted == nullptr) [[likely]] {
        return;
    }
    static std::atomic<long> arrivals{0};
    const std::string_view text(wanted);
    const auto colon = text.rfind(':');
    if (text.substr(0, colon) != phase) {
        return;
    }
    const long stop_at = colon == std::string_view::npos ? 1 : std::atol(wanted + colon + 1);
    if (arrivals.fetch_add(1) + 1 != stop_at) {
        return;
    }
    std::fprintf(stderr, "TAPLINE_TEST_STOP_AT %s %ld\n", phase, stop_at);
    std::fflush(stderr);
    ::kill(::getpid(), SIGKILL);
}

/// TAPLINE_TEST_HANG_AT="phase:n": true at the n-th arrival; the caller then waits for ever.
[[nodiscard]] inline bool test_hangs_at(const char* phase) noexcept {
    static const char* const wanted = std::getenv("TAPLINE_TEST_HANG_AT");
    if (wanted == nullptr) [[likely]] {
        return false;
    }
    static std::atomic<long> arrivals{0};
    const std::string_view text(wanted);
    const auto colon = text.rfind(':');
    if (text.substr(0, colon) != phase) {
        return false;
    }
    const long hang_at = colon == std::string_view::npos ? 1 : std::atol(wanted + colon + 1);
    return arrivals.fetch_add(1) + 1 == hang_at;
}

/// TAPLINE_TEST_SLOW_AT="phase:ms": every arrival blocks the thread for so long, as a bad card
/// does.
inline void test_slow_at(const char* phase) noexcept {
    static const char* const wanted = std::getenv("TAPLINE_TEST_SLOW_AT");
    if (wanted == nullptr) [[likely]] {
        return;
    }
    const std::string_view text(wanted);
    const auto colon = text.rfind(':');
    if (colon != std::string_view::npos && text.substr(0, colon) == phase) {
        ::usleep(static_cast<useconds_t>(std::atol(wanted + colon + 1) * 1'000));
    }
}

}  // namespace tapline
