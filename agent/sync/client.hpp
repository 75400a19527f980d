// The calls of the wire, typed, over a Transport.
#pragma once

#include <chrono>
#include <string>
#include <variant>

#include <boost/asio/awaitable.hpp>

#include "agent/sync/transport.hpp"
#include "common/wire.hpp"

namespace tapline::sync {

using HelloAnswer = std::variant<wire::HelloReply, wire::Problem>;
using PoursAnswer = std::variant<wire::Ack, wire::Problem>;
using EpochAnswer = std::variant<wire::EpochGrant, wire::Problem>;
using EnrollAnswer = std::variant<wire::Enrolled, wire::Problem>;

class Client {
  public:
    /// `controller` names this device where no certificate does.
    Client(Transport& transport, std::string controller, std::string agent_version)
        : transport_(transport),
          controller_(std::move(controller)),
          user_agent_("tapline-agent/" + std::move(agent_version)) {}

    /// All throw Error{unreachable} when no whole answer came, Error{protocol} when it says 200
    /// but isn't what docs/wire.md promises.
    [[nodiscard]] boost::asio::awaitable<HelloAnswer> hello(
        wire::Hello hello, std::chrono::milliseconds deadline
    );
    /// body: an encoded batch.
    [[nodiscard]] boost::asio::awaitable<PoursAnswer> pours(
        std::string target, std::string body, std::chrono::milliseconds deadline
    );

    [[nodiscard]] boost::asio::awaitable<EpochAnswer> epoch(
        std::string journal_id, wire::EpochRequest request, std::chrono::milliseconds deadline
    );

    [[nodiscard]] boost::asio::awaitable<EnrollAnswer> enroll(
        wire::EnrollRequest request, std::chrono::milliseconds deadline
    );
    [[nodiscard]] boost::asio::awaitable<EnrollAnswer> renew(
        wire::RenewRequest request, std::chrono::milliseconds deadline
    );

  private:
    [[nodiscard]] boost::asio::awaitable<EnrollAnswer> ask_certificate(
        std::string target, std::string body, std::chrono::milliseconds deadline
    );
    [[nodiscard]] boost::asio::awaitable<http::Response> post(
        std::string target, std::string body, std::chrono::milliseconds deadline
    );

    Transport& transport_;
    std::string controller_;
    std::string user_agent_;
};

/// "/v1/journals/<id>/<epoch>/pours"
[[nodiscard]] std::string pours_target(const std::string& journal_id, std::int64_t epoch);

}  // namespace tapline::sync
