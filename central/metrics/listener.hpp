// `GET /metrics` on a socket of its own. Not on the fleet's: the numbers tell a stranger how a bar
// does business, and Prometheus has no device's certificate. The loopback only, without TLS: what
// collects them runs beside central, or reaches it through a proxy that knows who may ask.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "central/gateway/server.hpp"
#include "central/metrics/metrics.hpp"

namespace tapline::metrics {

/// All but the fleet's numbers; on the I/O thread, at once.
using Look = std::function<Moment()>;

class Listener {
  public:
    /// metrics and fleet outlive this. Throws as gateway::Server does.
    Listener(
        boost::asio::any_io_executor io,
        std::string address,
        std::uint16_t port,
        const Metrics& metrics,
        FleetNumbers& fleet
    );

    /// Before run().
    void use(Look look) { look_ = std::move(look); }

    [[nodiscard]] std::uint16_t port() const noexcept { return server_.port(); }

    [[nodiscard]] boost::asio::awaitable<void> run() { return server_.run(); }

    void stop() { server_.stop(); }

  private:
    [[nodiscard]] boost::asio::awaitable<http::Response> handle(http::Request request);

    const Metrics& metrics_;
    FleetNumbers& fleet_;
    Look look_;
    gateway::Server server_;
};

}  // namespace tapline::metrics
