#include "agent/handover/switch_on.hpp"

#include <functional>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "agent/doctor/group.hpp"
#include "agent/handover/texts.hpp"
#include "agent/journal/owner.hpp"
#include "agent/service/child.hpp"
#include "agent/service/living.hpp"
#include "common/log.hpp"
#include "common/secret_file.hpp"

namespace fs = std::filesystem;

namespace tapline::handover {

namespace {

using namespace std::chrono_literals;
using doctor::Check;
using doctor::Verdict;
using service::ServedBy;

constexpr const char* systemd_runs = "/run/systemd/system";
constexpr const char* systemctl = "/usr/bin/systemctl";
constexpr const char* unit = "tapline-agent.service";
constexpr const char* drop_in_file = "/etc/systemd/system/tapline-agent.service.d/journal.conf";
constexpr std::chrono::milliseconds systemctl_limit = 120s;
constexpr std::chrono::milliseconds serving_limit = 30s;
constexpr std::chrono::milliseconds step_limit = 4 * systemctl_limit;
constexpr std::chrono::milliseconds between_looks = 250ms;
constexpr std::size_t max_answer_bytes = 16 * 1024;

bool same_file(const std::string& one, const std::string& other) {
    std::error_code missing;
    return one == other || fs::equivalent(one, other, missing);
}

NewText drop_in_of(const SwitchOn& order) {
    const auto owner = journal::owner_names(order.journal);
    const DropIn wanted{owner.user, owner.group, order.journal.parent_path().string()};
    return drop_in_text(wanted, read_small_file(order.look.at(drop_in_file)));
}

NewText settings_of(const SwitchOn& order) {
    return settings_text(read_small_file(order.config), order.journal.string(), &same_file);
}

/// Puts it in place; the word of the check.
Check put(const char* id, const fs::path& file, const NewText& wanted) {
    if (!wanted.refusal.empty()) {
        return {
            id,
            Verdict::warn,
            fmt::format("{} is left as it is: {}", file.string(), wanted.refusal),
            wanted.to_write.empty()
                ? "Move the journal to another place."
                : "Put this into it by hand, then do this again:\n" + wanted.to_write,
            ""};
    }
    if (!wanted.changed) {
        return {id, Verdict::ok, fmt::format("{} says it already", file.string()), "", ""};
    }
    std::error_code failure;  // told by the writing
    fs::create_directories(file.parent_path(), failure);
    replace_file(file, wanted.text);
    return {id, Verdict::ok, fmt::format("written to {}", file.string()), "", ""};
}

bool serves(const ServedBy& served) {
    switch (served.journal.state) {
        case sync::SyncState::sending:
        case sync::SyncState::idle:
        case sync::SyncState::held:
            return true;
        case sync::SyncState::starting:
        case sync::SyncState::missing:
        case sync::SyncState::not_adopted:
        case sync::SyncState::refused:
        case sync::SyncState::storage_error:
        case sync::SyncState::damaged:
        case sync::SyncState::away:
        case sync::SyncState::fork:
        case sync::SyncState::upgrade:
        case sync::SyncState::waiting:
            return false;
    }
    return false;
}

std::optional<ServedBy> server_of(const SwitchOn& order) {
    const auto agents = service::living_agents(order.status_file, order.environment);
    return service::served_by(agents, order.journal.string());
}

/// nullopt: it did it; else what it said.
std::optional<std::string> ask_systemd(
    const SwitchOn& order, const std::vector<std::string>& words
) {
    std::vector<std::string> command{order.look.at(systemctl).string()};
    command.insert(command.end(), words.begin(), words.end());
    const auto ran = service::run_child(command, systemctl_limit, max_answer_bytes);
    if (ran.exit_code == 0) {
        return std::nullopt;
    }
    std::string asked;
    for (const auto& word : words) {
        asked += " " + word;
    }
    return fmt::format(
        "systemctl{}: {}", asked, ran.late ? "doesn't answer" : printable(ran.errors, 300)
    );
}

Check enable(const SwitchOn& order, bool files_changed) {
    const bool active = !ask_systemd(order, {"is-active", "--quiet", unit});
    const bool enabled = !ask_systemd(order, {"is-enabled", "--quiet", unit});
    // A service that runs already has its old settings.
    const bool restart = active && (files_changed || !server_of(order));
    if (active && enabled && !restart) {
        return {"service_enabled", Verdict::ok, "it runs already, and is enabled", "", ""};
    }
    std::vector<std::vector<std::string>> commands{{"daemon-reload"}, {"enable", "--now", unit}};
    if (restart) {
        commands.push_back({"restart", unit});
    }
    for (const auto& command : commands) {
        if (const auto failure = ask_systemd(order, command)) {
            return {
                "service_enabled",
                Verdict::fail,
                *failure,
                fmt::format("See why: systemctl status {}; journalctl -u tapline-agent -e", unit),
                ""};
        }
    }
    const auto* done = restart ? "enabled, and started anew" : "enabled and started";
    return {"service_enabled", Verdict::ok, done, "", ""};
}

Check wait_until_served(const SwitchOn& order) {
    const auto end = std::chrono::steady_clock::now() + serving_limit;
    std::optional<ServedBy> served;
    do {
        served = server_of(order);
        if (served && serves(*served)) {
            return {
                "serving",
                Verdict::ok,
                fmt::format(
                    "tapline-agent, process {}, serves it: {}",
                    served->pid,
                    sync::name_of(served->journal.state)
                ),
                "",
                ""};
        }
        std::this_thread::sleep_for(between_looks);
    } while (std::chrono::steady_clock::now() < end);
    Check check{"serving", Verdict::warn, "", "", ""};
    if (served) {
        const auto advice = served->journal.hint.empty()
                                ? std::string(sync::what_to_do(served->journal.state))
                                : served->journal.hint;
        check.measured = fmt::format(
            "process {} has it, but is {}: {}",
            served->pid,
            sync::name_of(served->journal.state),
            printable(served->journal.last_error, 300)
        );
        check.what_to_do = advice.empty() ? "See tapline-agent status." : advice;
    } else {
        check.measured =
            fmt::format("no agent says within {} s that it serves it", serving_limit / 1s);
        check.what_to_do =
            "See why: journalctl -u tapline-agent -e; can the journal's owner read "
            "agent.toml and the certificate?";
    }
    return check;
}

/// In a process of its own, where an error of the disk is the step's verdict.
Check take(const char* id, const std::function<Check()>& step) {
    doctor::Group group;
    group.ids = {id};
    group.limit = step_limit;
    group.look = [&step](const doctor::Tell& tell) { tell(step()); };
    return doctor::look_at(group, {}, std::chrono::steady_clock::now() + step_limit).front();
}

}  // namespace

bool has_systemd(const doctor::Look& look) {
    return look.exists(systemd_runs);
}

doctor::Report switch_on(const SwitchOn& order, const doctor::Tell& tell) {
    const auto settings = settings_of(order);
    const auto drop_in = drop_in_of(order);
    const bool changed = settings.changed || drop_in.changed;
    const std::vector<std::pair<const char*, std::function<Check()>>> steps{
        {"agent_settings", [&] { return put("agent_settings", order.config, settings); }},
        {"drop_in", [&] { return put("drop_in", order.look.at(drop_in_file), drop_in); }},
        {"service_enabled", [&] { return enable(order, changed); }},
        {"serving", [&] { return wait_until_served(order); }}};
    doctor::Report report;
    std::string failed;
    for (const auto& [id, step] : steps) {
        Check check{id, Verdict::skip, "not done: see " + failed, "", ""};
        if (failed.empty()) {
            check = take(id, step);
        }
        if (failed.empty() && check.verdict != Verdict::ok) {
            failed = id;
        }
        check.subject = order.journal.string();
        tell(check);
        report.push_back(std::move(check));
    }
    return report;
}

std::vector<std::string> commands_for(const SwitchOn& order) {
    std::vector<std::string> commands;
    const auto settings = settings_of(order);
    if (settings.changed || !settings.refusal.empty()) {
        commands.push_back(fmt::format(
            "name the journal in {}: {}",
            order.config.string(),
            settings.changed ? fmt::format("journal = \"{}\"", order.journal.string())
                             : settings.to_write
        ));
    }
    const auto owner = journal::owner_names(order.journal);
    commands.push_back(
        fmt::format("sudo -u {} tapline-agent run --config {}", owner.user, order.config.string())
    );
    return commands;
}

bool is_on(const SwitchOn& order) {
    const auto served = server_of(order);
    if (!served || !serves(*served)) {
        return false;
    }
    const auto drop_in = drop_in_of(order);
    const auto settings = settings_of(order);
    return !drop_in.changed && drop_in.refusal.empty() && !settings.changed &&
           settings.refusal.empty() && !ask_systemd(order, {"is-enabled", "--quiet", unit});
}

}  // namespace tapline::handover
