#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"

namespace tapline::doctor {

namespace {

constexpr std::int64_t kib = 1024;
constexpr std::int64_t mib = kib * 1024;
constexpr std::int64_t little_bytes = 32 * mib;
// Of the agent's own unit, then of the container that this may be (cgroup v2; a container sees its
// own as the root).
constexpr const char* unit_group = "/sys/fs/cgroup/system.slice/tapline-agent.service";
constexpr const char* root_group = "/sys/fs/cgroup";

/// "name 123" or "name: 123 kB" on a line of its own.
std::optional<std::int64_t> named_number(const std::optional<std::string>& text, const char* name) {
    std::istringstream lines(text.value_or(""));
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string word;
        std::int64_t value = 0;
        if (words >> word >> value && word == name) {
            return value;
        }
    }
    return std::nullopt;
}

void check_available(const Look& look, const Tell& tell) {
    const auto available_kib = named_number(look.text("/proc/meminfo"), "MemAvailable:");
    if (!available_kib) {
        tell({"memory_available", Verdict::skip, "the kernel doesn't say", "", ""});
        return;
    }
    const bool little = *available_kib * kib < little_bytes;
    tell(
        {"memory_available",
         little ? Verdict::warn : Verdict::ok,
         fmt::format("{} MiB", *available_kib * kib / mib),
         little ? "See who uses it: top -o %MEM; restart that service." : "",
         ""}
    );
}

/// What is used is anonymous memory: the cache that fills a group's rest is given back on demand.
void check_limit(const Look& look, const Tell& tell) {
    Check check{"memory_limit", Verdict::skip, "none is set", "", ""};
    for (const std::string group : {unit_group, root_group}) {
        const auto limit = look.number(group + "/memory.max");  // "max": none
        if (!limit || check.verdict == Verdict::warn) {
            continue;
        }
        const auto used = named_number(look.text(group + "/memory.stat"), "anon").value_or(0);
        const auto kills =
            named_number(look.text(group + "/memory.events"), "oom_kill").value_or(0);
        const bool tight = used > *limit / 10 * 9 || kills > 0;
        check.verdict = tight ? Verdict::warn : Verdict::ok;
        check.measured = fmt::format(
            "{} of {} MiB used, {} processes were killed for it", used / mib, *limit / mib, kills
        );
        check.what_to_do =
            tight ? "Raise MemoryMax= of the unit (or the container's), or see who uses it: "
                    "systemd-cgtop -m."
                  : "";
    }
    tell(check);
}

}  // namespace

Group memory_group(const Look& look) {
    Group group;
    group.ids = {"memory_available", "memory_limit"};
    group.look = [look](const Tell& tell) {
        check_available(look, tell);
        check_limit(look, tell);
    };
    return group;
}

}  // namespace tapline::doctor
