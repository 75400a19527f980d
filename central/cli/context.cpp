#include "central/cli/context.hpp"

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::cli {

namespace {

[[noreturn]] void bad_word(
    const std::string& path, const std::string& key, const std::string& words
) {
    throw Error(
        ErrorKind::usage,
        "config",
        fmt::format("{}: {} is none of {}", path, key, words),
        "correct the file"
    );
}

TlsSettings read_tls(ConfigFile& file) {
    constexpr std::int64_t shortest_lifetime_s = 10;
    constexpr std::int64_t longest_s = std::int64_t{10} * 365 * 86'400;
    TlsSettings tls;
    tls.directory = file.text("tls.dir").value_or("");
    tls.certificate = file.text("tls.cert").value_or("");
    tls.key = file.text("tls.key").value_or("");
    tls.ca = file.text("tls.ca").value_or("");
    tls.ca_key = file.text("tls.ca_key").value_or("");
    tls.lifetime_s = file.integer("tls.device_lifetime_s", shortest_lifetime_s, longest_s)
                         .value_or(tls.lifetime_s);
    tls.grace_s = file.integer("tls.renew_grace_s", 0, longest_s).value_or(tls.grace_s);
    return tls;
}

}  // namespace

Settings read_settings(const std::string& path, bool required) {
    ConfigFile file = ConfigFile::read(path, required);
    Settings settings;
    settings.database_url = file.text("database_url").value_or("");
    settings.listen = file.text("listen").value_or("");
    settings.log_level = file.text("log_level").value_or(settings.log_level);
    const std::string price = file.text("settle.price").value_or("beverage");
    settings.tls = read_tls(file);
    settings.heartbeat_s =
        file.integer("fleet.heartbeat_s", 5, 3'600).value_or(settings.heartbeat_s);
    settings.journals_per_s =
        file.integer("fleet.journals_per_s", 0, 100'000).value_or(settings.journals_per_s);
    file.finish();
    if (price != "beverage" && price != "journal") {
        bad_word(path, "settle.price", "beverage, journal");
    }
    settings.price_from_journal = price == "journal";
    const std::string& level = settings.log_level;
    if (level != "debug" && level != "info" && level != "warn" && level != "error") {
        bad_word(path, "log_level", "debug, info, warn, error");
    }
    return settings;
}

Settings Context::settings() const {
    return config_path.empty() ? read_settings(default_config_path, false)
                               : read_settings(config_path, true);
}

std::optional<pg::DatabaseUrl> Context::find_database(const Settings& settings) const {
    if (!database_url_flag.empty()) {
        return pg::database_url_from_flag(database_url_flag);
    }
    std::optional<pg::DatabaseUrl> url = pg::database_url_from(environment);
    if (!url && !settings.database_url.empty()) {
        url =
            pg::parse_database_url(settings.database_url, "database_url in the configuration file");
    }
    return url;
}

pg::DatabaseUrl Context::database() const {
    std::optional<pg::DatabaseUrl> url = find_database(settings());
    if (!url) {
        throw Error(
            ErrorKind::usage,
            "no_database",
            "no database is named",
            "set DATABASE_URL=postgresql://user:password@host:5432/database; for the private one "
            "of "
            "`serve --embedded DIR` it is the line in DIR/database_url"
        );
    }
    return std::move(*url);
}

pg::ConnectOptions Context::connect_options() const {
    pg::ConnectOptions options;
    options.url = database().url;
    options.application_name = program_name;
    return options;
}

}  // namespace tapline::cli
