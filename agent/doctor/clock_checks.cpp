#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "common/clock.hpp"

namespace tapline::doctor {

namespace {

using namespace std::chrono;

constexpr const char* timesync = "/run/systemd/timesync";
constexpr const char* timesync_done = "/run/systemd/timesync/synchronized";
constexpr const char* rtc_class = "/sys/class/rtc";
/// A clock module that runs on local time is off by hours; one whose battery is empty by years.
constexpr std::int64_t rtc_off_s = 24 * 3'600;

void check_year(const Tell& tell) {
    const auto now = system_clock().now_utc();
    const bool sane = now >= sys_days(year(2026) / 1 / 1) && now < sys_days(year(2100) / 1 / 1);
    tell(
        {"clock_year",
         sane ? Verdict::ok : Verdict::fail,
         format_utc(now),
         sane ? "" : "Connect the network and wait for NTP, or set it: sudo date -s.",
         ""}
    );
}

/// The kernel's word counts; what systemd-timesyncd noted is all that a planted tree has.
void check_ntp(const Look& look, const Tell& tell) {
    const bool noted = look.exists(timesync_done);
    if (!look.real() && !look.exists(timesync)) {
        tell({"clock_synchronized", Verdict::skip, "nothing here looks after the clock", "", ""});
        return;
    }
    const bool synchronized = look.real() ? clock_synchronized() : noted;
    std::string measured = synchronized ? "synchronized" : "not synchronized";
    if (!synchronized && noted) {
        measured += ", though it was once since boot";
    }
    tell(
        {"clock_synchronized",
         synchronized ? Verdict::ok : Verdict::warn,
         measured,
         synchronized ? "" : "See timedatectl; allow UDP port 123 to the time server.",
         ""}
    );
}

void check_rtc(const Look& look, const Tell& tell) {
    const auto clocks = look.each(rtc_class, "name");
    tell(
        {"rtc_present",
         clocks.empty() ? Verdict::skip : Verdict::ok,
         clocks.empty() ? "no: after a power cut the time is wrong until NTP answers" : "yes",
         "",
         ""}
    );
    const auto rtc_s = clocks.empty() ? std::nullopt : look.number(clocks.front() / "since_epoch");
    if (!rtc_s) {
        tell({"rtc_time", Verdict::skip, "no clock module tells the time", "", ""});
        return;
    }
    const auto now_s = duration_cast<seconds>(system_clock().now_utc().time_since_epoch()).count();
    const auto off_s = *rtc_s - now_s;
    const bool off = std::abs(off_s) > rtc_off_s;
    tell(
        {"rtc_time",
         off ? Verdict::warn : Verdict::ok,
         fmt::format("{} s from the system's clock", off_s),
         off ? "Change the module's battery; once the time is right: sudo hwclock --systohc." : "",
         ""}
    );
}

}  // namespace

Group clock_group(const Look& look) {
    Group group;
    group.ids = {"clock_year", "clock_synchronized", "rtc_present", "rtc_time"};
    group.look = [look](const Tell& tell) {
        check_year(tell);
        check_ntp(look, tell);
        check_rtc(look, tell);
    };
    return group;
}

}  // namespace tapline::doctor
