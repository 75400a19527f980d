// The tap's own program as the kernel shows it, and the settings of its sync loop. What else stands
// in its environment, tokens say, is read past and never kept.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/doctor/look.hpp"

namespace tapline::doctor {

inline constexpr const char* tap_unit = "beer-tap-controller.service";
inline constexpr const char* usual_device_env = "/etc/beer-tap/device.env";
/// A year: no round but the one at the program's start.
inline constexpr const char* switched_off = "SYNC_INTERVAL_SECONDS=31536000";
/// From here on a setting was meant to switch the loop off.
inline constexpr std::chrono::hours long_interval{24};

struct Variable {
    std::string value;
    std::string from;  ///< "its environment", or the file
};

struct SyncSettings {
    std::optional<Variable> interval;  ///< SYNC_INTERVAL_SECONDS
    std::optional<Variable> server;    ///< SERVER_URL: scheme, host and port only
    std::string file;                  ///< what it reads besides its environment
    bool file_read = false;            ///< it is there
};

struct TapProgram {
    std::int64_t pid = 0;
    std::string name;  ///< as Look::process
    std::string unit;  ///< of systemd; empty: started by hand
    std::string user;
    bool opened = false;  ///< it had the journal open when it was looked at
    SyncSettings settings;
};

/// Of the names that matter only: SYNC_INTERVAL_SECONDS, SERVER_URL, DEVICE_ENV_PATH.
using Variables = std::map<std::string, std::string>;
/// /proc/PID/environ.
[[nodiscard]] Variables variables_of_process(const std::string& environ);
/// KEY=VALUE lines, `export` before them or quotes around the value or not; the last one counts,
/// and what is no such line is no setting.
[[nodiscard]] Variables variables_of_file(const std::string& text);
/// The environment counts more than the file.
[[nodiscard]] SyncSettings combine(
    const Variables& process, const std::optional<Variables>& file, const std::string& file_name
);

/// nullopt: not set, or no whole number above 0; the program takes its default then.
[[nodiscard]] std::optional<std::chrono::seconds> interval_of(const SyncSettings& settings);

struct ServerAddress {
    std::string host;  ///< without brackets
    std::string port;
};

/// nullopt when it is none. Whatever stands before a '@' is left out.
[[nodiscard]] std::optional<ServerAddress> server_address(const std::string& url);
/// "http://10.0.0.5:8000" of a URL that may hold a password; "(unreadable)".
[[nodiscard]] std::string shown_url(const std::string& url);

/// Processes that have the journal open, those of the tap's unit, and Python programs that run in
/// the journal's directory (the tap's program names its journal relative to it, and has it open for
/// moments only). At most 8; ours are left out. Root sees all, others their own.
[[nodiscard]] std::vector<TapProgram> find_tap_programs(
    const Look& look, const std::filesystem::path& journal
);

/// "process 812 (/usr/bin/python3 /opt/tap/main.py), beer-tap-controller.service, user cybeer"
[[nodiscard]] std::string describe(const TapProgram& program);
/// "SYNC_INTERVAL_SECONDS isn't set; SERVER_URL http://10.0.0.5:8000 (/etc/beer-tap/device.env)"
[[nodiscard]] std::string describe(const SyncSettings& settings);

}  // namespace tapline::doctor
