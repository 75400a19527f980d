#include "agent/service/settings.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>

#include <unistd.h>

#include <fmt/format.h>

#include "agent/journal/writer_statements.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::service {

namespace {

constexpr std::size_t max_journals = 64;
constexpr std::size_t max_name_chars = 64;
constexpr const char* default_state_dir = "/var/lib/tapline";
constexpr std::int64_t max_retry_ms = 3'600'000;
constexpr std::int64_t max_spread_s = 3'600;
constexpr std::int64_t max_keep_days = 3'650;

Error usage(const std::string& what, const std::string& hint) {
    return Error(ErrorKind::usage, "setting", what, hint);
}

/// One setting from its three places; `file` is asked always, so that the key counts as known.
class Source {
  public:
    Source(ConfigFile& file, const Environment& environment)
        : file_(file), environment_(environment) {}

    std::optional<std::string> text(
        const std::string& key, const std::optional<std::string>& flag
    ) {
        const auto from_file = file_.text(key);
        if (flag) {
            return flag;
        }
        const auto variable = environment_(variable_of(key));
        return variable ? variable : from_file;
    }

    std::optional<std::int64_t> integer(
        const std::string& key, const std::optional<std::int64_t>& flag, std::int64_t max
    ) {
        const auto from_file = file_.integer(key, 0, max);
        if (flag) {
            check_range(key, *flag, max);
            return flag;
        }
        const auto variable = environment_(variable_of(key));
        if (!variable) {
            return from_file;
        }
        std::int64_t value = 0;
        const auto* end = variable->data() + variable->size();
        const auto [stopped, failure] = std::from_chars(variable->data(), end, value);
        if (failure != std::errc{} || stopped != end) {
            throw usage(
                fmt::format("{}={} isn't a whole number", variable_of(key), printable(*variable)),
                fmt::format("give a number from 0 to {}", max)
            );
        }
        check_range(key, value, max);
        return value;
    }

    std::vector<std::string> paths(const std::string& key, const std::vector<std::string>& flag) {
        auto from_file = file_.texts(key);
        if (!flag.empty()) {
            return flag;
        }
        const auto variable = environment_(variable_of(key));
        if (!variable) {
            return from_file;
        }
        std::vector<std::string> paths;
        std::size_t start = 0;
        while (start <= variable->size()) {
            const auto colon = std::min(variable->find(':', start), variable->size());
            if (colon > start) {
                paths.push_back(variable->substr(start, colon - start));
            }
            start = colon + 1;
        }
        return paths;
    }

    std::optional<std::string> variable(const std::string& name) const {
        return environment_(name);
    }

  private:
    static std::string variable_of(const std::string& key) {
        std::string name = "TAPLINE_" + key;
        std::transform(name.begin(), name.end(), name.begin(), [](char c) {
            return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        });
        return name;
    }

    static void check_range(const std::string& key, std::int64_t value, std::int64_t max) {
        if (value < 0 || value > max) {
            throw usage(
                fmt::format("{} is {}", key, value), fmt::format("give a number from 0 to {}", max)
            );
        }
    }

    ConfigFile& file_;
    const Environment& environment_;
};

std::string host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) {
        return {};
    }
    return name.data();
}

void check_name(const std::string& name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    if (name.empty() || name.size() > max_name_chars ||
        !std::all_of(name.begin(), name.end(), fits)) {
        throw usage(
            fmt::format("\"{}\" can't be this controller's name", printable(name)),
            "give --name: 1 to 64 of A-Z a-z 0-9 . _ -"
        );
    }
}

/// Strict: the first trouble is thrown. Otherwise it is kept, and what it is about isn't set.
class Troubles {
  public:
    explicit Troubles(std::vector<Error>* kept) : kept_(kept) {}

    template <typename Read>
    auto without(const Read& read) const -> decltype(read()) {
        if (kept_ == nullptr) {
            return read();
        }
        try {
            return read();
        } catch (const Error& trouble) {
            kept_->push_back(trouble);
            return {};
        }
    }

  private:
    std::vector<Error>* kept_;
};

std::optional<bool> custody_of(const std::string& gate) {
    if (gate != "custody" && gate != "ack") {
        throw usage(
            fmt::format("tap_gate is \"{}\"", printable(gate)),
            "custody (the tap goes on once the agent keeps the pour) or ack (once central has it)"
        );
    }
    return gate == "custody";
}

std::string checked_level(std::string level) {
    constexpr std::array<std::string_view, 4> levels{"debug", "info", "warn", "error"};
    if (std::find(levels.begin(), levels.end(), level) == levels.end()) {
        throw usage(
            fmt::format("log_level is \"{}\"", printable(level)), "debug, info, warn or error"
        );
    }
    return level;
}

std::vector<std::string> checked_statements(std::vector<std::string> statements) {
    std::ignore = journal::read_statements(statements);
    return statements;
}

void check_complete(const Settings& settings) {
    if (settings.journals.empty()) {
        throw usage(
            "no journal is named", "give --journal FILE, or journal = \"FILE\" in agent.toml"
        );
    }
    if (settings.journals.size() > max_journals) {
        throw usage(
            fmt::format("{} journals are too many for one agent", settings.journals.size()),
            fmt::format("at most {}; start another agent for the rest", max_journals)
        );
    }
    if (settings.central.empty()) {
        throw usage(
            "central's address is missing",
            "give --central https://HOST:PORT, the one that this device is enrolled at"
        );
    }
    check_name(settings.name);
}

std::optional<std::string> config_named(const Flags& flags, const Environment& environment) {
    return flags.config ? flags.config : environment("TAPLINE_CONFIG");
}

/// Reads each setting, so that the file's keys are all known.
Settings read(Source& source, ConfigFile& file, const Flags& flags, const Troubles& troubles) {
    Settings settings;
    settings.journals = source.paths("journal", flags.journals);
    settings.central = source.text("central", flags.central).value_or("");
    settings.name = source.text("name", flags.name).value_or(host_name());
    const auto gate = source.text("tap_gate", flags.tap_gate).value_or("custody");
    settings.custody = troubles.without([&] { return custody_of(gate); }).value_or(true);
    const auto level = source.text("log_level", flags.log_level).value_or("info");
    settings.log_level = troubles.without([&] { return checked_level(level); });
    settings.status_file = source.text("status_file", flags.status_file).value_or("");
    settings.state_dir =
        source.text("state_dir", flags.state_dir)
            .value_or(source.variable("STATE_DIRECTORY").value_or(default_state_dir));
    const auto integer = [&](const char* key, const auto& flag, std::int64_t max) {
        return troubles.without([&] { return source.integer(key, flag, max); });
    };
    if (const auto base = integer("retry_base_ms", flags.retry_base_ms, max_retry_ms)) {
        settings.backoff.base = std::chrono::milliseconds(*base);
    }
    if (const auto cap = integer("retry_cap_ms", flags.retry_cap_ms, max_retry_ms)) {
        settings.backoff.cap = std::chrono::milliseconds(*cap);
    }
    const auto spread = integer("first_retry_spread_s", flags.first_retry_spread_s, max_spread_s);
    if (spread) {
        settings.backoff.first_spread = std::chrono::seconds(*spread);
    }
    if (const auto days = integer("keep_days", flags.keep_days, max_keep_days)) {
        settings.keep_pours = std::chrono::hours(24 * *days);
    }
    const auto statements = file.texts("writer_statements");
    settings.writer_statements = troubles.without([&] { return checked_statements(statements); });
    file.finish();
    return settings;
}

}  // namespace

Settings load_settings(const Flags& flags, const Environment& environment, bool complete) {
    const auto named = config_named(flags, environment);
    auto file = ConfigFile::read(named.value_or(default_config), named.has_value());
    Source source(file, environment);
    auto settings = read(source, file, flags, Troubles(nullptr));
    if (complete) {
        check_complete(settings);
    }
    return settings;
}

ReadableSettings readable_settings(const Flags& flags, const Environment& environment) {
    ReadableSettings readable;
    const auto named = config_named(flags, environment);
    auto file = ConfigFile::read_around(
        named.value_or(default_config), named.has_value(), readable.troubles
    );
    Source source(file, environment);
    readable.settings = read(source, file, flags, Troubles(&readable.troubles));
    return readable;
}

}  // namespace tapline::service
