// The paths of the wire, version 1 (docs/wire.md): a request in, an answer out; no sockets here.
#pragma once

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "central/gateway/attempts.hpp"
#include "central/gateway/backend.hpp"
#include "central/gateway/pace.hpp"
#include "common/http.hpp"

namespace tapline::gateway {

/// A body larger than this is parsed off the I/O thread.
inline constexpr std::size_t parse_here_bytes = std::size_t{4} * 1024;

struct RouteRules {
    PaceRules pace;
    std::chrono::seconds heartbeat{60};  ///< how often an idle agent says hello
};

/// hello, pours, epochs, enroll, renew, healthz, readyz or other: what a request counts as.
[[nodiscard]] std::string_view route_of(std::string_view target);

/// Told of each batch that was decoded: its rows, what became of it, how long that took.
using BatchObserver =
    std::function<void(std::size_t rows, const settle::Outcome&, std::chrono::nanoseconds)>;

class Routes {
  public:
    /// Backend and clock outlive this; `parsers` runs the parsing of large bodies.
    Routes(
        Backend& backend,
        boost::asio::any_io_executor parsers,
        RouteRules rules = {},
        const Clock& clock = system_clock()
    )
        : backend_(backend),
          parsers_(std::move(parsers)),
          rules_(rules),
          clock_(clock),
          pace_(rules.pace) {}

    void watch(BatchObserver observer) { observer_ = std::move(observer); }

    /// Never throws for what the request holds.
    [[nodiscard]] boost::asio::awaitable<http::Response> handle(http::Request request);

  private:
    /// Who asks, and how it stands.
    struct Admitted {
        std::string controller;
        bool pending = false;
    };

    using Admission = std::variant<Admitted, wire::Problem>;

    [[nodiscard]] boost::asio::awaitable<http::Response> post(
        http::Request request, std::vector<std::string> parts
    );
    [[nodiscard]] boost::asio::awaitable<Admission> admit(http::Request request, bool fresh);
    [[nodiscard]] boost::asio::awaitable<http::Response> enroll(http::Request request);
    [[nodiscard]] boost::asio::awaitable<http::Response> renew(http::Request request);
    [[nodiscard]] boost::asio::awaitable<http::Response> hello(http::Request request);
    [[nodiscard]] boost::asio::awaitable<http::Response> pours(
        http::Request request, std::string journal_id, std::int64_t epoch
    );

    [[nodiscard]] boost::asio::awaitable<http::Response> epoch(
        http::Request request, std::string journal_id
    );

    Backend& backend_;
    boost::asio::any_io_executor parsers_;
    RouteRules rules_;
    const Clock& clock_;
    Attempts attempts_;
    Pace pace_;
    BatchObserver observer_;
    std::set<std::string> settling_;  ///< journals with a batch that isn't answered yet
};

}  // namespace tapline::gateway
