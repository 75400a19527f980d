#include <algorithm>
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
    std::string metrics;
    std::string embedded;
    TlsSettings tls;
};

/// The flags, else the file; nullopt: no TLS.
std::optional<TlsOptions> tls_options(const ServeFlags& flags, const Settings& settings) {
    const TlsSettings& file = settings.tls;
    const bool by_flags = !flags.tls.directory.empty() || !flags.tls.certificate.empty();
    const TlsSettings& from = by_flags ? flags.tls : file;
    if (from.directory.empty() && from.certificate.empty()) {
        return std::nullopt;
    }
    TlsOptions options;
    options.lifetime = std::chrono::seconds(file.lifetime_s);
    options.grace = std::chrono::seconds(file.grace_s);
    if (!from.directory.empty()) {
        options.paths = trust::paths_in(from.directory);
        return options;
    }
    if (from.key.empty() || from.ca.empty()) {
        throw Error(
            ErrorKind::usage,
            "tls_files",
            "a certificate is named without its key or without the authority",
            "give --tls-cert, --tls-key and --tls-ca together, or --tls DIR"
        );
    }
    options.paths = trust::Paths{from.certificate, from.key, from.ca, from.ca_key};
    return options;
}

/// Where an address was written, for who has to correct it.
std::string place_of(const Context& context, const std::string& flag, const std::string& setting) {
    if (!flag.empty()) {
        return "--" + setting;
    }
    return setting + " in " +
           (context.config_path.empty() ? default_config_path : context.config_path);
}

void run(const Context& context, const ServeFlags& flags) {
    const Settings settings = context.settings();
    start_logging(program_name, settings.log_level);
    ServeOptions options;
    std::string listen = flags.listen.empty() ? settings.listen : flags.listen;
    options.tls = tls_options(flags, settings);
    options.listen = parse_listen(
        listen.empty() ? default_listen : listen,
        options.tls.has_value(),
        place_of(context, flags.listen, "listen")
    );
    options.price_from_journal = settings.price_from_journal;
    options.routes.heartbeat = std::chrono::seconds(settings.heartbeat_s);
    options.routes.pace.per_second = settings.journals_per_s;
    options.routes.pace.session =
        std::max<std::chrono::milliseconds>(3 * options.routes.heartbeat, std::chrono::minutes(10));
    options.limits = settings.gateway;
    const std::string metrics = flags.metrics.empty() ? settings.metrics : flags.metrics;
    if (!metrics.empty()) {
        options.metrics = parse_metrics(metrics, place_of(context, flags.metrics, "metrics"));
    }
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
            "--metrics", flags->metrics, "GET /metrics here, on the loopback; default: nowhere"
    )
        ->type_name("HOST:PORT");
    verb->add_option(
            "--embedded",
            flags->embedded,
            "run a private PostgreSQL in this directory; a new one is set up by itself"
    )
        ->type_name("DIR");
    verb->add_option("--tls", flags->tls.directory, "TLS with the files of `tls init` in it")
        ->type_name("DIR");
    verb->add_option("--tls-cert", flags->tls.certificate, "TLS with files of one's own")
        ->type_name("FILE");
    verb->add_option("--tls-key", flags->tls.key, "the private key of --tls-cert")
        ->type_name("FILE");
    verb->add_option("--tls-ca", flags->tls.ca, "the authority of server and devices")
        ->type_name("FILE");
    verb->add_option("--tls-ca-key", flags->tls.ca_key, "its key; without it nobody can enrol")
        ->type_name("FILE");
    verb->footer(
        "Examples:\n  DATABASE_URL=postgresql://bar@db/bar tapline-central serve\n"
        "  tapline-central serve --embedded /var/lib/tapline/central\n"
        "  tapline-central serve --listen 0.0.0.0:8443 --tls /etc/tapline/tls"
    );
    verb->callback([&context, flags] { run(context, *flags); });
}

}  // namespace tapline::cli
