#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "agent/identity/identity.hpp"
#include "agent/sync/https_transport.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"

namespace tapline::doctor {

namespace {

using namespace std::chrono;

constexpr UtcTime first_sane = sys_days(year(2026) / 1 / 1);
constexpr milliseconds authority_notice = days(30);

void check_mode(const std::string& state_dir, const Tell& tell) {
    struct stat file {};

    const auto path = state_dir + "/identity.pem";
    const bool open = ::stat(path.c_str(), &file) == 0 && (file.st_mode & 077U) != 0;
    tell(
        {"identity_mode",
         open ? Verdict::warn : Verdict::ok,
         fmt::format("mode {:o}", file.st_mode & 07777U),
         open
             ? fmt::format("sudo chmod 600 {}; others may have read the key: enrol it again.", path)
             : "",
         ""}
    );
}

/// The agent renews at half of its life, so one that is older than three quarters isn't renewed.
void check_dates(const identity::Identity& identity, UtcTime now, const Tell& tell) {
    const auto life = identity.not_after - identity.not_before;
    Check check{"certificate_dates", Verdict::ok, "", "", ""};
    check.measured = fmt::format(
        "{}: {} to {}",
        identity.name,
        format_utc(identity.not_before),
        format_utc(identity.not_after)
    );
    if (now < first_sane) {
        check.verdict = Verdict::unknown;
    } else if (now > identity.not_after) {
        check.verdict = Verdict::fail;
        check.what_to_do =
            "A running agent renews it by itself: see central_reachable; else enrol it again: "
            "tapline-agent enroll URL --again.";
    } else if (now < identity.not_before) {
        check.verdict = Verdict::warn;
        check.what_to_do = "It begins later than now: is the date of this device right?";
    } else if (now > identity.not_after - life / 4) {
        check.verdict = Verdict::warn;
        check.what_to_do = "It should have been renewed: see the agent's log for \"renew\".";
    }
    tell(check);
}

void check_authority(const identity::Identity& identity, UtcTime now, const Tell& tell) {
    UtcTime last{};
    for (const auto& root : pki::Certificate::all_from_pem(identity.credentials->roots)) {
        last = std::max(last, root.not_after());
    }
    const bool over = now > last;
    const bool soon = now > last - authority_notice;
    const auto bad = over ? Verdict::fail : Verdict::warn;
    tell(
        {"authority_dates",
         soon ? bad : Verdict::ok,
         "until " + format_utc(last),
         soon ? "Central's operator makes a new one: tapline-central tls rotate." : "",
         ""}
    );
}

void look_at_identity(const service::Settings& settings, const Tell& tell) {
    const bool needed = !settings.central.empty() && sync::parse_central_url(settings.central).tls;
    const auto identity = identity::load(settings.state_dir);
    if (!identity) {
        tell(
            {"identity",
             needed ? Verdict::fail : Verdict::skip,
             needed ? "this device isn't enrolled: no identity.pem in " + settings.state_dir
                    : "central is reached without TLS, or no address is set",
             needed ? fmt::format("tapline-agent enroll {}", settings.central) : "",
             ""}
        );
        return;
    }
    const bool elsewhere = needed && identity->central != settings.central;
    tell(
        {"identity",
         elsewhere ? Verdict::warn : Verdict::ok,
         fmt::format("{}, enrolled at {}; the key fits", identity->name, identity->central),
         elsewhere ? fmt::format("The settings name {}: is it the same central?", settings.central)
                   : "",
         ""}
    );
    const auto now = system_clock().now_utc();
    check_mode(settings.state_dir, tell);
    check_dates(*identity, now, tell);
    check_authority(*identity, now, tell);
}

}  // namespace

Group identity_group(const service::Settings& settings) {
    Group group;
    group.ids = {"identity", "identity_mode", "certificate_dates", "authority_dates"};
    group.look = [settings](const Tell& tell) {
        try {
            look_at_identity(settings, tell);
        } catch (const Error& failure) {
            // Another user's key: nothing is wrong with it.
            const bool secret = failure.code() == "read_file" && ::geteuid() != 0;
            if (!secret) {
                throw;
            }
            tell(
                {"identity",
                 Verdict::unknown,
                 failure.what() + std::string("; ask as root"),
                 "",
                 ""}
            );
        }
    };
    return group;
}

}  // namespace tapline::doctor
