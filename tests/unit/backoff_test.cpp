#include "common/backoff.hpp"

#include <catch2/catch.hpp>

using namespace tapline;  // NOLINT(google-build-using-namespace): test file
using std::chrono::milliseconds;

TEST_CASE("Waits never pass base * 2^attempt nor the cap") {
    Backoff backoff(BackoffLimits{}, 7);
    for (int attempt = 0; attempt < 100; ++attempt) {
        const auto wait = backoff.next();
        CHECK(wait <= milliseconds(300'000));
        if (attempt < 7) {
            CHECK(wait <= milliseconds(2'000LL << attempt));
        }
        CHECK(wait.count() >= 0);
    }
}

TEST_CASE("The first retry after a working session spreads over two minutes") {
    milliseconds longest{};
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        Backoff backoff(BackoffLimits{}, seed);
        backoff.worked();
        longest = std::max(longest, backoff.next());
        CHECK(backoff.next() <= milliseconds(4'000));
    }
    CHECK(longest > milliseconds(100'000));
    CHECK(longest <= milliseconds(120'000));
}

TEST_CASE("Retry-After is a floor with jitter above it") {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        Backoff backoff(BackoffLimits{}, seed);
        const auto wait = backoff.next(milliseconds(10'000));
        CHECK(wait >= milliseconds(10'000));
        CHECK(wait <= milliseconds(15'000));
    }
}
