// Plain HTTP messages: what everything but the two Beast units (agent/sync/https_transport,
// central/gateway/server) sees of the protocol.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tapline::http {

struct Header {
    std::string name;
    std::string value;
};

using Headers = std::vector<Header>;

/// First value of a header, compared without case; empty when it is absent.
[[nodiscard]] std::string_view find(const Headers& headers, std::string_view name) noexcept;

/// Who made a request, as the connection proves it.
struct Peer {
    enum class Certificate {
        none,
        foreign,  ///< not signed by our authority, or not for a device
        ours,     ///< signed by our authority; it may have ended
    };

    std::string address;
    bool tls = false;
    Certificate certificate = Certificate::none;
    // Of a certificate of ours; hashes are SHA-256 in hex.
    std::string name;
    std::string serial;
    std::string fingerprint;
    std::string key_hash;
    std::int64_t not_after_ms = 0;  ///< UTC, since 1970
};

struct Request {
    Request() = default;

    Request(std::string method_text, std::string target_text)
        : method(std::move(method_text)), target(std::move(target_text)) {}

    std::string method = "GET";
    std::string target = "/";
    Headers headers;
    std::string body;
    Peer peer;  ///< set by the server only; no header can
};

struct Response {
    Response() = default;

    explicit Response(int status_code) : status(status_code) {}

    int status = 200;
    Headers headers;
    std::string body;
};

}  // namespace tapline::http
