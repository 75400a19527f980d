// What a listening socket has met since it began. Plain numbers: they belong to the I/O thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace tapline::gateway {

/// Why a connection was not served, or not further.
enum class Refusal { connections, address, device, handshakes };
/// How a handshake failed.
enum class HandshakeFault { silent, not_tls, too_slow, broken };
/// Which deadline ended a connection.
enum class Deadline { idle, request, answer };

inline constexpr std::array<std::string_view, 4> refusal_names{
    "connections", "address", "device", "handshakes"};
inline constexpr std::array<std::string_view, 4> handshake_fault_names{
    "silent", "not_tls", "too_slow", "broken"};
inline constexpr std::array<std::string_view, 3> deadline_names{"idle", "request", "answer"};

struct Tally {
    std::uint64_t accepted = 0;
    std::uint64_t handshakes = 0;  ///< that succeeded
    std::array<std::uint64_t, refusal_names.size()> refused{};
    std::array<std::uint64_t, handshake_fault_names.size()> handshakes_failed{};
    std::array<std::uint64_t, deadline_names.size()> timed_out{};
    /// Requests that the socket itself refused, by the problem's code; a closed set.
    std::map<std::string, std::uint64_t> requests_refused;

    void count(Refusal why) { ++refused.at(static_cast<std::size_t>(why)); }

    void count(HandshakeFault how) { ++handshakes_failed.at(static_cast<std::size_t>(how)); }

    void count(Deadline which) { ++timed_out.at(static_cast<std::size_t>(which)); }
};

/// How full it is at this moment.
struct Load {
    std::size_t connections = 0;
    std::size_t handshakes = 0;
    std::size_t handshakes_waiting = 0;
    std::size_t requests = 0;  ///< with a body, being read or answered
};

}  // namespace tapline::gateway
