// Storms: see storm.hpp. TAPLINE_TEST_SEED chooses the seed, TAPLINE_TEST_LOG a file for everything
// that happens; TAPLINE_LONG makes it 200 agents and 100,000 pours.
#include <chrono>
#include <cstdlib>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "tests/sim/storm.hpp"
#include "tests/support/report.hpp"

namespace tapline::test {

namespace {

constexpr std::uint64_t first_seed = 20'261'120;

bool is_long() {
    return std::getenv("TAPLINE_LONG") != nullptr;
}

std::vector<std::uint64_t> seeds() {
    if (const char* wanted = std::getenv("TAPLINE_TEST_SEED")) {
        return {std::strtoull(wanted, nullptr, 10)};
    }
    return is_long() ? std::vector{first_seed} : std::vector{first_seed, first_seed + 1};
}

StormSize usual_size() {
    if (!is_long()) {
        return {};
    }
    StormSize size;
    size.devices = 200;
    size.pours = 120'000;
    size.length = std::chrono::hours(8);
    return size;
}

std::string joined(const std::vector<std::string>& lines) {
    return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace

TEST_CASE("Storm.EveryPromisedPourIsSettledOnceWhateverClocksNetworkCardsPowerAndCentralDo") {
    spdlog::set_level(spdlog::level::off);
    for (const auto seed : seeds()) {
        INFO(
            "repeat it: TAPLINE_TEST_SEED=" << seed << (is_long() ? " TAPLINE_LONG=1" : "")
                                            << " sim_tests 'Storm.Every*'"
        );
        const auto began = std::chrono::steady_clock::now();
        Storm storm(seed, usual_size());
        storm.run();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        report(fmt::format("storm in {:.0f} s: {}", took.count(), storm.words()));
        const auto wrong = storm.wrong();
        INFO(joined(wrong));
        CHECK(wrong.empty());
    }
}

TEST_CASE("Storm.ASeedRepeatsItself") {
    spdlog::set_level(spdlog::level::off);
    const auto run = [](std::uint64_t seed) {
        StormSize size;
        size.devices = 4;
        size.pours = 120;
        size.length = std::chrono::minutes(30);
        Storm storm(seed, size);
        storm.run();
        return std::pair(storm.log().digest(), storm.log().lines());
    };
    const auto once = run(first_seed);
    CHECK(once == run(first_seed));
    CHECK(once != run(first_seed + 1));
}

TEST_CASE("Storm.TheOracleSeesWhatIsTakenFromCentralOrChangedThere") {
    spdlog::set_level(spdlog::level::off);
    StormSize size;
    size.devices = 2;
    size.pours = 40;
    size.length = std::chrono::minutes(20);
    Storm storm(first_seed, size);
    storm.run();
    REQUIRE(joined(storm.wrong()).empty());
    auto session = storm.connect();
    const auto seen = [&](const std::string& sql) {
        session.run("BEGIN");
        session.run(sql);
        session.run("COMMIT");
        return joined(storm.wrong());
    };
    CHECK_THAT(
        seen("UPDATE pours SET volume_ml = volume_ml + 1 WHERE pour_id ="
             " (SELECT min(pour_id::text)::uuid FROM pours)"),
        Catch::Contains("differs: ") && Catch::Contains("receipts: ")
    );
    CHECK_THAT(
        seen("UPDATE guests SET balance = balance + 0.01 WHERE guest_id ="
             " (SELECT min(guest_id::text)::uuid FROM guests)"),
        Catch::Contains("money: ")
    );
    CHECK_THAT(seen("UPDATE kegs SET current_volume_ml = 1"), Catch::Contains("beer: "));
    CHECK_THAT(
        seen("UPDATE tapline.cursor SET cursor = cursor - 1 WHERE cursor > 0"),
        Catch::Contains("cursor: ")
    );
    CHECK_THAT(
        seen("UPDATE pours SET client_tx_id = 'nobody' WHERE pour_id ="
             " (SELECT max(pour_id::text)::uuid FROM pours)"),
        Catch::Contains("invented: ") && Catch::Contains("lost: ") && Catch::Contains("not sent: ")
    );
}

TEST_CASE("Storm.TheOracleSeesTapsThatDontSyncWhatTheyPromise") {
    spdlog::set_level(spdlog::level::off);
    StormSize size;
    size.full = false;
    Storm storm(first_seed, size);
    storm.run();
    const auto wrong = joined(storm.wrong());
    INFO(wrong);
    CHECK_THAT(wrong, Catch::Contains("lost: "));
}

}  // namespace tapline::test
