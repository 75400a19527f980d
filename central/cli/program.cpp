#include <algorithm>
#include <iostream>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/context.hpp"
#include "central/cli/fleet_text.hpp"
#include "central/compat/contract.hpp"
#include "common/error.hpp"
#include "common/log.hpp"
#include "common/version.hpp"

namespace tapline::cli {

namespace {

constexpr const char* about =
    "Takes in the pours of the fleet, settles them in PostgreSQL, and keeps its schema under "
    "discipline.";
constexpr const char* examples =
    "Examples:\n"
    "  tapline-central upgrade                        both lineages to head\n"
    "  tapline-central serve --listen 127.0.0.1:8080  take in pours\n"
    "  tapline-central serve --embedded DIR           the same with a private PostgreSQL\n"
    "  tapline-central current -v\n"
    "Exit codes: 0 ok, 1 negative finding, 2 usage, 3 refused by a gate, 4 unreachable, 5 data "
    "needs\n"
    "attention. The database is the one in DATABASE_URL.";

/// A role that may not do it is a gate that says no, wherever it stands.
int exit_code_of(const Error& error) {
    return error.code() == "insufficient_privilege" ? exit_code(ErrorKind::refused)
                                                    : exit_code(error.kind());
}

/// CLI11 says of a mistyped verb only that one is required.
void check_verb(const CLI::App& app, int argc, char** argv) {
    if (argc < 2 || argv[1][0] == '-') {
        return;
    }
    std::string verbs;
    for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
        if (verb->get_name() == argv[1]) {
            return;
        }
        verbs += (verbs.empty() ? "" : ", ") + verb->get_name();
    }
    throw Error(
        ErrorKind::usage,
        "usage",
        fmt::format("there is no verb '{}'", printable(argv[1], 40)),
        "one of: " + verbs
    );
}

/// PostgreSQL's words come in several lines; a program reads one.
std::string one_line(std::string_view text) {
    std::string line;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        std::string_view part = text.substr(at, end - at);
        part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
        if (!part.empty()) {
            line += (line.empty() ? "" : "; ") + std::string(part);
        }
        at = end + 1;
    }
    return line;
}

int report(const Context& context, const Error& error) {
    const auto* blocked = dynamic_cast<const compat::Blocked*>(&error);
    if (context.json) {
        nlohmann::ordered_json body{{"kind", error.code()}, {"message", one_line(error.what())}};
        if (!error.hint().empty()) {
            body["hint"] = error.hint();
        }
        if (!error.sqlstate().empty()) {
            body["sqlstate"] = error.sqlstate();
        }
        if (blocked != nullptr) {
            body["blockers"] = blockers_json(blocked->blockers());
        }
        if (const auto* no_space = dynamic_cast<const hold::NoSpace*>(&error)) {
            body["journals"] = keepers_json(no_space->full());
        }
        std::cout << nlohmann::ordered_json{{"error", body}}.dump() << '\n';
    }
    if (blocked != nullptr) {
        std::cerr << blockers_text(blocked->blockers());
    }
    std::cerr << render_error(program_name, error);
    return exit_code_of(error);
}

}  // namespace

void add_database_options(CLI::App& verb, Context& context) {
    verb.add_option("--config", context.config_path, "configuration file")
        ->type_name("FILE")
        ->option_text(std::string("FILE (") + default_config_path + ")");
    verb.add_option(
            "--database-url",
            context.database_url_flag,
            "instead of DATABASE_URL; without a password"
    )
        ->type_name("URL");
}

void add_json_option(CLI::App& verb, Context& context) {
    verb.add_flag("--json", context.json, "print JSON");
}

void add_common_options(CLI::App& verb, Context& context) {
    add_json_option(verb, context);
    add_database_options(verb, context);
}

int run_program(int argc, char** argv) {
    Context context;
    CLI::App app(about, program_name);
    app.set_version_flag("--version", std::string(version));
    app.require_subcommand(1);
    add_serve_verb(app, context);
    add_revision_verbs(app, context);
    add_catalog_verbs(app, context);
    add_quarantine_verbs(app, context);
    add_reconcile_verb(app, context);
    add_lint_verb(app, context);
    add_verify_verb(app, context);
    add_import_verb(app, context);
    add_import_pours_verb(app, context);
    add_recognise_verb(app, context);
    add_accepted_verb(app, context);
    add_access_verbs(app, context);
    add_hold_verbs(app, context);
    add_tls_verbs(app, context);
    add_controllers_verbs(app, context);
    add_fleet_verbs(app, context);
    add_backup_verbs(app, context);
    app.footer(examples);  // after the verbs, which would inherit it
    try {
        const std::vector<std::string_view> arguments(argv, argv + argc);
        context.json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();
        check_verb(app, argc, argv);
        app.parse(argc, argv);
        return context.exit_code;
    } catch (const CLI::Success& success) {
        return app.exit(success);
    } catch (const CLI::ParseError& error) {
        return report(context, {ErrorKind::usage, "usage", error.what(), "see --help of the verb"});
    } catch (const Error& error) {
        return report(context, error);
    }
}

}  // namespace tapline::cli
