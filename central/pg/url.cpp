#include "central/pg/url.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "common/error.hpp"

namespace tapline::pg {

namespace {

constexpr std::string_view default_port = "5432";
constexpr std::string_view default_host = "postgres";
constexpr std::string_view default_user = "postgres";
constexpr std::string_view mask = "***";

struct FreeOptions {
    void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};

using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

std::string unwrapped(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const std::size_t first = text.find_first_not_of(space);
    if (first == std::string_view::npos) {
        return {};
    }
    text = text.substr(first, text.find_last_not_of(space) - first + 1);
    const bool quoted = text.size() >= 2 && text.front() == text.back() &&
                        (text.front() == '"' || text.front() == '\'');
    if (quoted) {
        text = text.substr(1, text.size() - 2);
    }
    return std::string(text);
}

/// postgresql+psycopg2://… -> postgresql://…
std::string without_driver(const std::string& text) {
    const std::size_t scheme_end = text.find("://");
    const std::size_t plus = text.find('+');
    if (scheme_end == std::string::npos || plus > scheme_end) {
        return text;
    }
    return text.substr(0, plus) + text.substr(scheme_end);
}

std::string percent_encoded(std::string_view text) {
    static constexpr std::string_view unreserved =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    std::string encoded;
    for (const char c : text) {
        if (unreserved.find(c) != std::string_view::npos) {
            encoded.push_back(c);
        } else {
            fmt::format_to(std::back_inserter(encoded), "%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return encoded;
}

/// For a key=value string.
std::string quoted_value(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') {
            quoted.push_back('\\');
        }
        quoted.push_back(c);
    }
    return quoted + "'";
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    while (true) {
        const std::size_t at = text.find(separator);
        parts.emplace_back(text.substr(0, at));
        if (at == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(at + 1);
    }
}

/// As libpq pairs them: one port is everybody's, an empty one is the default.
std::vector<Host> pair_hosts(const std::string& hosts, const std::string& ports) {
    const std::vector<std::string> port_list = split(ports, ',');
    std::vector<Host> paired;
    for (std::string& name : split(hosts, ',')) {
        const std::size_t at = port_list.size() == 1 ? 0 : paired.size();
        const bool given = at < port_list.size() && !port_list[at].empty();
        paired.push_back({std::move(name), given ? port_list[at] : std::string(default_port)});
    }
    return paired;
}

std::string render_hosts(const std::vector<Host>& hosts) {
    std::string text;
    for (const Host& host : hosts) {
        const bool address6 = host.name.find(':') != std::string::npos;
        text += text.empty() ? "" : ",";
        text += address6 ? "[" + host.name + "]" : percent_encoded(host.name);
        text += ":" + host.port;
    }
    return text;
}

std::string render(const DatabaseUrl& url, const std::string& password, const std::string& query) {
    std::string text = "postgresql://" + percent_encoded(url.user);
    if (!password.empty()) {
        text += ":" + password;
    }
    if (!url.user.empty() || !password.empty()) {
        text += "@";
    }
    text += render_hosts(url.hosts) + "/" + percent_encoded(url.database);
    return query.empty() ? text : text + "?" + query;
}

[[noreturn]] void unreadable(const std::string& text, const std::string& source) {
    // Nothing from the ? on: a password may stand there too, also under a mistyped name.
    const std::string_view before_query = std::string_view(text).substr(0, text.find('?'));
    const std::size_t host_at = before_query.rfind('@');
    const std::string shown = host_at == std::string_view::npos
                                  ? std::string("…")
                                  : fmt::format("{}{}", mask, before_query.substr(host_at));
    throw Error(
        ErrorKind::usage,
        "database_url",
        fmt::format("{} can't be read as a PostgreSQL URL: {}", source, shown),
        "write it as postgresql://user:password@host:5432/database, with % @ : / ? # and spaces in "
        "the password as %25 %40 %3A %2F %3F %23 %20"
    );
}

bool is_secret(std::string_view keyword) noexcept {
    return keyword == "password" || keyword == "sslpassword";
}

void check_hosts(const DatabaseUrl& url, const std::string& text) {
    for (const Host& host : url.hosts) {
        const bool digits = std::all_of(host.port.begin(), host.port.end(), [](char c) {
            return c >= '0' && c <= '9';
        });
        // A raw @ in the password ends it early, and its rest would be looked up as a host.
        if (!digits || host.port.size() > 5 || host.name.find('@') != std::string::npos) {
            unreadable(text, url.source);
        }
    }
}

struct Variable {
    const char* name;
    std::string value;
};

using Variables = std::array<Variable, 5>;

enum : std::size_t { user_at, password_at, host_at, port_at, database_at };

Variables read_variables(const Environment& environment) {
    Variables variables{{
        {"POSTGRES_USER", {}},
        {"POSTGRES_PASSWORD", {}},
        {"POSTGRES_HOST", {}},
        {"POSTGRES_PORT", {}},
        {"POSTGRES_DB", {}},
    }};
    for (Variable& variable : variables) {
        variable.value = unwrapped(environment(variable.name).value_or(""));
    }
    return variables;
}

/// "h1:5432,h2" and "[::1]:5432" carry ports of their own; POSTGRES_PORT is everybody else's.
std::vector<Host> read_hosts(const std::string& text, const std::string& port) {
    std::vector<Host> hosts;
    for (const std::string& entry : split(text, ',')) {
        const std::size_t colon = entry.rfind(':');
        const std::size_t bracket = entry.rfind(']');
        const bool one_colon = colon != std::string::npos && entry.find(':') == colon;
        const bool after_bracket = bracket != std::string::npos && colon == bracket + 1;
        Host host{entry, port};
        if (one_colon || after_bracket) {
            host = {entry.substr(0, colon), entry.substr(colon + 1)};
        }
        if (host.name.starts_with('[') && host.name.ends_with(']')) {
            host.name = host.name.substr(1, host.name.size() - 2);
        }
        hosts.push_back(std::move(host));
    }
    return hosts;
}

DatabaseUrl from_variables(const Variables& variables) {
    const auto value_or = [&variables](std::size_t at, std::string_view fallback) {
        return variables[at].value.empty() ? std::string(fallback) : variables[at].value;
    };
    DatabaseUrl url;
    url.source = "POSTGRES_*";
    url.user = value_or(user_at, default_user);
    url.password = variables[password_at].value;
    url.database = value_or(database_at, url.user);
    url.hosts = read_hosts(value_or(host_at, default_host), value_or(port_at, default_port));
    url.url = render(url, percent_encoded(url.password), {});
    url.masked = render(url, url.password.empty() ? "" : std::string(mask), {});
    check_hosts(url, url.url);
    return url;
}

bool agrees(const DatabaseUrl& url, const DatabaseUrl& other, const Variables& variables) {
    const auto given = [&variables](std::size_t at) { return !variables[at].value.empty(); };
    const auto names = [](const DatabaseUrl& of) {
        std::vector<std::string> list;
        std::transform(
            of.hosts.begin(),
            of.hosts.end(),
            std::back_inserter(list),
            [](const Host& h) { return h.name; }
        );
        return list;
    };
    const auto ports = [](const DatabaseUrl& of) {
        std::vector<std::string> list;
        std::transform(
            of.hosts.begin(),
            of.hosts.end(),
            std::back_inserter(list),
            [](const Host& h) { return h.port; }
        );
        list.erase(std::unique(list.begin(), list.end()), list.end());
        return list;
    };
    const std::string database = url.database.empty() ? url.user : url.database;
    const bool host_carries_port = variables[host_at].value.find(':') != std::string::npos;
    return (!given(user_at) || url.user == other.user) &&
           (!given(password_at) || url.password == other.password) &&
           (!given(database_at) || database == other.database) &&
           (!given(host_at) || names(url) == names(other)) &&
           ((!given(port_at) && !host_carries_port) || ports(url) == ports(other));
}

}  // namespace

DatabaseUrl parse_database_url(const std::string& text, const std::string& source) {
    DatabaseUrl url;
    url.source = source;
    url.url = without_driver(unwrapped(text));
    const Options options(PQconninfoParse(url.url.c_str(), nullptr));
    if (!options) {
        // libpq's own message quotes what it couldn't read, which may be the password.
        unreadable(url.url, source);
    }
    std::string hosts;
    std::string ports;
    std::string query;
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val == nullptr) {
            continue;
        }
        const std::string_view keyword = option->keyword;
        if (keyword == "host") {
            hosts = option->val;
        } else if (keyword == "port") {
            ports = option->val;
        } else if (keyword == "user") {
            url.user = option->val;
        } else if (keyword == "password") {
            url.password = option->val;
        } else if (keyword == "dbname") {
            url.database = option->val;
        } else {
            query += (query.empty() ? "" : "&") + std::string(keyword) + "=";
            query += is_secret(keyword) ? std::string(mask) : percent_encoded(option->val);
        }
    }
    url.hosts = pair_hosts(hosts, ports);
    check_hosts(url, url.url);
    url.masked = render(url, url.password.empty() ? "" : std::string(mask), query);
    return url;
}

std::optional<DatabaseUrl> database_url_from(const Environment& environment) {
    const std::string text = unwrapped(environment("DATABASE_URL").value_or(""));
    const Variables variables = read_variables(environment);
    const bool any_variable = std::any_of(
        variables.begin(), variables.end(), [](const Variable& v) { return !v.value.empty(); }
    );
    if (text.empty()) {
        return any_variable ? std::optional(from_variables(variables)) : std::nullopt;
    }
    DatabaseUrl url = parse_database_url(text, "DATABASE_URL");
    if (!any_variable) {
        return url;
    }
    const DatabaseUrl other = from_variables(variables);
    if (!agrees(url, other, variables)) {
        const bool passwords_differ = !other.password.empty() && url.password != other.password;
        throw Error(
            ErrorKind::usage,
            "database_url_conflict",
            fmt::format(
                "two databases are named: DATABASE_URL is {} and POSTGRES_* mean {}{}",
                url.masked,
                other.masked,
                passwords_differ ? " (the passwords differ)" : ""
            ),
            "unset the POSTGRES_* variables, or make them say what DATABASE_URL says"
        );
    }
    return url;
}

std::string with_database(const std::string& url, const std::string& database) {
    const Options options(PQconninfoParse(url.c_str(), nullptr));
    if (!options) {
        unreadable(url, "the database's URL");
    }
    std::string text = "dbname=" + quoted_value(database);
    for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
        if (option->val != nullptr && option->keyword != std::string_view("dbname")) {
            text += fmt::format(" {}={}", option->keyword, quoted_value(option->val));
        }
    }
    return text;
}

DatabaseUrl database_url_from_flag(const std::string& text, const std::string& flag) {
    DatabaseUrl url = parse_database_url(text, flag);
    if (!url.password.empty() || url.masked.find(mask) != std::string::npos) {
        throw Error(
            ErrorKind::usage,
            "secret_in_arguments",
            fmt::format("{} {} carries a password", flag, url.masked),
            "arguments are visible to every user of this machine: set DATABASE_URL instead, or "
            "keep "
            "the password in ~/.pgpass"
        );
    }
    return url;
}

}  // namespace tapline::pg
