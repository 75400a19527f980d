// `serve`: wires gateway, settling and, when asked for, a private PostgreSQL.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "central/gateway/limits.hpp"
#include "central/gateway/routes.hpp"
#include "central/trust/files.hpp"

namespace tapline::cli {

struct ListenAddress {
    std::string host;
    std::uint16_t port = 0;
};

/// "127.0.0.1:8080", "[::1]:8080", "localhost:8080". Throws Error{usage, "listen_address"}, and
/// Error{refused, "listen_beyond_loopback"} for an address that others could reach, unless there is
/// TLS: whoever could connect could report pours. where: the option, or the setting and its file.
[[nodiscard]] ListenAddress parse_listen(
    const std::string& text, bool tls = false, const std::string& where = "--listen"
);
/// The same; Error{refused, "metrics_beyond_loopback"}, whether there is TLS or not.
[[nodiscard]] ListenAddress parse_metrics(
    const std::string& text, const std::string& where = "--metrics"
);

struct TlsOptions {
    trust::Paths paths;
    std::chrono::seconds lifetime{};  ///< of a device's certificate
    std::chrono::seconds grace{};     ///< how long an ended one can be renewed
};

struct ServeOptions {
    ListenAddress listen;
    std::string database_url;                       ///< empty with `embedded`
    std::optional<std::filesystem::path> embedded;  ///< directory of a private PostgreSQL
    bool price_from_journal = false;
    std::optional<TlsOptions> tls;  ///< read again on SIGHUP
    gateway::RouteRules routes;
    gateway::ServerLimits limits;
    std::optional<ListenAddress> metrics;  ///< of the loopback
};

/// Serves until SIGTERM or SIGINT, then drains: requests in flight are answered, nothing new is
/// taken. Throws the errors of start_checks.hpp, EmbeddedServer and gateway::Server.
void serve(const ServeOptions& options);

}  // namespace tapline::cli
