#include "agent/handover/verdict.hpp"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;

namespace tapline::test {

using doctor::Verdict;
using handover::Evidence;
using handover::OldServer;
using journal::WriterRelease;

namespace {

doctor::TapProgram by_systemd() {
    doctor::TapProgram program;
    program.pid = 812;
    program.name = "process 812 (/usr/bin/python3)";
    program.unit = "beer-tap-controller.service";
    program.user = "cybeer";
    program.settings.file = "/etc/beer-tap/device.env";
    program.settings.server = doctor::Variable{"http://hub:8000", "/etc/beer-tap/device.env"};
    return program;
}

/// All that is needed to call the loop off.
Evidence quiet() {
    Evidence evidence;
    evidence.programs = {by_systemd()};
    evidence.release = WriterRelease::honours_settings;
    evidence.server = OldServer::answers;
    evidence.bait = 7;
    evidence.watched = 45s;
    return evidence;
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("A loop is off when nobody marked a pour while its program ran and its server answered") {
    const auto check = judge(quiet());
    CHECK(check.verdict == Verdict::ok);
    CHECK(has(check.measured, "process 812"));
    CHECK(has(check.measured, "http://hub:8000"));
}

TEST_CASE("A mark by somebody else means that it runs, whatever else is known") {
    auto evidence = quiet();
    evidence.mark = journal::Mark{7, "rejected", 0};
    evidence.watched = 3'200ms;
    auto check = judge(evidence);
    CHECK(check.verdict == Verdict::fail);
    CHECK(has(check.measured, "pour 7 was marked `rejected` after 3.2 s (the test pour)"));
    evidence.mark = journal::Mark{5, "new", 2};
    evidence.programs.clear();
    evidence.server = OldServer::not_known;
    check = judge(evidence);
    CHECK(check.verdict == Verdict::fail);
    CHECK(has(check.measured, "attempts of pour 5 rose by 2"));
}

TEST_CASE("What proves nothing is unknown, and says why") {
    auto evidence = quiet();
    evidence.programs.clear();
    CHECK(judge(evidence).verdict == Verdict::unknown);
    CHECK(has(judge(evidence).what_to_do, "Start the tap's program"));

    evidence = quiet();
    evidence.server = OldServer::silent;
    CHECK(judge(evidence).verdict == Verdict::unknown);
    CHECK(has(judge(evidence).measured, "http://hub:8000 doesn't answer"));
    evidence.server = OldServer::not_known;
    CHECK(judge(evidence).verdict == Verdict::unknown);
    CHECK(has(judge(evidence).measured, "SERVER_URL"));
}

TEST_CASE("A watch shorter than a round and its time-out proves nothing") {
    auto evidence = quiet();
    evidence.watched = 24'999ms;
    CHECK(judge(evidence).verdict == Verdict::unknown);
    CHECK(has(judge(evidence).what_to_do, "--wait 25"));
    evidence.watched = 25s;
    CHECK(judge(evidence).verdict == Verdict::ok);

    // Another interval is set: then that counts, unless it was meant to switch the loop off.
    evidence.programs[0].settings.interval = doctor::Variable{"60", "its environment"};
    CHECK(judge(evidence).verdict == Verdict::unknown);
    CHECK(has(judge(evidence).what_to_do, "--wait 70"));
    evidence.programs[0].settings.interval = doctor::Variable{"31536000", "its environment"};
    CHECK(judge(evidence).verdict == Verdict::ok);
}

TEST_CASE("How to switch it off depends on the release and on where its settings are") {
    auto program = by_systemd();
    const auto advice = [&program](WriterRelease release) {
        return handover::how_to_switch_off({program}, release);
    };
    const auto by_file = advice(WriterRelease::honours_settings);
    CHECK(has(by_file, "write SYNC_INTERVAL_SECONDS=31536000 into /etc/beer-tap/device.env"));
    CHECK(has(by_file, "sudo systemctl restart beer-tap-controller.service"));
    CHECK_FALSE(has(by_file, "410"));

    program.settings.interval = doctor::Variable{"15", "its environment"};
    const auto by_unit = advice(WriterRelease::honours_settings);
    CHECK(has(by_unit, "systemctl cat beer-tap-controller.service"));
    CHECK_FALSE(has(by_unit, "device.env"));

    program.unit.clear();
    CHECK(has(advice(WriterRelease::honours_settings), "end process 812 and start it again with"));

    const auto old = advice(WriterRelease::before_settings);
    CHECK(has(old, "410"));
    CHECK(has(old, "every 10 s"));
    CHECK_FALSE(has(old, "31536000"));
    for (const auto release : {WriterRelease::around_settings, WriterRelease::unknown}) {
        CHECK(has(advice(release), "31536000"));
        CHECK(has(advice(release), "410"));
    }
}

}  // namespace tapline::test
