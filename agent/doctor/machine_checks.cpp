#include <sstream>

#include <fmt/format.h>

#include "agent/doctor/doctor.hpp"

namespace tapline::doctor {

namespace {

constexpr std::int64_t little_memory_kib = 32 * 1024;
constexpr std::int64_t hot_millidegrees = 80'000;  ///< a Pi slows down from here on

void check_memory(const Look& look, Report& report) {
    std::istringstream lines(look.text("/proc/meminfo").value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string name;
        std::int64_t kib = 0;
        words >> name >> kib;
        if (name != "MemAvailable:") {
            continue;
        }
        const bool little = kib < little_memory_kib;
        report.push_back(
            {"memory_available",
             little ? Verdict::warn : Verdict::ok,
             fmt::format("{} MiB", kib / 1024),
             little ? "See who uses it: top -o %MEM; restart that service." : "",
             ""}
        );
        return;
    }
    report.push_back({"memory_available", Verdict::skip, "the kernel doesn't say", "", ""});
}

void check_temperature(const Look& look, Report& report) {
    std::optional<std::int64_t> hottest;
    for (const auto& zone : look.each("/sys/class/thermal", "temp")) {
        const auto found = look.number(zone / "temp");
        hottest = std::max(hottest, found);
    }
    const bool hot = hottest && *hottest >= hot_millidegrees;
    const auto verdict = hot ? Verdict::warn : Verdict::ok;
    report.push_back(
        {"temperature",
         hottest ? verdict : Verdict::skip,
         hottest ? fmt::format("{} °C", *hottest / 1000) : "no sensor",
         hot ? "Give the case air; keep it away from the cooler's exhaust." : "",
         ""}
    );
}

/// Bits as in Raspberry Pi's documentation of get_throttled: 0 under-voltage now, 1 clock capped, 2
/// throttled, 3 soft limit of temperature; 16 to 19 the same since boot.
void check_power(const Look& look, Report& report) {
    const auto bits = look.number("/sys/devices/platform/soc/soc:firmware/get_throttled");
    if (!bits) {
        report.push_back({"under_voltage", Verdict::skip, "not a Raspberry Pi", "", ""});
        report.push_back({"throttled", Verdict::skip, "not a Raspberry Pi", "", ""});
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
    report.push_back(
        {"under_voltage",
         low == "no" ? Verdict::ok : Verdict::warn,
         low,
         low == "no" ? "" : "Change the power supply or its cable: 5.1 V, 3 A, short and thick.",
         ""}
    );
    report.push_back(
        {"throttled",
         slow == "no" ? Verdict::ok : Verdict::warn,
         slow,
         slow == "no" ? "" : "Mend under_voltage first, then look at temperature.",
         ""}
    );
}

}  // namespace

void check_machine(const Look& look, Report& report) {
    check_memory(look, report);
    check_temperature(look, report);
    check_power(look, report);
}

}  // namespace tapline::doctor
