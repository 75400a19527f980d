// Where the gateway may listen, and what it answers to what isn't a request.
#pragma once

#include <optional>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include "central/gateway/server.hpp"

namespace tapline::gateway {

/// Error{usage, "listen_address"}; Error{refused, "listen_beyond_loopback"} without TLS.
[[nodiscard]] boost::asio::ip::tcp::endpoint endpoint_of(const ServerOptions& options);

/// nullopt when the connection just ended.
[[nodiscard]] std::optional<wire::Problem> problem_of(
    const boost::system::error_code& failure,
    std::size_t max_header_bytes,
    std::size_t max_body_bytes
);

/// What connections of this address are counted under: the address, of IPv6 its /64, which is what
/// one customer has.
[[nodiscard]] std::string place_of(const boost::asio::ip::address& address);

}  // namespace tapline::gateway
