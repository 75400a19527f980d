#include <catch2/catch.hpp>

#include "agent/doctor/card_bench.hpp"

namespace tapline::test {

namespace {

doctor::CardFigures figures(std::int64_t p99_us, std::int64_t max_us) {
    doctor::CardFigures card;
    card.commit = {300, p99_us / 2, p99_us, max_us};
    card.sync = {400, p99_us / 2, p99_us, p99_us};
    card.commits_per_s = 7;
    card.sequential_kib_per_s = 10'000;
    return card;
}

}  // namespace

TEST_CASE("A card is judged by its slow commits, not by its usual ones") {
    using doctor::CardVerdict;
    CHECK(doctor::judge(figures(49'999, 1'999'999)) == CardVerdict::good);
    CHECK(doctor::judge(figures(50'000, 60'000)) == CardVerdict::slow);
    CHECK(doctor::judge(figures(499'999, 1'999'999)) == CardVerdict::slow);
    CHECK(doctor::judge(figures(500'000, 500'000)) == CardVerdict::stalls);
    CHECK(doctor::judge(figures(10'000, 2'000'000)) == CardVerdict::stalls);
    auto worn = figures(10'000, 10'000);
    worn.sequential_kib_per_s = 1'023;
    CHECK(doctor::judge(worn) == CardVerdict::slow);
    auto memory = figures(900'000, 900'000);
    memory.memory = true;
    CHECK(doctor::judge(memory) == CardVerdict::memory);
}

TEST_CASE("The words hold the figures that a person asks for") {
    const auto words = doctor::in_words(figures(49'000, 1'200'000));
    REQUIRE(words.size() == 3);
    CHECK(
        words[0] ==
        "A pour is safe on this card after 24 ms usually, 49 ms for one in a hundred, 1200 ms at "
        "worst."
    );
    CHECK(words[1].find("7 pours a second") != std::string::npos);
    CHECK(
        doctor::in_words(figures(2'540, 3'000))[0].find("1.2 ms usually, 2.5 ms") !=
        std::string::npos
    );
}

}  // namespace tapline::test
