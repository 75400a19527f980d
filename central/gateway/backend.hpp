// What the gateway's routes need from the rest of central.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include <boost/asio/awaitable.hpp>

#include "central/settle/settler.hpp"
#include "common/wire.hpp"

namespace tapline::gateway {

using HelloOutcome = std::variant<wire::HelloReply, wire::Problem>;

class Backend {
  public:
    Backend() = default;
    virtual ~Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;

    /// Both answer in bounded time and turn what PostgreSQL did into a Problem; an exception is a
    /// bug of ours and becomes 500.
    [[nodiscard]] virtual boost::asio::awaitable<settle::Outcome> pours(
        std::string controller, wire::Batch batch
    ) = 0;
    [[nodiscard]] virtual boost::asio::awaitable<HelloOutcome> hello(
        std::string controller, wire::Hello hello
    ) = 0;
    /// nullopt while requests can be served, else what stands in the way.
    [[nodiscard]] virtual boost::asio::awaitable<std::optional<wire::Problem>> obstacle() = 0;
};

}  // namespace tapline::gateway
