// maintainers, grants: which role may do what to the schema.
#include <iostream>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/access/grants.hpp"
#include "central/access/maintainers.hpp"
#include "central/cli/revision_options.hpp"
#include "central/revision/ledger.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

struct AccessOptions {
    std::string role;
    std::string gateway_role;
    std::string reason;
    bool dry_run = false;
    bool revoke = false;
};

using Options = std::shared_ptr<AccessOptions>;

Json list_json(const access::MaintainerList& list) {
    Json listed = Json::array();
    for (const access::Maintainer& one : list.listed) {
        listed.push_back(
            {{"role", one.role},
             {"added_by", one.added_by},
             {"added_person", one.added_person},
             {"added_at", one.added_at},
             {"can_log_in", one.can_log_in}}
        );
    }
    return {
        {"maintainers", listed},
        {"list_kept", list.kept},
        {"readable", list.readable || !list.kept},
        {"database_owner", list.owner},
        {"you", list.person},
        {"you_may_stamp", list.may_maintain}};
}

std::string list_text(const access::MaintainerList& list) {
    std::string text;
    for (const access::Maintainer& one : list.listed) {
        text += fmt::format(
            "{}  since {}, by {} ({}){}\n",
            one.role,
            one.added_at,
            one.added_by,
            one.added_person,
            one.can_log_in ? "" : "  can't log in (any more)"
        );
    }
    if (list.kept && !list.readable) {
        text += "there is a list, which your role may not read\n";
    } else if (list.listed.empty()) {
        text += fmt::format(
            "nobody is listed{}; until then {} (owner of the database) and superusers may stamp, "
            "and the first who does, or adds somebody, is listed\n",
            list.kept ? "" : ", `upgrade --lineage tapline` makes the list",
            list.owner
        );
    }
    return text +
           fmt::format(
               "you are {}, who {} stamp\n", list.person, list.may_maintain ? "may" : "may not"
           );
}

void show_list(const Context& context) {
    pg::Session session(context.connect_options());
    const access::MaintainerList list = access::read_maintainers(session);
    print(context, list_json(list), list_text(list));
}

void add(const Context& context, const AccessOptions& options) {
    pg::Session session(context.connect_options());
    const access::Added added = access::add_maintainer(session, options.role, revision::who());
    std::string text = fmt::format("{} is a maintainer\n", options.role);
    Json also = nullptr;
    if (added.caller_too) {
        const std::string person = access::read_maintainers(session).person;
        also = person;
        text += fmt::format("{}, who began the list, is one too\n", person);
    }
    for (const std::string& statement : added.left_to_do) {
        text += fmt::format("the owner of that table still has to run: {};\n", statement);
    }
    print(
        context,
        {{"added", options.role}, {"also_listed", also}, {"left_to_do", added.left_to_do}},
        text
    );
}

void remove(const Context& context, const AccessOptions& options) {
    pg::Session session(context.connect_options());
    const std::string reason = printable(options.reason, 1'000);
    access::remove_maintainer(session, options.role, revision::who(), reason);
    print(
        context,
        {{"removed", options.role}},
        fmt::format("{} is no maintainer any more\n", options.role)
    );
}

void grant(const Context& context, const AccessOptions& options) {
    pg::Session session(context.connect_options());
    const bool gateway = !options.gateway_role.empty();
    const access::GrantPlan plan =
        gateway ? access::plan_gateway_grants(session, options.gateway_role, options.revoke)
                : access::plan_app_grants(session, options.role, options.revoke);
    std::string text;
    for (const std::string& statement : plan.statements) {
        text += statement + ";\n";
    }
    if (!options.dry_run) {
        access::run_grants(session, plan, options.revoke);
        const char* given = gateway ? "can serve, and nothing else"
                                    : "reads and writes rows, and can't create anything in this "
                                      "database";
        text += fmt::format(
            "-- done: {} {}\n", plan.role, options.revoke ? "has none of this any more" : given
        );
    }
    print(
        context,
        {{"role", plan.role}, {"statements", plan.statements}, {"done", !options.dry_run}},
        text
    );
}

CLI::Option* add_role(CLI::App& verb, AccessOptions& options) {
    return verb.add_option("role", options.role, "a login role of PostgreSQL")->required();
}

void add_maintainers_verb(CLI::App& app, Context& context) {
    CLI::App* family = app.add_subcommand("maintainers", "the roles that may stamp");
    add_common_options(*family, context);
    family->require_subcommand(0, 1);
    family->footer(
        "Examples:\n  tapline-central maintainers\n  tapline-central maintainers add anna\n"
        "  tapline-central maintainers remove anna --reason 'left the bar'"
    );
    family->callback([&context, family] {
        if (family->get_subcommands().empty()) {
            show_list(context);
        }
    });

    CLI::App* list = family->add_subcommand("list", "who, since when, added by whom");
    add_common_options(*list, context);
    list->callback([&context] { show_list(context); });

    const auto added = std::make_shared<AccessOptions>();
    CLI::App* verb = family->add_subcommand("add", "list a role, and give it what a stamp needs");
    add_common_options(*verb, context);
    add_role(*verb, *added);
    verb->callback([&context, added] { add(context, *added); });

    const auto removed = std::make_shared<AccessOptions>();
    verb = family->add_subcommand("remove", "take a role off the list; the last one stays");
    add_common_options(*verb, context);
    add_role(*verb, *removed);
    const CLI::Validator not_blank(
        [](const std::string& text) {
            const bool blank = text.find_first_not_of(" \t\n") == std::string::npos;
            return blank ? std::string("say why: the list keeps it") : std::string{};
        },
        ""
    );
    verb->add_option("--reason", removed->reason, "for the record")->required()->check(not_blank);
    verb->callback([&context, removed] { remove(context, *removed); });
}

void add_grants_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<AccessOptions>();
    CLI::App* verb = app.add_subcommand(
        "grants", "what the application's role may do, and the one that `serve` logs in with"
    );
    add_common_options(*verb, context);
    CLI::Option_group* which = verb->add_option_group("role");
    which->add_option("--app-role", options->role, "with which the bar's application logs in")
        ->type_name("ROLE");
    which->add_option("--gateway-role", options->gateway_role, "with which `serve` logs in")
        ->type_name("ROLE");
    which->require_option(1);
    verb->add_flag("--dry-run,--sql", options->dry_run, "print the SQL, and run nothing");
    verb->add_flag("--revoke", options->revoke, "take away again what this verb gives");
    verb->footer(
        "Examples:\n  tapline-central grants --app-role bar_app --dry-run\n"
        "  tapline-central grants --app-role bar_app\n"
        "  tapline-central grants --gateway-role tapline_gateway"
    );
    verb->callback([&context, options] { grant(context, *options); });
}

}  // namespace

void add_access_verbs(CLI::App& app, Context& context) {
    add_maintainers_verb(app, context);
    add_grants_verb(app, context);
}

}  // namespace tapline::cli
