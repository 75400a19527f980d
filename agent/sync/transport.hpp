// The second seam for tests: how a request of the agent reaches central.
#pragma once

#include <chrono>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "common/http.hpp"

namespace tapline::sync {

/// One request and its answer. Throws Error{unreachable} when no whole answer came within the
/// deadline: nothing is known then about whether central acted on it, and only the syncer retries.
class Transport {
  public:
    Transport() = default;
    virtual ~Transport() = default;
    Transport(const Transport&) = delete;
    Transport& operator=(const Transport&) = delete;

    [[nodiscard]] virtual boost::asio::awaitable<http::Response> send(
        http::Request request, std::chrono::milliseconds deadline
    ) = 0;
};

}  // namespace tapline::sync
