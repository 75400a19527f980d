// The sockets of `serve`, from listening to the signal that ends it. Private to central/cli.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>

#include "central/cli/service.hpp"
#include "central/gateway/pg_backend.hpp"
#include "central/gateway/routes.hpp"
#include "central/gateway/server.hpp"
#include "central/metrics/listener.hpp"

namespace tapline::cli {

/// They outlive the run.
struct GatewayParts {
    settle::Settler& settler;
    gateway::PgBackend& backend;
    std::string database_url;
};

class GatewayRun {
  public:
    /// Listens at once. options outlive this. Throws as gateway::Server does.
    GatewayRun(
        const ServeOptions& options,
        const std::optional<trust::Material>& material,
        GatewayParts parts
    );

    /// Until SIGTERM or SIGINT, and what is in flight is answered. On SIGHUP the certificates are
    /// read again; bad ones are refused and the old ones stay. One thread: this one.
    void run();

  private:
    [[nodiscard]] gateway::ServerOptions server_options(
        const std::optional<trust::Material>& material
    );
    void use(const trust::Material& material);
    void reload_on_signal();
    void start_metrics();
    void spawn(boost::asio::awaitable<void> running);
    void stop();

    const ServeOptions& options_;
    GatewayParts parts_;
    boost::asio::io_context io_{1};
    boost::asio::thread_pool parsers_{1};
    gateway::Routes routes_;
    metrics::Metrics metrics_;
    metrics::FleetNumbers fleet_;
    std::optional<std::int64_t> certificate_end_s_;
    gateway::Server server_;
    std::optional<metrics::Listener> listener_;
    boost::asio::signal_set signals_;
    boost::asio::signal_set hangups_;
    int running_ = 0;
    std::exception_ptr failed_;
};

}  // namespace tapline::cli
