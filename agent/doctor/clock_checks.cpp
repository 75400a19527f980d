#include <fmt/format.h>

#include "agent/doctor/doctor.hpp"
#include "common/clock.hpp"

namespace tapline::doctor {

void check_clock(const Look& look, Report& report) {
    using namespace std::chrono;
    const auto now = system_clock().now_utc();
    const bool sane = now >= sys_days(year(2026) / 1 / 1) && now < sys_days(year(2100) / 1 / 1);
    report.push_back(
        {"clock_year",
         sane ? Verdict::ok : Verdict::fail,
         format_utc(now),
         sane ? "" : "Connect the network and wait for NTP, or set it: sudo date -s.",
         ""}
    );
    const bool synchronized = clock_synchronized();
    const auto ntp = synchronized ? Verdict::ok : Verdict::warn;
    report.push_back(
        {"clock_synchronized",
         look.real() ? ntp : Verdict::skip,
         synchronized ? "by NTP" : "not synchronized",
         look.real() && !synchronized ? "See timedatectl; allow UDP port 123 to the time server."
                                      : "",
         ""}
    );
    const bool rtc = !look.each("/sys/class/rtc", "name").empty();
    report.push_back(
        {"rtc_present",
         rtc ? Verdict::ok : Verdict::skip,
         rtc ? "yes" : "no: after a power cut the time is wrong until NTP answers",
         "",
         ""}
    );
}

}  // namespace tapline::doctor
