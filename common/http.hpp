// Plain HTTP messages: what everything but the two Beast units (agent/sync/https_transport,
// central/gateway/server) sees of the protocol.
#pragma once

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

struct Request {
    Request() = default;

    Request(std::string method_text, std::string target_text)
        : method(std::move(method_text)), target(std::move(target_text)) {}

    std::string method = "GET";
    std::string target = "/";
    Headers headers;
    std::string body;
};

struct Response {
    Response() = default;

    explicit Response(int status_code) : status(status_code) {}

    int status = 200;
    Headers headers;
    std::string body;
};

}  // namespace tapline::http
