// The listening socket: HTTP/1.1 with keep-alive, limits on everything, and an orderly end.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "central/gateway/server_tls.hpp"
#include "common/http.hpp"
#include "common/wire.hpp"

namespace tapline::gateway {

struct ServerOptions {
    /// Beyond the loopback only with `tls`.
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0: the kernel chooses
    std::size_t max_header_bytes = std::size_t{8} * 1024;
    std::size_t max_body_bytes = wire::max_body_bytes;
    std::size_t max_connections = 4'096;
    std::chrono::milliseconds read_deadline{10'000};  ///< of a whole request, from its first byte
    std::chrono::milliseconds write_deadline{10'000};
    std::chrono::milliseconds idle_timeout{90'000};  ///< longer than an agent's heartbeat
    std::chrono::milliseconds drain_deadline{10'000};
    std::optional<ServerTls> tls;  ///< absent: plain HTTP
};

class Server {
  public:
    using Handler = std::function<boost::asio::awaitable<http::Response>(http::Request)>;

    /// Listens at once; must outlive every handler that `io` still runs. `io` must be one thread
    /// (or a strand), handler's coroutines run on it. Throws Error{usage, "listen_address" |
    /// "tls_files"}, Error{refused, "listen_beyond_loopback"} or Error{unreachable, "listen"}.
    Server(boost::asio::any_io_executor io, ServerOptions options, Handler handler);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    [[nodiscard]] std::uint16_t port() const noexcept;
    [[nodiscard]] std::size_t connections() const noexcept;

    /// Serves until stop(); returns when requests in flight have been answered, or after the drain
    /// deadline.
    [[nodiscard]] boost::asio::awaitable<void> run();
    /// On the I/O thread: no new connections, idle ones are closed, answers say Connection: close.
    void stop();
    /// On the I/O thread: connections that come from now on get these certificates. Throws as the
    /// constructor does and changes nothing then. Only for a server that has TLS.
    void use(const ServerTls& tls);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tapline::gateway
