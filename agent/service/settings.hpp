// The settings of `tapline-agent run`: flag over environment over file.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/backoff.hpp"
#include "common/config.hpp"
#include "common/error.hpp"

namespace tapline::service {

inline constexpr const char* default_config = "/etc/tapline/agent.toml";

/// As given on the command line; nullopt: not given.
struct Flags {
    std::optional<std::string> config;
    std::vector<std::string> journals;
    std::optional<std::string> central;
    std::optional<std::string> name;
    std::optional<std::string> tap_gate;
    std::optional<std::string> log_level;
    std::optional<std::string> status_file;
    std::optional<std::string> state_dir;
    std::optional<std::int64_t> retry_base_ms;
    std::optional<std::int64_t> retry_cap_ms;
    std::optional<std::int64_t> first_retry_spread_s;
    std::optional<std::int64_t> keep_days;
};

struct Settings {
    std::vector<std::string> journals;
    std::string central;
    std::string name;
    bool custody = true;  ///< tap_gate: "custody" or "ack"
    std::string log_level = "info";
    std::string status_file;  ///< empty: chosen by itself
    std::string state_dir;    ///< key and certificate; /var/lib/tapline, or where systemd says
    /// SQL on pours that the tap's program sends, besides that of its releases: rehearsed before a
    /// migration (agent/journal/writer_statements.hpp). Only in the file.
    std::vector<std::string> writer_statements;
    BackoffLimits backoff;
    std::chrono::seconds keep_pours{30 * 86'400};  ///< how long acked pours stay at least
};

/// Keys of the file: journal (a text or a list), central, name, tap_gate, log_level, status_file,
/// state_dir, retry_base_ms, retry_cap_ms, first_retry_spread_s, keep_days, writer_statements (a
/// list). Variables: TAPLINE_ and the key in capitals; TAPLINE_JOURNAL holds several paths with ':'
/// between them, TAPLINE_CONFIG names another file. Throws Error{usage} that names the key, where
/// it stands, and what was expected; usage/"writer_sql" for SQL that can't be registered. complete:
/// what `run` can't go without must be there.
[[nodiscard]] Settings load_settings(
    const Flags& flags, const Environment& environment, bool complete
);

struct ReadableSettings {
    Settings settings;
    std::vector<Error> troubles;  ///< in the order in which they were met
};

/// What can be read, where load_settings would throw: for verbs that look at a machine where
/// something is wrong. What is wrong counts as not set.
[[nodiscard]] ReadableSettings readable_settings(
    const Flags& flags, const Environment& environment
);

}  // namespace tapline::service
