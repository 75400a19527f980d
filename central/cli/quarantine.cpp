// quarantine list | show | retry | resolve | dismiss: pours that wait for a person.
#include "central/settle/quarantine.hpp"

#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/context.hpp"
#include "central/cli/operator_name.hpp"
#include "central/settle/prepare.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t retry_page = 500;

struct QuarantineOptions {
    std::string code;
    std::string journal_id;
    std::int64_t id = 0;
    std::int64_t limit = 100;
    bool all = false;
    bool dismissed = false;
    std::string reason;
    settle::Override instead;
    std::int64_t tap_id = 0;
};

using Options = std::shared_ptr<QuarantineOptions>;

settle::OperatorWord word_of(const Context& context, const QuarantineOptions& options) {
    settle::OperatorWord word;
    word.who = operator_name();
    word.reason = printable(options.reason, 1'000);
    word.price_from_journal = context.settings().price_from_journal;
    return word;
}

Json item_json(const settle::QuarantineItem& item) {
    auto raw = Json::parse(item.raw, nullptr, false);
    Json json{
        {"id", item.id},
        {"controller", item.controller},
        {"journal_id", item.journal_id},
        {"epoch", item.epoch},
        {"seq", item.seq},
        {"revision", item.revision},
        {"code", item.code},
        {"detail", item.detail},
        {"state", item.state},
        {"client_tx_id", item.client_tx_id ? Json(*item.client_tx_id) : Json(nullptr)},
        {"created_at", item.created_at},
    };
    json["row"] = raw.is_discarded() ? Json(nullptr) : std::move(raw);
    return json;
}

Json result_json(const settle::MoveResult& result) {
    Json json{{"id", result.id}, {"outcome", result.outcome}};
    if (!result.code.empty()) {
        json["code"] = result.code;
        json["detail"] = result.detail;
    }
    if (!result.pour_id.empty()) {
        json["pour_id"] = result.pour_id;
    }
    return json;
}

std::string result_line(const settle::MoveResult& result) {
    if (result.outcome == "waiting") {
        return fmt::format("{}: still waiting, {}: {}", result.id, result.code, result.detail);
    }
    if (result.outcome == "duplicate") {
        return fmt::format(
            "{}: pours has it already ({}), nobody charged", result.id, result.pour_id
        );
    }
    if (result.outcome == "settled") {
        return fmt::format("{}: settled as {}", result.id, result.pour_id);
    }
    return fmt::format("{}: {}", result.id, result.outcome);
}

constexpr std::string_view has_quarantine_sql =
    "SELECT to_regclass('tapline.quarantine_decision') IS NOT NULL";

pg::Session connect(const Context& context) {
    pg::Session session(context.connect_options());
    if (!session.run(has_quarantine_sql)[0].boolean(0)) {
        throw Error(
            ErrorKind::refused,
            "behind_head",
            "this database has no quarantine: schema tapline isn't in it",
            "check which database DATABASE_URL names; if it is the right one, run "
            "`tapline-central upgrade`"
        );
    }
    return session;
}

void list(const Context& context, const QuarantineOptions& options) {
    pg::Session session = connect(context);
    settle::QuarantineFilter filter;
    filter.code = options.code;
    filter.journal_id = options.journal_id;
    filter.dismissed = options.dismissed;
    filter.limit = options.limit;
    const auto items = settle::list_quarantine(session, filter);
    if (context.json) {
        auto json = Json::array();
        for (const auto& item : items) {
            json.push_back(item_json(item));
        }
        std::cout << Json{{"quarantine", json}}.dump() << '\n';
        return;
    }
    if (items.empty()) {
        std::cout << "No pour waits.\n";
        return;
    }
    std::cout << fmt::format(
        "{:>8}  {:<26} {:<16} {:>8}  {}\n", "ID", "CODE", "CONTROLLER", "SEQ", "DETAIL"
    );
    for (const auto& item : items) {
        std::cout << fmt::format(
            "{:>8}  {:<26} {:<16} {:>8}  {}\n",
            item.id,
            item.code,
            item.controller,
            item.seq,
            printable(item.detail, 100)
        );
    }
    if (static_cast<std::int64_t>(items.size()) == options.limit) {
        std::cout << fmt::format("(the first {}; --limit N shows more)\n", options.limit);
    }
}

void show(const Context& context, const QuarantineOptions& options) {
    pg::Session session = connect(context);
    const auto item = settle::find_quarantined(session, options.id);
    const auto decisions = settle::decisions_on(session, options.id);
    auto json = item_json(item);
    json["decisions"] = Json::array();
    for (const auto& past : decisions) {
        json["decisions"].push_back(
            {{"at", past.decided_at},
             {"who", past.who},
             {"action", past.action},
             {"reason", past.reason},
             {"outcome", past.outcome}}
        );
    }
    // One layout for people and one for programs; the row itself is JSON in both.
    std::cout << json.dump(context.json ? -1 : 2) << '\n';
}

/// Exit code 5 tells that pours still wait.
void print_results(Context& context, const std::vector<settle::MoveResult>& results) {
    auto json = Json::array();
    std::size_t waiting = 0;
    for (const auto& result : results) {
        waiting += result.outcome == "waiting" ? 1U : 0U;
        json.push_back(result_json(result));
        if (!context.json) {
            std::cout << result_line(result) << '\n';
        }
    }
    if (context.json) {
        std::cout << Json{{"results", json}, {"waiting", waiting}}.dump() << '\n';
    } else if (results.empty()) {
        std::cout << "No pour waits.\n";
    }
    if (waiting > 0) {
        context.exit_code = exit_code(ErrorKind::data);
    }
}

/// One of many: what somebody else has moved since the list was read is no failure.
void retry_listed(
    pg::Session& session,
    std::int64_t id,
    const settle::OperatorWord& word,
    std::vector<settle::MoveResult>& results
) {
    try {
        results.push_back(settle::retry_quarantined(session, id, word));
    } catch (const Error& error) {
        if (error.code() != "decided" && error.code() != "dismissed") {
            throw;
        }
    }
}

void retry(Context& context, const QuarantineOptions& options) {
    const bool many = options.all || !options.code.empty();
    if (many == (options.id != 0)) {
        throw Error(
            ErrorKind::usage,
            "usage",
            "retry takes one of ID, --all and --code",
            "see `quarantine retry --help`"
        );
    }
    pg::Session session = connect(context);
    const auto word = word_of(context, options);
    std::vector<settle::MoveResult> results;
    if (!many) {
        results.push_back(settle::retry_quarantined(session, options.id, word));
        print_results(context, results);
        return;
    }
    settle::QuarantineFilter filter;
    filter.code = options.code;
    filter.limit = retry_page;
    // Pages by ascending id; what comes in meanwhile is left for the next call, so there is an end.
    for (auto page = settle::list_quarantine(session, filter); !page.empty();
         page = settle::list_quarantine(session, filter)) {
        for (const auto& item : page) {
            retry_listed(session, item.id, word, results);
        }
        filter.after_id = page.back().id;
        if (page.size() < static_cast<std::size_t>(retry_page)) {
            break;
        }
    }
    print_results(context, results);
}

void resolve(Context& context, const QuarantineOptions& options) {
    auto instead = options.instead;
    if (options.tap_id != 0) {
        instead.tap_id = options.tap_id;
    }
    if (!instead.keg_id.empty() && !settle::is_uuid(instead.keg_id)) {
        throw Error(
            ErrorKind::usage,
            "usage",
            "--keg isn't a UUID in lower case",
            "take keg_id as kegs has it"
        );
    }
    pg::Session session = connect(context);
    const auto word = word_of(context, options);
    print_results(context, {settle::resolve_quarantined(session, options.id, instead, word)});
}

void dismiss(Context& context, const QuarantineOptions& options) {
    pg::Session session = connect(context);
    const auto word = word_of(context, options);
    print_results(context, {settle::dismiss_quarantined(session, options.id, word)});
}

CLI::App* add_verb(
    CLI::App& family, Context& context, const char* name, const char* help, const char* footer
) {
    CLI::App* verb = family.add_subcommand(name, help);
    verb->footer(footer);
    add_common_options(*verb, context);
    return verb;
}

void add_looking_verbs(CLI::App& family, Context& context) {
    const auto options = std::make_shared<QuarantineOptions>();
    CLI::App* verb = add_verb(
        family,
        context,
        "list",
        "pours that wait, oldest first",
        "Example:\n  tapline-central quarantine list --code unknown_card"
    );
    verb->add_option("--code", options->code, "only this code");
    verb->add_option("--journal", options->journal_id, "only this journal")->type_name("UUID");
    verb->add_option("--limit", options->limit, "at most N")
        ->check(CLI::Range(std::int64_t{1}, settle::max_listed))
        ->type_name("N");
    verb->add_flag("--dismissed", options->dismissed, "also the dismissed ones");
    verb->callback([&context, options] { list(context, *options); });

    const auto shown = std::make_shared<QuarantineOptions>();
    verb = add_verb(
        family,
        context,
        "show",
        "one pour, whole, and what was decided",
        "Example:\n  tapline-central quarantine show 17"
    );
    verb->add_option("id", shown->id, "ID of `list`")->required();
    verb->callback([&context, shown] { show(context, *shown); });
}

void add_retry_verb(CLI::App& family, Context& context) {
    const auto options = std::make_shared<QuarantineOptions>();
    CLI::App* verb = add_verb(
        family,
        context,
        "retry",
        "settle again, after the card, tap or keg has been put right",
        "Examples:\n  tapline-central quarantine retry 17\n"
        "  tapline-central quarantine retry --code unknown_card\n"
        "Exit code 5: some still wait."
    );
    verb->add_option("id", options->id, "ID of `list`");
    verb->add_flag("--all", options->all, "every pour that waits");
    verb->add_option("--code", options->code, "every pour that waits with this code");
    options->reason = "retried";
    verb->add_option("--reason", options->reason, "for the log");
    verb->callback([&context, options] { retry(context, *options); });
}

/// Who reads the log in a year wants more than an empty line.
void add_reason(CLI::App& verb, std::string& reason) {
    const CLI::Validator not_blank(
        [](const std::string& text) {
            const bool blank = text.find_first_not_of(" \t\n") == std::string::npos;
            return blank ? std::string("say why: the log keeps it") : std::string{};
        },
        ""
    );
    verb.add_option("--reason", reason, "for the log")->required()->check(not_blank);
}

void add_deciding_verbs(CLI::App& family, Context& context) {
    const auto options = std::make_shared<QuarantineOptions>();
    CLI::App* verb = add_verb(
        family,
        context,
        "resolve",
        "settle by your word: charge it, to the card, tap or keg that you name",
        "Example:\n  tapline-central quarantine resolve 17 --card 8c5efc0c --reason 'worn card, "
        "guest asked'\n"
        "Exit code 5: it still waits."
    );
    verb->add_option("id", options->id, "ID of `list`")->required();
    verb->add_option("--card", options->instead.card_uid, "card_uid as in cards");
    verb->add_option("--tap", options->tap_id, "tap_id")->check(CLI::Range(1, 2147483647));
    verb->add_option("--keg", options->instead.keg_id, "keg_id")->type_name("UUID");
    add_reason(*verb, options->reason);
    verb->callback([&context, options] { resolve(context, *options); });

    const auto dismissed = std::make_shared<QuarantineOptions>();
    verb = add_verb(
        family,
        context,
        "dismiss",
        "nobody is charged; the pour is kept (refused in production)",
        "Example:\n  tapline-central quarantine dismiss 17 --reason 'cleaning water'"
    );
    verb->add_option("id", dismissed->id, "ID of `list`")->required();
    add_reason(*verb, dismissed->reason);
    verb->callback([&context, dismissed] { dismiss(context, *dismissed); });
}

}  // namespace

void add_quarantine_verbs(CLI::App& app, Context& context) {
    CLI::App* family = app.add_subcommand("quarantine", "pours that wait for a person");
    family->footer(
        "Examples:\n  tapline-central quarantine list\n  tapline-central quarantine retry --all"
    );
    family->require_subcommand(1);
    add_looking_verbs(*family, context);
    add_retry_verb(*family, context);
    add_deciding_verbs(*family, context);
}

}  // namespace tapline::cli
