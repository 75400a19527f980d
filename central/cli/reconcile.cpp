// reconcile: money and beer against what made them, journals against their receipts.
#include <iostream>
#include <memory>
#include <optional>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/context.hpp"
#include "central/cli/reconcile_output.hpp"
#include "central/reconcile/read_accounts.hpp"
#include "central/settle/prepare.hpp"
#include "common/error.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;
using reconcile::Subject;

struct ReconcileOptions {
    std::string guest;
    std::string keg;
    std::string journal;
    std::int64_t tap_id = 0;
    std::string day;
    std::string zone = "UTC";
    std::int64_t limit = 50;
};

/// What is printed at the end; balanced decides the exit code.
struct Findings {
    bool balanced = true;
    Json json = Json::object();
    std::string text;
};

[[noreturn]] void usage(const std::string& what) {
    throw Error(ErrorKind::usage, "usage", what, "see `tapline-central reconcile --help`");
}

void check(const ReconcileOptions& options) {
    const int subjects =
        static_cast<int>(!options.guest.empty()) + static_cast<int>(!options.keg.empty()) +
        static_cast<int>(!options.journal.empty()) + static_cast<int>(!options.day.empty());
    if (subjects > 1) {
        usage("--guest, --keg, --journal and --day are four questions; ask one");
    }
    if (options.tap_id != 0 && options.day.empty()) {
        usage("--tap wants a --day");
    }
    for (const auto* id : {&options.guest, &options.keg, &options.journal}) {
        if (!id->empty() && *id != "all" && !settle::is_uuid(*id)) {
            usage(fmt::format("'{:.40}' isn't a UUID in lower case", *id));
        }
    }
}

/// "all" and nothing said are every one.
std::optional<std::string> only(const std::string& id) {
    return id.empty() || id == "all" ? std::nullopt : std::optional<std::string>(id);
}

[[noreturn]] void not_there(const char* what, const std::string& id) {
    throw Error(
        ErrorKind::usage,
        "not_there",
        fmt::format("there is no {} {}", what, id),
        "check the id, and which database DATABASE_URL names"
    );
}

void look_at_accounts(
    pg::Session& session, Subject subject, const ReconcileOptions& options, Findings& findings
) {
    const bool guest = subject == Subject::guest;
    const auto id = only(guest ? options.guest : options.keg);
    const auto accounts = reconcile::read_accounts(session, subject, id);
    if (id && accounts.empty()) {
        not_there(guest ? "guest" : "keg", *id);
    }
    Json list = Json::array();
    std::int64_t differing = 0;
    for (const auto& account : accounts) {
        differing += account.balanced() ? 0 : 1;
        if ((account.balanced() && !id) || differing > options.limit) {
            continue;
        }
        AccountReport report{account, {}};
        if (!account.balanced() && account.opening) {
            report.causes = explain(account, reconcile::read_trail(session, account));
        }
        list.push_back(account_json(report));
        findings.text += account_text(report);
    }
    const char* many = guest ? "guests" : "kegs";
    if (differing > options.limit) {
        findings.text += fmt::format("(the first {}; --limit N shows more)\n", options.limit);
    }
    if (!id) {
        findings.text +=
            fmt::format("{} {}, {} with a difference\n", accounts.size(), many, differing);
    }
    findings.json[many] = {
        {"checked", accounts.size()}, {"differing", differing}, {"listed", std::move(list)}};
    findings.balanced = findings.balanced && differing == 0;
}

void look_at_journals(pg::Session& session, const ReconcileOptions& options, Findings& findings) {
    const auto id = only(options.journal);
    const auto journals = reconcile::read_journals(session, id);
    if (id && journals.empty()) {
        not_there("journal", *id);
    }
    Json list = Json::array();
    for (const auto& state : journals) {
        findings.text += journal_text(state);
        findings.balanced = findings.balanced && state.fault_count == 0;
        list.push_back(journal_json(state));
    }
    findings.json["journals"] = std::move(list);
}

void look_at_days(pg::Session& session, const ReconcileOptions& options, Findings& findings) {
    std::optional<std::int64_t> tap_id;
    if (options.tap_id != 0) {
        tap_id = options.tap_id;
    }
    Json list = Json::array();
    for (const auto& day : reconcile::read_days(session, tap_id, options.day, options.zone)) {
        findings.text += day_text(day);
        findings.balanced = findings.balanced && day.balanced();
        list.push_back(day_json(day));
    }
    if (list.empty()) {
        findings.text += "No pour on that day.\n";
    }
    findings.json["day"] = options.day;
    findings.json["zone"] = options.zone;
    findings.json["taps"] = std::move(list);
}

void reconcile_all(Context& context, const ReconcileOptions& options) {
    check(options);
    pg::Session session(context.connect_options());
    reconcile::must_have_balances(session);
    // One moment for every figure, whatever settles meanwhile.
    pg::Transaction transaction(
        session, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
    );
    Findings findings;
    const bool everything = options.guest.empty() && options.keg.empty() &&
                            options.journal.empty() && options.day.empty();
    if (everything || !options.guest.empty()) {
        look_at_accounts(session, Subject::guest, options, findings);
    }
    if (everything || !options.keg.empty()) {
        look_at_accounts(session, Subject::keg, options, findings);
    }
    if (everything || !options.journal.empty()) {
        look_at_journals(session, options, findings);
    }
    if (!options.day.empty()) {
        look_at_days(session, options, findings);
    }
    if (context.json) {
        Json json{{"balanced", findings.balanced}};
        json.update(findings.json);
        std::cout << json.dump() << '\n';
    } else {
        std::cout << findings.text;
    }
    context.exit_code = findings.balanced ? 0 : 1;
}

}  // namespace

void add_reconcile_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<ReconcileOptions>();
    CLI::App* verb = app.add_subcommand(
        "reconcile", "balances and kegs against what made them; 1 when something differs"
    );
    verb->add_option("--guest", options->guest, "one guest")->type_name("UUID|all");
    verb->add_option("--keg", options->keg, "one keg")->type_name("UUID|all");
    verb->add_option("--journal", options->journal, "one journal")->type_name("UUID|all");
    verb->add_option("--tap", options->tap_id, "one tap, of a --day")
        ->check(CLI::Range(1, 2147483647))
        ->type_name("N");
    verb->add_option("--day", options->day, "pours of that day, per tap")->type_name("YYYY-MM-DD");
    verb->add_option("--zone", options->zone, "whose midnight ends the day")
        ->type_name("NAME")
        ->option_text("NAME (UTC)");
    verb->add_option("--limit", options->limit, "explain at most N differing guests and kegs")
        ->check(CLI::Range(1, 100000))
        ->type_name("N");
    verb->footer(
        "Examples:\n  tapline-central reconcile\n"
        "  tapline-central reconcile --guest 00000000-0000-4000-8001-000000000001\n"
        "  tapline-central reconcile --tap 3 --day 2026-11-20 --zone Europe/Berlin\n"
        "  tapline-central reconcile --journal all --json\n"
        "Without an option: every guest, keg and journal. docs/reconcile.md explains the words."
    );
    add_common_options(*verb, context);
    verb->callback([&context, options] { reconcile_all(context, *options); });
}

}  // namespace tapline::cli
