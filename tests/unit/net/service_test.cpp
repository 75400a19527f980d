#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "agent/service/notify.hpp"
#include "agent/service/settings.hpp"
#include "agent/service/status_file.hpp"
#include "agent/service/status_json.hpp"
#include "common/error.hpp"

using namespace std::chrono_literals;
using tapline::service::Flags;
using tapline::service::load_settings;

namespace {

tapline::Environment environment(std::map<std::string, std::string> variables) {
    return
        [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
            const auto found = variables.find(name);
            return found == variables.end() ? std::nullopt : std::optional(found->second);
        };
}

struct Folder {
    Folder()
        : path(
              std::filesystem::temp_directory_path() /
              ("tapline-service-" + std::to_string(::getpid()))
          ) {
        std::filesystem::remove_all(path);
        std::filesystem::create_directory(path);
    }

    ~Folder() { std::filesystem::remove_all(path); }

    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path / name) << text;
        return (path / name).string();
    }

    std::filesystem::path path;
};

const std::string whole =
    "journal = [\"/a.db\", \"/b.db\"]\ncentral = \"http://127.0.0.1:1\"\nname = \"file\"\n"
    "tap_gate = \"ack\"\nlog_level = \"warn\"\nretry_base_ms = 5\nretry_cap_ms = "
    "6\nfirst_retry_spread_s = 7\n"
    "writer_statements = [\"SELECT volume_ml FROM pours\"]\n";

}  // namespace

TEST_CASE("Settings: flag over environment over file, key by key") {
    const Folder folder;
    Flags flags;
    flags.config = folder.write("agent.toml", whole);
    auto settings = load_settings(flags, environment({}), true);
    CHECK(settings.journals == std::vector<std::string>{"/a.db", "/b.db"});
    CHECK(settings.name == "file");
    CHECK_FALSE(settings.custody);
    CHECK(settings.backoff.base == 5ms);
    CHECK(settings.backoff.cap == 6ms);
    CHECK(settings.backoff.first_spread == 7s);
    CHECK(settings.writer_statements == std::vector<std::string>{"SELECT volume_ml FROM pours"});

    const auto variables = environment(
        {{"TAPLINE_NAME", "variable"},
         {"TAPLINE_JOURNAL", "/c.db:/d.db"},
         {"TAPLINE_RETRY_BASE_MS", "50"}}
    );
    settings = load_settings(flags, variables, true);
    CHECK(settings.name == "variable");
    CHECK(settings.journals == std::vector<std::string>{"/c.db", "/d.db"});
    CHECK(settings.backoff.base == 50ms);
    CHECK(settings.log_level == "warn");

    flags.name = "flag";
    flags.journals = {"/e.db"};
    flags.retry_base_ms = 500;
    settings = load_settings(flags, variables, true);
    CHECK(settings.name == "flag");
    CHECK(settings.journals == std::vector<std::string>{"/e.db"});
    CHECK(settings.backoff.base == 500ms);
}

TEST_CASE("Settings: what is wrong is refused with what to do, wherever it stands") {
    const Folder folder;
    const auto bad = GENERATE(
        as<std::string>{},
        "nane = \"x\"",
        "journal = 3",
        "retry_base_ms = \"5\"",
        "retry_base_ms = -1",
        "tap_gate = \"open\"",
        "log_level = \"loud\"",
        "name = \"tap 1\"",
        "name = \"\"",
        "writer_statements = [\"DROP TABLE pours\"]",
        "writer_statements = 3",
        "[section]\nname = \"x\""
    );
    Flags flags;
    flags.config = folder.write("agent.toml", bad);
    flags.journals = {"/a.db"};
    flags.central = "http://127.0.0.1:1";
    try {
        static_cast<void>(load_settings(flags, environment({}), true));
        FAIL(bad << " was taken");
    } catch (const tapline::Error& failure) {
        CHECK(failure.kind() == tapline::ErrorKind::usage);
        CHECK_FALSE(failure.hint().empty());
    }
}

TEST_CASE("Settings: what can be read is used by who looks for what is wrong") {
    const Folder folder;
    Flags flags;
    flags.config = folder.write(
        "agent.toml",
        "journal = \"/a.db\"\nname = tap 1\nlog_level = \"loud\"\ntap_gate = \"open\"\n"
        "retry_base_ms = -1\nwriter_statements = [\"DROP TABLE pours\"]\nstatus_file = \"/s\"\n"
    );
    const auto readable =
        tapline::service::readable_settings(flags, environment({{"TAPLINE_RETRY_CAP_MS", "soon"}}));
    CHECK(readable.troubles.size() == 6);
    CHECK(readable.settings.journals == std::vector<std::string>{"/a.db"});
    CHECK(readable.settings.status_file == "/s");
    CHECK(readable.settings.custody);
    CHECK(readable.settings.writer_statements.empty());
    flags.config = (folder.path / "absent.toml").string();
    CHECK(tapline::service::readable_settings(flags, environment({})).troubles.size() == 1);
}

TEST_CASE("Settings: run needs a journal and central's address; a named file must exist") {
    const Folder folder;
    Flags flags;
    flags.config = folder.write("agent.toml", "");
    CHECK_NOTHROW(load_settings(flags, environment({}), false));
    CHECK_THROWS_AS(load_settings(flags, environment({}), true), tapline::Error);
    flags.journals = {"/a.db"};
    CHECK_THROWS_AS(load_settings(flags, environment({}), true), tapline::Error);
    flags.config = (folder.path / "absent.toml").string();
    CHECK_THROWS_AS(load_settings(flags, environment({}), false), tapline::Error);
    flags.config.reset();
    CHECK_THROWS_AS(
        load_settings(flags, environment({{"TAPLINE_RETRY_CAP_MS", "soon"}}), false), tapline::Error
    );
}

TEST_CASE("Notifier: says what systemd expects, where systemd says") {
    const Folder folder;
    const std::string path = (folder.path / "notify").string();
    const int receiver = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(receiver, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const auto heard = [receiver] {
        std::array<char, 256> text{};
        const auto bytes = ::recv(receiver, text.data(), text.size(), 0);
        return bytes < 0 ? std::string()
                         : std::string(text.data(), static_cast<std::size_t>(bytes));
    };
    const tapline::service::Notifier notifier(
        environment({{"NOTIFY_SOCKET", path}, {"WATCHDOG_USEC", "30000000"}})
    );
    notifier.ready();
    CHECK(heard() == "READY=1");
    notifier.status("idle");
    CHECK(heard() == "STATUS=idle");
    notifier.reloading();
    const auto reloading = heard();
    CHECK(reloading.rfind("RELOADING=1\nMONOTONIC_USEC=", 0) == 0);
    CHECK(std::stoll(reloading.substr(reloading.rfind('=') + 1)) > 0);
    notifier.alive();
    CHECK(heard() == "WATCHDOG=1");
    notifier.stopping();
    CHECK(heard() == "STOPPING=1");
    CHECK(notifier.watchdog_period() == 15s);
    const tapline::service::Notifier nobody(environment({}));
    nobody.ready();
    CHECK(heard().empty());
    CHECK_FALSE(nobody.watchdog_period());
    ::close(receiver);
}

TEST_CASE("StatusFile: a reader sees the newest text, and whether its writer lives") {
    const Folder folder;
    const std::string path = (folder.path / "agent-x.json").string();
    const auto runtime = environment({{"RUNTIME_DIRECTORY", folder.path.string()}});
    {
        const auto file = tapline::service::StatusFile::open("", "x", runtime);
        REQUIRE(file);
        file->write("a long first text");
        file->write("short");
        const auto found = tapline::service::find_status_files(path, runtime);
        REQUIRE(found.size() == 1);
        CHECK(found[0].text == "short");
        CHECK(found[0].alive);
        CHECK_FALSE(tapline::service::StatusFile::open(path, "x", runtime));
    }
    const auto found = tapline::service::find_status_files(path, runtime);
    REQUIRE(found.size() == 1);
    CHECK_FALSE(found[0].alive);
}

TEST_CASE("Status JSON: what is written is read again; half of it is nothing") {
    tapline::service::AgentStatus status;
    status.pid = 7;
    status.name = "bar-3";
    status.certificate_until = "2027-05-19T12:00:00.000Z";
    tapline::sync::SyncStatus journal;
    journal.file = "/var/lib/tap/journal.db";
    journal.state = tapline::sync::SyncState::held;
    journal.depth = 12;
    journal.last_ack = tapline::UtcTime(5s);
    journal.last_error = "odd \xff bytes";
    journal.oldest_recorded_at = "2026-11-20T12:00:00.000Z";
    status.journals.push_back(journal);
    status.wear.pours = 3;
    status.wear.idle_syncs = 4;
    const std::string text = encode(status);
    const auto again = tapline::service::decode_status(text);
    REQUIRE(again);
    REQUIRE(again->journals.size() == 1);
    CHECK(again->pid == 7);
    CHECK(again->certificate_until == status.certificate_until);
    CHECK(again->wear.pours == 3);
    CHECK(again->wear.idle_syncs == 4);
    CHECK(again->journals[0].state == tapline::sync::SyncState::held);
    CHECK(again->journals[0].depth == 12);
    CHECK(again->journals[0].last_ack == tapline::UtcTime(5s));
    CHECK(again->journals[0].oldest_recorded_at == journal.oldest_recorded_at);
    CHECK_FALSE(again->journals[0].next_try);
    CHECK_FALSE(tapline::service::decode_status(text.substr(0, text.size() / 2)));
    CHECK_FALSE(tapline::service::decode_status("{}"));
}

TEST_CASE("Wear: what is written is a pour's until the card had time to rest, then an idle hour's"
) {
    using tapline::MonoTime;
    tapline::service::Wear wear;
    // Pours may be acked before anybody looks.
    wear.note(MonoTime(0s), {10, 1'000, 2}, 1, 8);
    CHECK(wear.figures().pours == 1);
    CHECK(wear.figures().busy_bytes == 1'000);
    wear.note(MonoTime(20s), {11, 1'500, 3}, 4, 11);
    CHECK(wear.figures().pours == 4);
    CHECK(wear.figures().busy_bytes == 1'500);
    CHECK(wear.figures().busy_syncs == 3);
    // The checkpoint of these pours.
    wear.note(MonoTime(30s), {12, 2'500, 6}, 4, 11);
    wear.note(MonoTime(60s), {12, 2'500, 6}, 4, 11);
    CHECK(wear.figures().busy_bytes == 2'500);
    CHECK(wear.figures().busy_syncs == 6);
    CHECK(wear.figures().idle_ms == 0);
    wear.note(MonoTime(120s), {13, 2'600, 7}, 4, 11);
    CHECK(wear.figures().idle_ms == 60'000);
    CHECK(wear.figures().idle_bytes == 100);
    CHECK(wear.figures().idle_syncs == 1);
    // A reload took a journal away: no pour was un-poured.
    wear.note(MonoTime(180s), {13, 2'600, 7}, 1, 3);
    CHECK(wear.figures().pours == 4);
    CHECK(wear.figures().idle_ms == 60'000);
}
