// Logging to stderr: the systemd journal takes it from there and adds the time.
#pragma once

#include <string>

namespace tapline {

/// level: "debug", "info", "warn" or "error". Sets the process's default logger; call once, in
/// main. On a terminal lines carry a time; under systemd (JOURNAL_STREAM) a syslog priority
/// instead.
void start_logging(const std::string& program, const std::string& level);

/// Of the logger that runs.
void set_log_level(const std::string& level);

/// A line of the log holds at most this many bytes of anything that came from outside.
inline constexpr std::size_t max_logged_bytes = 300;

/// Cuts and escapes text of unknown origin: control characters and invalid UTF-8 become \xNN.
[[nodiscard]] std::string printable(const std::string& text, std::size_t limit = max_logged_bytes);

}  // namespace tapline
