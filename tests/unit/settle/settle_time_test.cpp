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

namespace {

constexpr std::int64_t y2038_us = 2'147'483'648 * s;
constexpr std::int64_t hour_us = 3'600 * s;

/// One row of the table: a boot list as an agent reports it, a row, and what is known of it.
struct ClockCase {
    const char* what;
    std::vector<wire::Boot> boots;
    Seq seq;
    std::int64_t raw_us;
    TimeQuality quality;
    std::int64_t corrected_us;  ///< of its start; 0: none
};

std::int64_t start(std::int64_t end_us) {
    return end_us - 4 * s;
}

}  // namespace

TEST_CASE("clocks as Pis have them") {
    const std::int64_t to_now_ms = now_us / 1'000;
    const std::vector<ClockCase> cases{
        {"no RTC: 1970 until the time server answered after row 3",
         {{"b2", 1, true, {{3, to_now_ms}}}},
         2,
         100 * s,
         TimeQuality::corrected,
         start(now_us + 100 * s)},
        {"the same boot, after the step",
         {{"b2", 1, true, {{3, to_now_ms}}}},
         4,
         now_us,
         TimeQuality::exact,
         start(now_us)},
        {"no RTC and never synchronised, this boot: by the sample",
         {{"b2", 1, false, {}}},
         2,
         now_us - hour_us,
         TimeQuality::corrected,
         start(now_us - hour_us)},
        {"no RTC, never synchronised, the boot is over",
         {{"b1", 1, false, {}}, {"b2", 9, true, {}}},
         2,
         100 * s,
         TimeQuality::unknown,
         0},
        {"a step back in the middle of a boot: what was before it was ahead",
         {{"b2", 1, true, {{5, -hour_ms}}}},
         5,
         now_us,
         TimeQuality::corrected,
         start(now_us - hour_us)},
        {"a step back, the row after it",
         {{"b2", 1, true, {{5, -hour_ms}}}},
         6,
         now_us - hour_us,
         TimeQuality::exact,
         start(now_us - hour_us)},
        {"forward and back again",
         {{"b2", 1, true, {{2, 5 * hour_ms}, {5, -5 * hour_ms}}}},
         2,
         now_us,
         TimeQuality::corrected,
         start(now_us)},
        {"between forward and back",
         {{"b2", 1, true, {{2, 5 * hour_ms}, {5, -5 * hour_ms}}}},
         4,
         now_us + 5 * hour_us,
         TimeQuality::corrected,
         start(now_us)},
        {"several boots: each row by its own boot's steps",
         {{"b0", 1, true, {{2, hour_ms}}}, {"b1", 4, true, {{5, to_now_ms}}}, {"b2", 7, true, {}}},
         2,
         now_us - 9 * hour_us,
         TimeQuality::corrected,
         start(now_us - 8 * hour_us)},
        {"several boots: the second, from 1970",
         {{"b0", 1, true, {{2, hour_ms}}}, {"b1", 4, true, {{5, to_now_ms}}}, {"b2", 7, true, {}}},
         5,
         50 * s,
         TimeQuality::corrected,
         start(now_us + 50 * s)},
        {"several boots: the third",
         {{"b0", 1, true, {{2, hour_ms}}}, {"b1", 4, true, {{5, to_now_ms}}}, {"b2", 7, true, {}}},
         7,
         now_us,
         TimeQuality::exact,
         start(now_us)},
        {"2038, and the clock says it is synchronised",
         {{"b2", 1, true, {}}},
         2,
         y2038_us,
         TimeQuality::unknown,
         0},
        {"2038 that a step explains",
         {{"b2", 1, true, {{3, (now_us - y2038_us) / 1'000}}}},
         2,
         y2038_us + 60 * s,
         TimeQuality::corrected,
         start(now_us + 60 * s)},
        {"a step into 2038",
         {{"b2", 1, true, {{3, (y2038_us - now_us) / 1'000}}}},
         2,
         now_us,
         TimeQuality::unknown,
         0},
        {"1901: the other side of 2038",
         {{"b2", 1, true, {}}},
         2,
         -2'147'483'648 * s,
         TimeQuality::unknown,
         0},
    };
    for (const auto& one : cases) {
        INFO(one.what);
        const auto time = View{one.boots}.of(recorded(one.seq, one.raw_us));
        CHECK(time.quality == one.quality);
        CHECK(time.corrected_us.value_or(0) == one.corrected_us);
        CHECK(time.recorded_us == start(one.raw_us));
        CHECK(time.assignment_us().has_value() == (one.corrected_us != 0));
        CHECK(time.poured_us <= now_us + 366 * 24 * hour_us);
    }
}

TEST_CASE("an unknown time between two known ones is bounded, and good for no assignment") {
    const auto at = [](std::int64_t raw_us, TimeQuality quality) {
        PourTime time = receipt_time(now_us);
        time.recorded_us = raw_us;
        time.quality = quality;
        if (quality != TimeQuality::unknown) {
            time.corrected_us = raw_us;
        }
        return time;
    };
    std::vector<PourTime> times{
        at(5 * s, TimeQuality::unknown),
        at(now_us - 9 * hour_us, TimeQuality::exact),
        at(100 * s, TimeQuality::unknown),
        at(now_us - 8 * hour_us, TimeQuality::unknown),
        at(now_us - hour_us, TimeQuality::unknown),
        at(now_us - 7 * hour_us, TimeQuality::corrected),
        at(y2038_us, TimeQuality::unknown),
        receipt_time(now_us),
    };
    std::vector<PourTime*> pointers;
    for (auto& time : times) {
        pointers.push_back(&time);
    }
    bound_times(pointers, now_us);
    CHECK(times[0].quality == TimeQuality::unknown);
    const std::vector<std::int64_t> guesses{
        now_us - 9 * hour_us, now_us - 8 * hour_us, now_us - 7 * hour_us};
    for (std::size_t i = 0; i < guesses.size(); ++i) {
        CAPTURE(i);
        CHECK(times[2 + i].quality == TimeQuality::bounded);
        CHECK(times[2 + i].corrected_us == guesses[i]);
        CHECK(times[2 + i].poured_us == guesses[i]);
        CHECK_FALSE(times[2 + i].assignment_us());
    }
    CHECK(times[6].quality == TimeQuality::bounded);
    CHECK(times[6].corrected_us == now_us);
    CHECK(times[7].quality == TimeQuality::unknown);
    CHECK(times[1].quality == TimeQuality::exact);
}

TEST_CASE("known times that contradict each other bound nothing") {
    PourTime before = receipt_time(now_us);
    before.quality = TimeQuality::exact;
    before.corrected_us = now_us;
    PourTime after = before;
    after.corrected_us = now_us - hour_us;
    PourTime between = receipt_time(now_us);
    between.recorded_us = now_us;
    bound_times({&before, &between, &after}, now_us);
    CHECK(between.quality == TimeQuality::unknown);
}

}  // namespace tapline::settle
