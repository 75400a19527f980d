#include "agent/doctor/tap_program.hpp"

#include <cstdlib>
#include <fstream>

#include <catch2/catch.hpp>

using namespace std::chrono_literals;

namespace tapline::test {

namespace fs = std::filesystem;
using doctor::Variables;

namespace {

std::string with_zeros(std::string text) {
    for (auto& c : text) {
        c = c == '|' ? '\0' : c;
    }
    return text;
}

doctor::SyncSettings with_interval(const std::string& text) {
    return doctor::combine({{"SYNC_INTERVAL_SECONDS", text}}, std::nullopt, "f");
}

}  // namespace

TEST_CASE("Of an environment only three variables are kept") {
    const auto found = doctor::variables_of_process(with_zeros(
        "INTERNAL_TOKEN=secret|SYNC_INTERVAL_SECONDS=7|SERVER_URL=http://a:8000|x|=|TAP_ID=3|"
    ));
    CHECK(found == Variables{{"SYNC_INTERVAL_SECONDS", "7"}, {"SERVER_URL", "http://a:8000"}});
    CHECK(doctor::variables_of_process("").empty());
}

TEST_CASE("A settings file is read with quotes, export, comments, and garbage between") {
    const auto found = doctor::variables_of_file(
        "# SYNC_INTERVAL_SECONDS=1\n"
        "SYNC_INTERVAL_SECONDS = 20\r\n"
        "export SERVER_URL=\"http://hub:8000\"\n"
        "no line of a setting\n"
        "\x80\xff=\n"
        "INTERNAL_TOKEN='secret'\n"
        "  SYNC_INTERVAL_SECONDS='30'  \n"
        "=5\n"
        "DEVICE_ENV_PATH=\"half"
    );
    CHECK(
        found ==
        Variables{
            {"SYNC_INTERVAL_SECONDS", "30"},
            {"SERVER_URL", "http://hub:8000"},
            {"DEVICE_ENV_PATH", "\"half"}}
    );
    CHECK(doctor::variables_of_file("").empty());
    const auto long_one = doctor::variables_of_file("SERVER_URL=" + std::string(5'000, 'x'));
    CHECK(long_one.at("SERVER_URL").size() == 512);
}

TEST_CASE("The environment counts more than the file, and where a value is from is told") {
    const Variables file{{"SYNC_INTERVAL_SECONDS", "31536000"}, {"SERVER_URL", "http://file:1"}};
    const auto both =
        doctor::combine({{"SYNC_INTERVAL_SECONDS", "\"9\""}}, file, "/etc/beer-tap/device.env");
    CHECK(both.interval->value == "9");
    CHECK(both.interval->from == "its environment");
    CHECK(both.server->value == "http://file:1");
    CHECK(both.server->from == "/etc/beer-tap/device.env");
    const auto none = doctor::combine({}, std::nullopt, "/x");
    CHECK_FALSE(none.interval);
    CHECK(
        describe(none) == "SYNC_INTERVAL_SECONDS isn't set; SERVER_URL isn't set; there is no /x"
    );
}

TEST_CASE("An interval that is no whole number of seconds is none: the program takes its default") {
    CHECK(doctor::interval_of(with_interval("31536000")) == 31'536'000s);
    CHECK(doctor::interval_of(with_interval(" 15 ")) == 15s);
    for (const auto* bad : {"", "abc", "15s", "1.5", "-5", "0", "99999999999999999999"}) {
        CAPTURE(bad);
        CHECK_FALSE(doctor::interval_of(with_interval(bad)));
    }
}

TEST_CASE("A server's address is shown without user, password and path") {
    CHECK(doctor::shown_url("http://admin:s3cret@hub:8000/api?token=x") == "http://hub:8000");
    CHECK(doctor::shown_url("https://hub/") == "https://hub:443");
    CHECK(doctor::shown_url("http://10.0.0.5") == "http://10.0.0.5:80");
    CHECK(doctor::shown_url("http://[fe80::1]:8000/") == "http://[fe80::1]:8000");
    for (const auto* bad :
         {"", "hub:8000", "ftp://hub", "http://", "http://hub:port", "http://:80"}) {
        CAPTURE(bad);
        CHECK(doctor::shown_url(bad) == "(unreadable)");
    }
    CHECK(doctor::server_address("http://[fe80::1]:8000")->host == "fe80::1");
}

TEST_CASE("The tap's program is found by its unit or its directory, with the file it reads") {
    std::string name = (fs::temp_directory_path() / "tapline-taps-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    const fs::path root(name);
    const auto plant = [&root](const std::string& path, const std::string& text) {
        fs::create_directories((root / path).parent_path());
        std::ofstream(root / path, std::ios::binary) << text;
    };
    const auto process = [&](const std::string& pid, const std::string& command, const fs::path& cwd
                         ) {
        plant("proc/" + pid + "/cmdline", with_zeros(command));
        fs::create_symlink(cwd, root / "proc" / pid / "cwd");
    };
    const fs::path home = root / "home";
    plant("home/local_journal.db", "");
    process("20", "/usr/bin/python3|/home/cybeer/main.py|", "/");
    plant("proc/20/cgroup", "0::/system.slice/beer-tap-controller.service\n");
    plant("etc/beer-tap/device.env", "SYNC_INTERVAL_SECONDS=31536000\n");
    process("30", "python3|main.py|", home);
    plant("proc/30/cgroup", "0::/user.slice/user-1000.slice/session-3.scope\n");
    plant("proc/30/environ", with_zeros("DEVICE_ENV_PATH=/etc/other.env|INTERNAL_TOKEN=secret|"));
    plant("etc/other.env", "SERVER_URL=http://u:p@hub:8000\n");
    process("40", "bash|", home);
    process("50", "python3|elsewhere.py|", "/");
    process("60", "tapline-agent|run|", home);

    const auto found = doctor::find_tap_programs(doctor::Look(root), home / "local_journal.db");
    REQUIRE(found.size() == 2);
    CHECK(found[0].pid == 20);
    CHECK(found[0].unit == "beer-tap-controller.service");
    CHECK(found[0].settings.interval->from == "/etc/beer-tap/device.env");
    CHECK(found[1].pid == 30);
    CHECK(found[1].unit.empty());
    CHECK(found[1].settings.server->value == "http://hub:8000");
    CHECK(describe(found[1]).find("started by hand") != std::string::npos);
    fs::remove_all(root);
}

}  // namespace tapline::test
