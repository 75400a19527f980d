// The listening socket: HTTP/1.1 with keep-alive, limits on everything, and an orderly end.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "central/gateway/limits.hpp"
#include "central/gateway/server_tls.hpp"
#include "central/gateway/tally.hpp"
#include "common/http.hpp"

namespace tapline::gateway {

struct ServerOptions : ServerLimits {
    /// Beyond the loopback only with `tls`.
    std::string address = "127.0.0.1";
    std::uint16_t port = 0;           ///< 0: the kernel chooses
    std::string option = "--listen";  ///< names the address, for errors
    std::optional<ServerTls> tls;     ///< absent: plain HTTP
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
    /// On the I/O thread, as everything below.
    [[nodiscard]] const Tally& tally() const noexcept;
    [[nodiscard]] Load load() const noexcept;

    /// Serves until stop(); returns when requests in flight have been answered, or after the drain
    /// deadline.
    [[nodiscard]] boost::asio::awaitable<void> run();
    /// No new connections, idle ones are closed, answers say Connection: close.
    void stop();
    /// Connections that come from now on get these certificates. Throws as the constructor does and
    /// changes nothing then. Only for a server that has TLS.
    void use(const ServerTls& tls);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tapline::gateway
