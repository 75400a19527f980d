// Which database: the environment contract. DATABASE_URL is the one name; POSTGRES_USER, _PASSWORD,
// _HOST, _PORT and _DB are understood when it is unset. Pure but for what `environment` reads.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config.hpp"

namespace tapline::pg {

struct Host {
    std::string name;  ///< name, address, or directory of a Unix socket
    std::string port;
    bool operator==(const Host&) const = default;
};

struct DatabaseUrl {
    std::string url;     ///< for ConnectOptions::url; holds the password: never print it
    std::string masked;  ///< the same with *** for secrets; for people
    std::string source;  ///< "DATABASE_URL", "POSTGRES_*", "--database-url", the file's name
    std::vector<Host> hosts;
    std::string user;      ///< empty: libpq's default
    std::string password;  ///< empty: none given
    std::string database;  ///< empty: libpq's default, the user's name
};

/// One URI or key=value string as libpq reads it, after taking off white space and one pair of
/// quotes around all of it (.env files come that way) and the driver of an SQLAlchemy scheme
/// (postgresql+psycopg2://). Throws Error{usage, "database_url"}; never shows the password.
[[nodiscard]] DatabaseUrl parse_database_url(const std::string& text, const std::string& source);

/// nullopt: neither name is set. An empty variable is an unset one. With both set, each POSTGRES_*
/// that is set must say what DATABASE_URL says: else Error{usage, "database_url_conflict"} with
/// both shown, passwords masked. Defaults for POSTGRES_*: host `postgres`, port 5432, user
/// `postgres`, database = user.
[[nodiscard]] std::optional<DatabaseUrl> database_url_from(const Environment& environment);

/// The same server, user and settings, another database: a "key=value" string with the password in
/// it. url: as in ConnectOptions::url. Throws Error{usage, "database_url"}.
[[nodiscard]] std::string with_database(const std::string& url, const std::string& database);

/// --database-url: as parse_database_url, but a password is refused (Error{usage,
/// "secret_in_arguments"}), because every user of the machine can read the arguments of a process.
/// flag: the option's name, for the message.
[[nodiscard]] DatabaseUrl database_url_from_flag(
    const std::string& text, const std::string& flag = "--database-url"
);

}  // namespace tapline::pg
