#include <algorithm>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"

namespace tapline::doctor {

namespace {

constexpr std::int64_t hot_millidegrees = 80'000;  ///< a Pi slows down from here on

void check_temperature(const Look& look, const Tell& tell) {
    std::optional<std::int64_t> hottest;
    for (const auto& zone : look.each("/sys/class/thermal", "temp")) {
        const auto found = look.number(zone / "temp");
        hottest = std::max(hottest, found);
    }
    const bool hot = hottest && *hottest >= hot_millidegrees;
    const auto verdict = hot ? Verdict::warn : Verdict::ok;
    tell(
        {"temperature",
         hottest ? verdict : Verdict::skip,
         hottest ? fmt::format("{} °C", *hottest / 1000) : "no sensor",
         hot ? "Give the case air; keep it away from the cooler's exhaust." : "",
         ""}
    );
}

/// Bits as in Raspberry Pi's documentation of get_throttled: 0 under-voltage now, 1 clock capped, 2
/// throttled, 3 soft limit of temperature; 16 to 19 the same since boot.
void check_power(const Look& look, const Tell& tell) {
    const auto bits = look.number("/sys/devices/platform/soc/soc:firmware/get_throttled");
    if (!bits) {
        tell({"under_voltage", Verdict::skip, "not a Raspberry Pi", "", ""});
        tell({"throttled", Verdict::skip, "not a Raspberry Pi", "", ""});
        return;
    }
    const auto place = [&](int bit) {
        const auto value = static_cast<std::uint64_t>(*bits);
        if (((value >> bit) & 1U) != 0) {
            return "now";
        }
        return ((value >> (bit + 16)) & 1U) != 0 ? "since boot" : "no";
    };
    const std::string low = place(0);
    const std::string slow = place(2);
    tell(
        {"under_voltage",
         low == "no" ? Verdict::ok : Verdict::warn,
         low,
         low == "no" ? "" : "Change the power supply or its cable: 5.1 V, 3 A, short and thick.",
         ""}
    );
    tell(
        {"throttled",
         slow == "no" ? Verdict::ok : Verdict::warn,
         slow,
         slow == "no" ? "" : "Mend under_voltage first, then look at temperature.",
         ""}
    );
}

}  // namespace

Group heat_and_power_group(const Look& look) {
    Group group;
    group.ids = {"temperature", "under_voltage", "throttled"};
    group.look = [look](const Tell& tell) {
        check_temperature(look, tell);
        check_power(look, tell);
    };
    return group;
}

}  // namespace tapline::doctor
