// The agent's way to central over HTTP/1.1: one connection, kept open between requests.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "agent/sync/credentials.hpp"
#include "agent/sync/transport.hpp"

namespace tapline::sync {

/// Where central is. Plain http serves the loopback only; https needs the device's identity.
struct CentralAddress {
    bool tls = false;
    std::string host;  ///< without brackets
    std::string port;
};

/// "https://central.example:8443", "http://127.0.0.1:8080". Error{usage, "central_url"} for
/// anything else: another scheme, a path, a user, http to another host than the loopback.
[[nodiscard]] CentralAddress parse_central_url(const std::string& url);

struct TransportLimits {
    std::chrono::milliseconds connect{5'000};
    /// An answer holds at most 500 items; anything larger isn't central.
    std::size_t max_answer_bytes = 1024 * 1024;
    std::size_t max_header_bytes = 16 * 1024;
};

/// For https: who we are, and whether this device's clock can be relied on.
struct TransportTrust {
    CredentialSource credentials;
    std::function<bool()> dates_count;
};

/// Retries nothing. A kept connection that central has closed meanwhile is replaced before the
/// request is written, and so is one that shows an older certificate; one that breaks later is the
/// syncer's business.
class HttpsTransport final : public Transport {
  public:
    explicit HttpsTransport(
        CentralAddress address, TransportLimits limits = {}, TransportTrust trust = {}
    );
    ~HttpsTransport() override;

    [[nodiscard]] boost::asio::awaitable<http::Response> send(
        http::Request request, std::chrono::milliseconds deadline
    ) override;

  private:
    class Connection;
    [[nodiscard]] boost::asio::awaitable<void> connect(std::chrono::milliseconds deadline);

    [[nodiscard]] std::shared_ptr<const Credentials> credentials() const;

    CentralAddress address_;
    TransportLimits limits_;
    TransportTrust trust_;
    std::unique_ptr<Connection> connection_;
};

}  // namespace tapline::sync
