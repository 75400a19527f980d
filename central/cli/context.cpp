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

/// A number of [gateway]; the names are those of docs/wire.md, Limits.
struct Limit {
    const char* key;
    std::size_t gateway::ServerLimits::*member;
    std::int64_t min;
    std::int64_t max;
};

struct Wait {
    const char* key;
    std::chrono::milliseconds gateway::ServerLimits::*member;
};

constexpr std::int64_t million = 1'000'000;
constexpr std::int64_t longest_wait_ms = 3'600'000;

constexpr Limit gateway_limits[] = {
    {"gateway.max_header_bytes", &gateway::ServerLimits::max_header_bytes, 1'024, 65'536},
    {"gateway.max_body_bytes",
     &gateway::ServerLimits::max_body_bytes,
     static_cast<std::int64_t>(wire::max_body_bytes) / 4,
     static_cast<std::int64_t>(wire::max_body_bytes)},
    {"gateway.max_stranger_body_bytes",
     &gateway::ServerLimits::max_stranger_body_bytes,
     8'192,
     static_cast<std::int64_t>(wire::max_body_bytes)},
    {"gateway.max_connections", &gateway::ServerLimits::max_connections, 1, million},
    {"gateway.max_connections_per_address",
     &gateway::ServerLimits::max_connections_per_address,
     1,
     million},
    {"gateway.max_connections_per_device",
     &gateway::ServerLimits::max_connections_per_device,
     1,
     million},
    {"gateway.max_handshakes", &gateway::ServerLimits::max_handshakes, 1, million},
    {"gateway.max_requests", &gateway::ServerLimits::max_requests, 1, million},
    {"gateway.max_stranger_requests", &gateway::ServerLimits::max_stranger_requests, 1, million},
};

constexpr Wait gateway_waits[] = {
    {"gateway.handshake_ms", &gateway::ServerLimits::handshake_deadline},
    {"gateway.read_ms", &gateway::ServerLimits::read_deadline},
    {"gateway.write_ms", &gateway::ServerLimits::write_deadline},
    {"gateway.idle_ms", &gateway::ServerLimits::idle_timeout},
    {"gateway.drain_ms", &gateway::ServerLimits::drain_deadline},
};

gateway::ServerLimits read_gateway(ConfigFile& file) {
    gateway::ServerLimits limits;
    for (const auto& limit : gateway_limits) {
        if (const auto value = file.integer(limit.key, limit.min, limit.max)) {
            limits.*limit.member = static_cast<std::size_t>(*value);
        }
    }
    for (const auto& wait : gateway_waits) {
        if (const auto value = file.integer(wait.key, 1, longest_wait_ms)) {
            limits.*wait.member = std::chrono::milliseconds(*value);
        }
    }
    constexpr std::int64_t longest_spread_s = 600;
    if (const auto value = file.integer("gateway.retry_spread_s", 1, longest_spread_s)) {
        limits.retry_spread = std::chrono::seconds(*value);
    }
    return limits;
}

}  // namespace

Settings read_settings(const std::string& path, bool required) {
    ConfigFile file = ConfigFile::read(path, required);
    Settings settings;
    settings.database_url = file.text("database_url").value_or("");
    settings.listen = file.text("listen").value_or("");
    settings.metrics = file.text("metrics").value_or("");
    settings.log_level = file.text("log_level").value_or(settings.log_level);
    const std::string price = file.text("settle.price").value_or("beverage");
    settings.tls = read_tls(file);
    settings.heartbeat_s = file.integer("fleet.heartbeat_s", 5, 60).value_or(settings.heartbeat_s);
    settings.journals_per_s =
        file.integer("fleet.journals_per_s", 0, 100'000).value_or(settings.journals_per_s);
    settings.gateway = read_gateway(file);
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
