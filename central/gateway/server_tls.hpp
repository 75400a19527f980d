// TLS on the gateway's side: the context, and what a handshake has proved.
#pragma once

#include <string>

#include <boost/asio/ssl/verify_context.hpp>

#include "common/http.hpp"
#include "common/tls_stream.hpp"

namespace tapline::gateway {

/// PEM texts.
struct ServerTls {
    std::string key;
    std::string chain;  ///< the server's certificate first, the root last: agents pin it
    std::string roots;  ///< who signs devices
};

/// TLS 1.2 or 1.3, no resumption: what a device may do is looked at in every handshake. Asks for a
/// certificate and takes a connection without one, which may enrol. Error{usage, "tls_files"}.
[[nodiscard]] TlsContext make_context(const ServerTls& tls);

/// To be called for each certificate of a chain. True always: a device whose certificate isn't of
/// our authority is told so in words, by the routes, instead of an alert that nobody understands.
/// Sets `foreign` for good at anything but the end of the device's own certificate.
[[nodiscard]] bool look_at(
    bool good, boost::asio::ssl::verify_context& context, bool& foreign
) noexcept;

/// After the handshake.
[[nodiscard]] http::Peer peer_of(SSL* connection, bool foreign);

}  // namespace tapline::gateway
