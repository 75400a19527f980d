#include "agent/cli/status_verb.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <thread>

#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/journal_output.hpp"
#include "agent/journal/mount.hpp"
#include "agent/service/living.hpp"
#include "agent/service/offline.hpp"
#include "agent/service/settings.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"

namespace tapline::cli {

namespace {

using nlohmann::json;

constexpr int attention = 5;
constexpr const char* start_it = "start the agent: systemctl start tapline-agent";

struct Arguments {
    service::Flags flags;
    bool json = false;
    int watch_s = 0;  ///< 0: once
};

/// What is known of one journal: from the agent, from the file, or why not.
struct Line {
    std::string file;
    std::string state = "stopped";
    int exit_code = attention;
    std::string what_to_do = start_it;
    std::optional<sync::SyncStatus> running;
    std::optional<service::JournalFacts> facts;
    sync::Room room = sync::Room::ample;
    std::string trouble;
};

void take_running(Line& line, const std::vector<service::AgentStatus>& agents) {
    const auto served = service::served_by(agents, line.file);
    if (!served) {
        return;
    }
    const auto& journal = served->journal;
    line.running = journal;
    line.state = std::string(sync::name_of(journal.state));
    line.exit_code = sync::exit_code_of(journal.state);
    line.what_to_do = std::string(sync::what_to_do(journal.state));
    const bool own_words = line.exit_code == attention && !journal.hint.empty();
    if (own_words) {
        line.what_to_do = journal.hint;
    }
}

/// Less room than the tap needs is as bad as anything that the agent says of itself.
void take_room(Line& line) {
    const auto days = line.running ? line.running->days_left : std::nullopt;
    line.room = sync::room_of(line.facts->free_bytes, days, sync::Room::ample);
    if (line.room == sync::Room::alarm) {
        line.what_to_do = std::string(sync::what_to_do(line.room));
        line.exit_code = attention;
    }
}

/// Seen here at once; an agent with nothing to write looks once a minute.
void take_card(Line& line) {
    if (!line.facts->read_only) {
        return;
    }
    const auto stopped = journal::read_only_error(line.file, "its file system can't be written");
    line.trouble = stopped.what();
    line.what_to_do = stopped.hint();
    line.exit_code = attention;
}

void take_facts(Line& line) {
    try {
        line.facts = service::read_facts(line.file);
        take_room(line);
        take_card(line);
    } catch (const Error& failure) {
        line.trouble = failure.what();
        line.what_to_do = failure.hint();
        line.exit_code = attention;
        if (!line.running) {
            line.state = failure.code();
        }
    }
}

json optional_text(const std::optional<std::string>& text) {
    return text ? json(*text) : json(nullptr);
}

json time_text(const std::optional<UtcTime>& time) {
    return time ? json(format_utc(*time)) : json(nullptr);
}

json to_json(const Line& line) {
    json out = {
        {"file", line.file},
        {"state", line.state},
        {"running", line.running.has_value()},
        {"what_to_do", line.what_to_do},
        {"trouble", line.trouble},
    };
    if (line.facts) {
        out["journal_id"] = line.facts->identity.journal_id;
        out["epoch"] = line.facts->identity.epoch;
        out["revision"] = line.facts->identity.revision;
        out["acked_through"] = line.facts->identity.acked_through;
        out["max_seq"] = line.facts->max_seq;
        out["depth"] = line.facts->depth;
        out["depth_exact"] = line.facts->depth_exact;
        out["oldest_recorded_at"] = optional_text(line.facts->oldest_recorded_at);
        out["free_bytes"] = line.facts->free_bytes;
        out["room"] = sync::name_of(line.room);
        out["read_only"] = line.facts->read_only;
        out["pruned_through"] = line.facts->identity.pruned_through;
    }
    if (line.running) {
        out["last_ack"] = time_text(line.running->last_ack);
        out["days_left"] = line.running->days_left ? json(*line.running->days_left) : json(nullptr);
        out["last_error"] = line.running->last_error;
        out["last_error_at"] = time_text(line.running->last_error_at);
        out["next_try"] = time_text(line.running->next_try);
        out["hold_reason"] = line.running->hold_reason;
        out["acked_pours"] = line.running->acked_pours;
        out["quarantined_pours"] = line.running->quarantined_pours;
    }
    return out;
}

void print_field(const char* name, const std::string& value) {
    if (!value.empty()) {
        fmt::print("  {:<12} {}\n", name, value);
    }
}

std::string time_or(const std::optional<UtcTime>& time, const char* otherwise) {
    return time ? format_utc(*time) : otherwise;
}

std::string free_space(const Line& line) {
    auto text = fmt::format("{} MiB", line.facts->free_bytes / (1024 * 1024));
    if (line.running && line.running->days_left) {
        text += fmt::format(", about {} days of pours", *line.running->days_left);
    }
    if (line.room != sync::Room::ample) {
        text += fmt::format(" ({}): {}", sync::name_of(line.room), sync::what_to_do(line.room));
    }
    return text;
}

void print(const Line& line) {
    fmt::print("{}\n", line.file);
    print_field("state", line.state);
    if (line.facts) {
        const auto& facts = *line.facts;
        print_field("revision", facts.identity.revision);
        const auto oldest = facts.oldest_recorded_at
                                ? fmt::format(", the oldest of {}", *facts.oldest_recorded_at)
                                : "";
        print_field(
            "waiting",
            fmt::format(
                "{}{} pours{}",
                facts.depth_exact ? "" : "about ",
                facts.depth,
                facts.depth > 0 ? oldest : ""
            )
        );
        print_field("free space", free_space(line));
    }
    if (line.running) {
        const auto& running = *line.running;
        print_field("last ack", time_or(running.last_ack, "none since the agent started"));
        if (!running.last_error.empty()) {
            print_field(
                "last error",
                fmt::format("{} {}", time_or(running.last_error_at, ""), running.last_error)
            );
        }
        print_field("next try", running.next_try ? format_utc(*running.next_try) : "");
        print_field("hold", running.hold_reason);
    }
    print_field("trouble", line.trouble);
    print_field("what to do", line.what_to_do.empty() ? "nothing" : line.what_to_do);
}

/// Agents that keep their old settings because the new ones are no good.
json tell_refused(const std::vector<service::AgentStatus>& agents, bool as_json) {
    json refused = json::array();
    for (const auto& agent : agents) {
        if (agent.refused_settings.empty()) {
            continue;
        }
        refused.push_back({{"name", agent.name}, {"why", agent.refused_settings}});
        if (!as_json) {
            fmt::print("{}\n", agent.name);
            print_field("settings", "the new ones were refused: " + agent.refused_settings);
            print_field("what to do", "mend agent.toml, then systemctl reload tapline-agent");
        }
    }
    return refused;
}

/// What this verb couldn't read of the settings; the agent may run with older ones.
json tell_troubles(const std::vector<Error>& troubles, bool as_json) {
    json told = json::array();
    for (const auto& trouble : troubles) {
        told.push_back({{"why", trouble.what()}, {"what_to_do", trouble.hint()}});
        if (!as_json) {
            fmt::print("{}\n", trouble.what());
            print_field("what to do", trouble.hint());
        }
    }
    return told;
}

double per(std::int64_t amount, std::int64_t pieces) {
    return pieces > 0 ? static_cast<double>(amount) / static_cast<double>(pieces) : 0;
}

/// What the agents have cost the card since they started.
json tell_wear(const std::vector<service::AgentStatus>& agents, bool as_json) {
    constexpr double ms_per_hour = 3'600'000;
    json told = json::array();
    for (const auto& agent : agents) {
        const auto& wear = agent.wear;
        const double bytes_per_hour = per(wear.idle_bytes, wear.idle_ms) * ms_per_hour;
        const double syncs_per_hour = per(wear.idle_syncs, wear.idle_ms) * ms_per_hour;
        told.push_back({
            {"name", agent.name},
            {"pours", wear.pours},
            {"bytes_per_pour", per(wear.busy_bytes, wear.pours)},
            {"syncs_per_pour", per(wear.busy_syncs, wear.pours)},
            {"idle_s", wear.idle_ms / 1'000},
            {"bytes_per_idle_hour", bytes_per_hour},
            {"syncs_per_idle_hour", syncs_per_hour},
        });
        if (!as_json && wear.pours > 0) {
            fmt::print("{}\n", agent.name);
            print_field(
                "card",
                fmt::format(
                    "{:.1f} KB and {:.2f} syncs a pour; idle: {:.0f} bytes and {:.0f} syncs an "
                    "hour",
                    per(wear.busy_bytes, wear.pours) / 1'000,
                    per(wear.busy_syncs, wear.pours),
                    bytes_per_hour,
                    syncs_per_hour
                )
            );
        }
    }
    return told;
}

int status(const Arguments& arguments) {
    const auto [settings, troubles] =
        service::readable_settings(arguments.flags, process_environment());
    const auto agents = service::living_agents(settings.status_file, process_environment());
    std::vector<std::string> files = settings.journals;
    for (const auto& agent : agents) {
        for (const auto& journal : agent.journals) {
            if (settings.journals.empty()) {
                files.push_back(journal.file);
            }
        }
    }
    if (files.empty() && !troubles.empty()) {
        throw troubles.front();
    }
    if (files.empty()) {
        throw Error(
            ErrorKind::usage,
            "no_journal",
            "no journal is named and no agent runs that could name one",
            "give --journal FILE"
        );
    }
    int worst = 0;
    json lines = json::array();
    for (const auto& file : files) {
        Line line;
        line.file = file;
        take_running(line, agents);
        take_facts(line);
        worst = std::max(worst, line.exit_code);
        if (arguments.json) {
            lines.push_back(to_json(line));
        } else {
            print(line);
        }
    }
    const json refused = tell_refused(agents, arguments.json);
    const json unreadable = tell_troubles(troubles, arguments.json);
    worst = refused.empty() && unreadable.empty() ? worst : attention;
    const json wear = tell_wear(agents, arguments.json);
    json certificates = json::array();
    for (const auto& agent : agents) {
        if (agent.certificate_until.empty()) {
            continue;
        }
        certificates.push_back({{"name", agent.name}, {"until", agent.certificate_until}});
        if (!arguments.json) {
            fmt::print("{}\n", agent.central);
            print_field("enrolled as", agent.name);
            print_field("certificate", "until " + agent.certificate_until);
        }
    }
    if (arguments.json) {
        print_json(
            {{"journals", lines},
             {"certificates", certificates},
             {"refused_settings", refused},
             {"settings_troubles", unreadable},
             {"wear", wear},
             {"exit_code", worst}}
        );
    }
    return worst;
}

/// Until somebody ends it; a screen is painted over, a pipe gets one text after the other.
int watch(const Arguments& arguments) {
    const bool paint = !arguments.json && ::isatty(STDOUT_FILENO) == 1;
    for (;;) {
        if (paint) {
            fmt::print("\033[H\033[2J");
        }
        if (!arguments.json) {
            fmt::print(
                "{}, every {} s; Ctrl-C ends it\n",
                format_utc(system_clock().now_utc()),
                arguments.watch_s
            );
        }
        const int worst = status(arguments);
        if (std::fflush(stdout) != 0) {
            return worst;  // nobody reads any more
        }
        std::this_thread::sleep_for(std::chrono::seconds(arguments.watch_s));
    }
}

}  // namespace

void add_status_verb(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb =
        app.add_subcommand("status", "How the journals of this machine stand, and what to do");
    verb->add_option(
        "--journal",
        arguments->flags.journals,
        "A journal (default: those of the settings, or of the running agent)"
    );
    verb->add_option(
        "--config", arguments->flags.config, "Settings (default /etc/tapline/agent.toml)"
    );
    verb->add_option(
        "--status-file",
        arguments->flags.status_file,
        "The status file of `run`, when it was given one"
    );
    verb->add_flag("--json", arguments->json, "One line of JSON");
    verb->add_option("--watch", arguments->watch_s, "Again every so many seconds (2), until Ctrl-C")
        ->expected(0, 1)
        ->default_str("2")
        ->check(CLI::Range(1, 3600));
    verb->footer(
        "Works without the agent and without central. Run it as the journal's owner or as root.\n"
        "Example:\n  tapline-agent status --journal /var/lib/tap/journal.db\n"
        "Exit codes: 0 all is well, 2 usage, 4 central can't be reached, 5 somebody has to act."
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] {
            return arguments->watch_s > 0 ? watch(*arguments) : status(*arguments);
        });
    });
}

}  // namespace tapline::cli
