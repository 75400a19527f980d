#include <catch2/catch.hpp>

#include "central/settle/pour_time.hpp"

namespace tapline::settle {

namespace {

constexpr std::int64_t s = 1'000'000;
constexpr std::int64_t now_us = 1'795'197'600 * s;  // 2026-11-20T18:00:00Z
constexpr std::int64_t hour_ms = 3'600'000;

CleanPour recorded(Seq seq, std::int64_t recorded_us) {
    CleanPour pour;
    pour.seq = seq;
    pour.recorded_us = recorded_us;
    pour.duration_ms = 4'000;
    return pour;
}

struct View {
    std::vector<wire::Boot> boots;
    wire::ClockSample sample{now_us / 1'000, "b2"};

    [[nodiscard]] PourTime of(const CleanPour& pour) const {
        return pour_time(pour, ClockView{&boots, &sample, now_us});
    }
};

}  // namespace

TEST_CASE(
    "a synchronised clock without later steps is exact; the start is recorded_at less duration"
) {
    const View view{{{"b2", 1, true, {}}}};
    const auto time = view.of(recorded(5, now_us - 60 * s));
    CHECK(time.quality == TimeQuality::exact);
    CHECK(time.poured_us == now_us - 64 * s);
    CHECK(time.corrected_us == time.recorded_us);
}

TEST_CASE("start_ts goes before recorded_at") {
    const View view{{{"b2", 1, true, {}}}};
    auto pour = recorded(5, now_us);
    pour.start_us = now_us - 100 * s;
    CHECK(view.of(pour).poured_us == now_us - 100 * s);
}

TEST_CASE("steps after the row correct it, steps before it don't") {
    const View view{{{"b2", 1, true, {{4, hour_ms}, {5, 2 * hour_ms}, {9, 1'000}}}}};
    const auto time = view.of(recorded(5, now_us - 8 * 3'600 * s));
    CHECK(time.quality == TimeQuality::corrected);
    CHECK(time.corrected_us == now_us - 6 * 3'600 * s + 1 * s - 4 * s);
    CHECK(view.of(recorded(10, now_us)).quality == TimeQuality::exact);
}

TEST_CASE("a row written before the first NTP step, in 1970, gets its real time") {
    const View view{{{"b2", 1, true, {{5, now_us / 1'000}}}}};
    const auto time = view.of(recorded(5, 100 * s));
    CHECK(time.quality == TimeQuality::corrected);
    CHECK(time.poured_us == now_us + 96 * s);
    CHECK(time.recorded_us == 96 * s);
}

TEST_CASE("an unsynchronised clock of this boot is corrected by its distance from central's") {
    View view{{{"b2", 1, false, {{7, hour_ms}}}}};
    view.sample.utc_ms = now_us / 1'000 - 5 * hour_ms;
    const auto time = view.of(recorded(5, now_us - 7 * 3'600 * s));
    CHECK(time.quality == TimeQuality::corrected);
    CHECK(time.poured_us == now_us - 3'600 * s - 4 * s);
}

TEST_CASE("an older unsynchronised boot, or no boot, is unknown; a plausible raw time is kept") {
    const View older{{{"b1", 1, false, {}}, {"b2", 10, true, {}}}};
    const auto time = older.of(recorded(5, now_us - 3'600 * s));
    CHECK(time.quality == TimeQuality::unknown);
    CHECK_FALSE(time.corrected_us);
    CHECK(time.poured_us == now_us - 3'604 * s);
    CHECK(older.of(recorded(10, now_us)).quality == TimeQuality::exact);
    CHECK(View{}.of(recorded(5, now_us)).quality == TimeQuality::unknown);
    const View later{{{"b2", 10, true, {}}}};
    CHECK(later.of(recorded(9, now_us)).quality == TimeQuality::unknown);
}

TEST_CASE("an implausible raw time falls back to receipt") {
    const View view{{{"b2", 1, true, {}}}};
    const auto old = view.of(recorded(5, 100 * s));
    CHECK(old.quality == TimeQuality::unknown);
    CHECK(old.poured_us == now_us);
    CHECK(old.recorded_us == 96 * s);
    const auto far = View{}.of(recorded(5, now_us + 2 * 86'400 * s));
    CHECK(far.poured_us == now_us);
    const auto year_1 = view.of(recorded(5, -62'135'596'800 * s + 1));
    CHECK(year_1.poured_us == now_us);
    CHECK_FALSE(year_1.recorded_us);
}

TEST_CASE("absurd steps and samples make a time unknown instead of overflowing") {
    const View stepped{{{"b2", 1, true, {{5, INT64_MAX}, {5, INT64_MAX}}}}};
    CHECK(stepped.of(recorded(5, now_us)).quality == TimeQuality::unknown);
    View sampled{{{"b2", 1, false, {}}}};
    sampled.sample.utc_ms = INT64_MIN;
    CHECK(sampled.of(recorded(5, now_us)).quality == TimeQuality::unknown);
}

TEST_CASE("a pour without any time has come when it came") {
    CleanPour pour;
    pour.seq = 1;
    const auto time = View{{{"b2", 1, true, {}}}}.of(pour);
    CHECK(time.poured_us == now_us);
    CHECK(time.quality == TimeQuality::unknown);
}

}  // namespace tapline::settle
