// hold: central takes no pours for a while.
#include "central/hold/hold.hpp"

#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/fleet_text.hpp"
#include "central/cli/revision_options.hpp"
#include "central/revision/ledger.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

struct HoldOptions {
    std::string reason;
    std::string length = "30m";
    std::string spread = "2m";
    std::string freeze_role;
    bool yes = false;
    bool despite_space = false;
};

using Options = std::shared_ptr<HoldOptions>;

/// "90s", "30m", "2h".
std::chrono::seconds read_time(
    const std::string& text, std::chrono::seconds least, std::chrono::seconds most
) {
    std::size_t digits = 0;
    std::int64_t number = 0;
    while (digits < text.size() && digits < 9 && text[digits] >= '0' && text[digits] <= '9') {
        number = number * 10 + (text[digits++] - '0');
    }
    const std::string unit = text.substr(digits);
    const std::int64_t factor = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3'600 : 0;
    const std::chrono::seconds time{number * factor};
    if (digits == 0 || factor == 0 || time < least || time > most) {
        throw Error(
            ErrorKind::usage,
            "time",
            fmt::format(
                "'{}' isn't a time from {} s to {} s",
                printable(text, 40),
                least.count(),
                most.count()
            ),
            "write 90s, 30m or 2h"
        );
    }
    return time;
}

Json hold_json(const hold::Hold& one) {
    return {
        {"id", one.id},
        {"reason", one.reason},
        {"opened_by", one.opened_by},
        {"opened_at", one.opened_at},
        {"ends_at", one.ends_at},
        {"left_s", one.left_seconds},
        {"drained", one.drained},
        {"frozen_role", one.frozen_role.empty() ? Json(nullptr) : Json(one.frozen_role)}};
}

std::string hold_text(const hold::Hold& one) {
    std::string text = fmt::format(
        "on hold by {} since {}: {}\nends at {}, in {} min {} s; {}\n",
        one.opened_by,
        one.opened_at,
        one.reason,
        one.ends_at,
        one.left_seconds / 60,
        one.left_seconds % 60,
        one.drained ? "drained: nothing is settled any more" : "not drained yet"
    );
    if (!one.frozen_role.empty()) {
        text += fmt::format(
            "{} is read-only in this database; a writer that says READ WRITE itself gets by\n",
            one.frozen_role
        );
    }
    return text;
}

std::string keepers_text(const std::vector<hold::Keeper>& keepers) {
    std::string text;
    for (const hold::Keeper& one : keepers) {
        text += fmt::format(
            "  {}  {}, {} pours wait there, room {}\n",
            one.controller,
            one.is_away() ? "away"
            : one.told    ? "knows it"
                          : "not told yet",
            one.depth,
            one.buffer_seconds ? fmt::format("for {} h", *one.buffer_seconds / 3'600) : "unknown"
        );
    }
    return text;
}

/// Shown before anything is done; true: go on.
bool may_freeze(Context& context, pg::Session& session, const HoldOptions& options) {
    const hold::Freeze freeze = hold::plan_freeze(session, options.freeze_role);
    if (options.yes) {
        return true;
    }
    std::string text;
    for (const std::string& each : freeze.statements) {
        text += each + "\n";
    }
    print(
        context,
        {{"would", freeze.statements}, {"sessions", freeze.sessions}},
        text + "nothing was done; run it again with --yes\n"
    );
    context.exit_code = 3;
    return false;
}

void run_open(Context& context, const HoldOptions& options) {
    hold::OpenOptions open;
    open.reason = printable(options.reason);
    open.length = read_time(options.length, std::chrono::seconds(10), hold::longest);
    open.spread = read_time(options.spread, std::chrono::seconds(0), hold::longest_spread);
    open.freeze_role = options.freeze_role;
    open.despite_space = options.despite_space;
    open.who = revision::who();
    if (open.reason.find_first_not_of(' ') == std::string::npos) {
        throw Error(ErrorKind::usage, "reason", "--reason is empty", "say why, for who comes next");
    }
    pg::Session session(context.connect_options());
    if (!open.freeze_role.empty() && !may_freeze(context, session, options)) {
        return;
    }
    const hold::Hold made = hold::open(session, open);
    const auto keepers = hold::keepers(session);
    print(
        context,
        {{"hold", hold_json(made)}, {"journals", keepers_json(keepers)}},
        hold_text(made) + keepers_text(keepers)
    );
}

void run_status(Context& context) {
    pg::Session session(context.connect_options());
    const std::optional<hold::Hold> open = hold::current(session);
    const auto keepers = hold::keepers(session);
    print(
        context,
        {{"hold", open ? hold_json(*open) : Json(nullptr)}, {"journals", keepers_json(keepers)}},
        open ? hold_text(*open) + keepers_text(keepers) : "no hold is open\n"
    );
    context.exit_code = open ? 1 : 0;
}

void run_close(Context& context) {
    pg::Session session(context.connect_options());
    const hold::Hold closed = hold::close(session, revision::who());
    print(
        context,
        {{"closed", hold_json(closed)}},
        fmt::format("the hold of {} is over\n", closed.opened_at)
    );
}

void add_open(CLI::App& family, Context& context) {
    const Options options = std::make_shared<HoldOptions>();
    CLI::App* verb = family.add_subcommand("open", "take no pours from now on");
    add_common_options(*verb, context);
    verb->add_option("--reason", options->reason, "shown to operators and technicians")->required();
    verb->add_option("--for", options->length, "when it ends by itself: 90s, 30m, 2h");
    verb->add_option(
        "--spread", options->spread, "over how long the journals come back afterwards"
    );
    verb->add_option(
        "--freeze-role", options->freeze_role, "make this role read-only here and end its sessions"
    );
    verb->add_flag("--yes", options->yes, "freeze without showing it first");
    verb->add_flag(
        "--despite-space", options->despite_space, "although a controller may run out of room"
    );
    verb->footer(
        "Returns when nothing is settled any more. Taps go on; their pours wait on the "
        "controllers.\n"
        "Example:\n  tapline-central hold open --reason 'contract step' --for 20m"
    );
    verb->callback([&context, options] { run_open(context, *options); });
}

}  // namespace

void add_hold_verbs(CLI::App& app, Context& context) {
    CLI::App* family = app.add_subcommand("hold", "take no pours for a while; no tap loses one");
    family->require_subcommand(1);
    add_open(*family, context);
    CLI::App* status = family->add_subcommand("status", "is there a hold? 1 when there is");
    add_common_options(*status, context);
    status->callback([&context] { run_status(context); });
    CLI::App* close = family->add_subcommand("close", "take pours again");
    add_common_options(*close, context);
    close->callback([&context] { run_close(context); });
}

}  // namespace tapline::cli
