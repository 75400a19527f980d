// The bounds of a listening socket, with their defaults; `[gateway]` of central.toml sets them.
// What each is for stands in docs/wire.md, Limits.
#pragma once

#include <chrono>
#include <cstddef>

#include "common/wire.hpp"

namespace tapline::gateway {

struct ServerLimits {
    std::size_t max_header_bytes = std::size_t{8} * 1024;
    std::size_t max_body_bytes = wire::max_body_bytes;
    /// Over TLS, of a peer that shows no certificate of ours: it can only ask to be enrolled.
    std::size_t max_stranger_body_bytes = std::size_t{16} * 1024;

    std::size_t max_connections = 4'096;
    /// One address may be a balancer with many devices behind it; an IPv6 /64 counts as one.
    std::size_t max_connections_per_address = 2'048;
    /// One more of the same certificate's name ends its oldest idle one.
    std::size_t max_connections_per_device = 16;
    /// TLS handshakes that are being worked on; more wait in order, at no cost.
    std::size_t max_handshakes = 64;
    /// Requests with a body that are being read or answered; the memory that bodies take is this
    /// times max_body_bytes at most.
    std::size_t max_requests = 256;
    std::size_t max_stranger_requests = 32;

    std::chrono::milliseconds handshake_deadline{10'000};  ///< from accept, waiting included
    std::chrono::milliseconds read_deadline{10'000};       ///< of a request, from its first byte
    std::chrono::milliseconds write_deadline{10'000};      ///< of a whole answer
    std::chrono::milliseconds idle_timeout{90'000};        ///< longer than an agent's heartbeat
    std::chrono::milliseconds drain_deadline{10'000};
    /// Retry-After of an overloaded central lies between 1 s and this.
    std::chrono::seconds retry_spread{15};
};

}  // namespace tapline::gateway
