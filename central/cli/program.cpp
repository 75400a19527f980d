#include <iostream>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "central/cli/context.hpp"
#include "common/error.hpp"
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

int report(const Context& context, const Error& error) {
    if (context.json) {
        nlohmann::ordered_json body{{"kind", error.code()}, {"message", error.what()}};
        if (!error.hint().empty()) {
            body["hint"] = error.hint();
        }
        if (!error.sqlstate().empty()) {
            body["sqlstate"] = error.sqlstate();
        }
        std::cout << nlohmann::ordered_json{{"error", body}}.dump() << '\n';
    }
    std::cerr << render_error(program_name, error);
    return exit_code(error.kind());
}

}  // namespace

void add_json_option(CLI::App& verb, Context& context) {
    verb.add_flag("--json", context.json, "print JSON");
}

void add_common_options(CLI::App& verb, Context& context) {
    add_json_option(verb, context);
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

int run_program(int argc, char** argv) {
    Context context;
    CLI::App app(about, program_name);
    app.footer(examples);
    app.set_version_flag("--version", std::string(version));
    app.require_subcommand(1);
    add_serve_verb(app, context);
    add_revision_verbs(app, context);
    add_quarantine_verbs(app, context);
    try {
        app.parse(argc, argv);
        return context.exit_code;
    } catch (const CLI::Success& success) {
        return app.exit(success);
    } catch (const CLI::ParseError& error) {
        app.exit(error);
        return exit_code(ErrorKind::usage);
    } catch (const Error& error) {
        return report(context, error);
    }
}

}  // namespace tapline::cli
