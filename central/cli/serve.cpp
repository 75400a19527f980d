#include <memory>

#include <CLI/CLI.hpp>

#include "central/cli/context.hpp"
#include "central/cli/service.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

constexpr const char* default_listen = "127.0.0.1:8080";

struct ServeFlags {
    std::string listen;
    std::string embedded;
};

void run(const Context& context, const ServeFlags& flags) {
    const Settings settings = context.settings();
    start_logging(program_name, settings.log_level);
    ServeOptions options;
    std::string listen = flags.listen.empty() ? settings.listen : flags.listen;
    options.listen = parse_listen(listen.empty() ? default_listen : listen);
    options.price_from_journal = settings.price_from_journal;
    if (flags.embedded.empty()) {
        options.database_url = context.database().url;
    } else if (context.find_database(settings)) {
        throw Error(
            ErrorKind::usage,
            "two_databases",
            "--embedded is given, and another database is named as well",
            "unset DATABASE_URL and POSTGRES_*, or leave --embedded out"
        );
    } else {
        options.embedded = flags.embedded;
    }
    serve(options);
}

}  // namespace

void add_serve_verb(CLI::App& app, Context& context) {
    const auto flags = std::make_shared<ServeFlags>();
    CLI::App* verb = app.add_subcommand("serve", "take in pours and settle them");
    add_common_options(*verb, context);
    verb->add_option("--listen", flags->listen, "address of this machine, default 127.0.0.1:8080")
        ->type_name("HOST:PORT");
    verb->add_option(
            "--embedded",
            flags->embedded,
            "run a private PostgreSQL in this directory; a new one is set up by itself"
    )
        ->type_name("DIR");
    verb->footer(
        "Examples:\n  DATABASE_URL=postgresql://bar@db/bar tapline-central serve\n"
        "  tapline-central serve --embedded /var/lib/tapline/central"
    );
    verb->callback([&context, flags] { run(context, *flags); });
}

}  // namespace tapline::cli
