#include <map>
#include <sstream>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "agent/service/child.hpp"
#include "common/log.hpp"

namespace tapline::doctor {

namespace {

using namespace std::chrono_literals;

constexpr const char* systemd_runs = "/run/systemd/system";  // sd_booted(3)
constexpr const char* systemctl = "/usr/bin/systemctl";
constexpr const char* unit = "tapline-agent.service";
constexpr std::chrono::milliseconds answer_limit = 3s;
constexpr std::size_t max_answer_bytes = 16 * 1024;
constexpr std::int64_t many_restarts = 5;

using Properties = std::map<std::string, std::string>;

Properties properties_of(const std::string& text) {
    Properties found;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        const auto equals = line.find('=');
        if (equals != std::string::npos) {
            found[line.substr(0, equals)] = printable(line.substr(equals + 1), 100);
        }
    }
    return found;
}

Check state_of(Properties unit_is) {
    const auto& active = unit_is["ActiveState"];
    Check check{"service_state", Verdict::ok, "", "", ""};
    check.measured =
        fmt::format("{} ({}), {} at boot", active, unit_is["SubState"], unit_is["UnitFileState"]);
    if (unit_is["LoadState"] == "not-found") {
        check.verdict = Verdict::skip;
        check.measured = fmt::format("there is no {}", unit);
    } else if (active == "failed" || unit_is["SubState"] == "auto-restart") {
        check.verdict = Verdict::fail;
        check.measured += fmt::format(
            "; it ended by {}, status {}", unit_is["Result"], unit_is["ExecMainStatus"]
        );
        check.what_to_do = "See why: journalctl -u tapline-agent -e; then systemctl restart it.";
    } else if (active != "active" && active != "activating" && active != "reloading") {
        check.verdict = Verdict::warn;
        check.what_to_do = "sudo systemctl enable --now tapline-agent";
    } else if (unit_is["UnitFileState"] == "disabled") {
        check.verdict = Verdict::warn;
        check.what_to_do =
            "It won't come back after a power cut: sudo systemctl enable tapline-agent";
    }
    return check;
}

void look_at_service(const Look& look, const Tell& tell) {
    if (!look.exists(systemd_runs)) {
        tell({"service_state", Verdict::skip, "no systemd runs here", "", ""});
        return;
    }
    const auto ran = service::run_child(
        {look.at(systemctl).string(),
         "show",
         "--property=LoadState,ActiveState,SubState,UnitFileState,Result,ExecMainStatus,NRestarts",
         unit},
        answer_limit,
        max_answer_bytes
    );
    if (ran.late || ran.exit_code != 0) {
        const auto why = ran.late ? "doesn't answer" : printable(ran.errors, 200);
        tell({"service_state", Verdict::unknown, fmt::format("systemctl: {}", why), "", ""});
        return;
    }
    auto properties = properties_of(ran.output);
    const auto state = state_of(properties);
    tell(state);
    if (state.verdict == Verdict::skip) {
        return;
    }
    const auto restarts = std::strtoll(properties["NRestarts"].c_str(), nullptr, 10);
    const bool many = restarts >= many_restarts;
    tell(
        {"service_restarts",
         many ? Verdict::warn : Verdict::ok,
         fmt::format("{} since it was started", restarts),
         many ? "It dies again and again: journalctl -u tapline-agent -e." : "",
         ""}
    );
}

}  // namespace

Group service_group(const Look& look) {
    Group group;
    group.ids = {"service_state", "service_restarts"};
    group.limit = answer_limit + 1s;
    group.look = [look](const Tell& tell) { look_at_service(look, tell); };
    return group;
}

}  // namespace tapline::doctor
