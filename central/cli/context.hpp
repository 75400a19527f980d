// What every verb of tapline-central gets: the common options, and which database is meant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "central/gateway/limits.hpp"
#include "central/pg/session.hpp"
#include "central/pg/url.hpp"
#include "common/config.hpp"

namespace CLI {
class App;
}

namespace tapline::cli {

inline constexpr const char* program_name = "tapline-central";
inline constexpr const char* default_tls_directory = "/etc/tapline/tls";
inline constexpr const char* default_config_path = "/etc/tapline/central.toml";

/// The table [tls]: a directory as `tls init` makes it, or files one by one.
struct TlsSettings {
    std::string directory;
    std::string certificate;
    std::string key;
    std::string ca;
    std::string ca_key;
    std::int64_t lifetime_s = 180 * 86'400;  ///< of a device's certificate
    std::int64_t grace_s = 365 * 86'400;     ///< how long an ended one can be renewed
};

/// Keys of central.toml; flags go over the environment, the environment over the file.
struct Settings {
    std::string database_url;  ///< empty: not set there
    std::string listen;        ///< "HOST:PORT"
    std::string metrics;       ///< "HOST:PORT"; empty: no /metrics
    std::string log_level = "info";
    bool price_from_journal = false;  ///< settle.price = "journal"; default "beverage"
    TlsSettings tls;
    std::int64_t heartbeat_s =
        60;  ///< fleet.heartbeat_s; forks are told by who is heard in 3 of them
    std::int64_t journals_per_s = 50;  ///< fleet.journals_per_s; 0: no limit
    gateway::ServerLimits gateway;     ///< the table [gateway]
};

/// Throws as ConfigFile does; Error{usage, "config"} for a value that isn't one of the words.
[[nodiscard]] Settings read_settings(const std::string& path, bool required);

struct Context {
    std::string database_url_flag;
    std::string config_path;  ///< empty: default_config_path, which need not exist
    bool json = false;
    int exit_code = 0;
    Environment environment = process_environment();

    [[nodiscard]] Settings settings() const;
    /// --database-url, else the environment (central/pg/url.hpp), else the file. nullopt: none of
    /// them.
    [[nodiscard]] std::optional<pg::DatabaseUrl> find_database(const Settings& settings) const;
    /// The same; Error{usage, "no_database"} where there is none.
    [[nodiscard]] pg::DatabaseUrl database() const;
    /// database() as options, for verbs that need nothing else.
    [[nodiscard]] pg::ConnectOptions connect_options() const;
};

/// --database-url, --config and --json; each verb that talks to the database calls it.
void add_common_options(CLI::App& verb, Context& context);
void add_json_option(CLI::App& verb, Context& context);
/// The same without --json.
void add_database_options(CLI::App& verb, Context& context);

// One per verb or family of verbs; each registers a callback that runs it.
void add_revision_verbs(CLI::App& app, Context& context);
void add_serve_verb(CLI::App& app, Context& context);
/// diff, snapshot, check.
void add_catalog_verbs(CLI::App& app, Context& context);
void add_quarantine_verbs(CLI::App& app, Context& context);
void add_reconcile_verb(CLI::App& app, Context& context);
void add_verify_verb(CLI::App& app, Context& context);
void add_lint_verb(CLI::App& app, Context& context);
/// maintainers, grants.
void add_access_verbs(CLI::App& app, Context& context);
void add_hold_verbs(CLI::App& app, Context& context);
void add_accepted_verb(CLI::App& app, Context& context);
void add_recognise_verb(CLI::App& app, Context& context);
/// tls init, renew, rotate, show.
void add_tls_verbs(CLI::App& app, Context& context);
/// controllers enroll, list, approve, revoke, retire, taps, forks, move.
void add_controllers_verbs(CLI::App& app, Context& context);
void add_fleet_verbs(CLI::App& app, Context& context);
/// Into the family `controllers`.
void add_forks_verbs(CLI::App& family, Context& context);
/// backup begin, mark-verified, list.
void add_backup_verbs(CLI::App& app, Context& context);
/// import-alembic.
void add_import_verb(CLI::App& app, Context& context);
/// import: pours that come as a file.
void add_import_pours_verb(CLI::App& app, Context& context);

/// The whole program but for main's own lines. Returns the exit code; prints errors itself.
[[nodiscard]] int run_program(int argc, char** argv);

}  // namespace tapline::cli
