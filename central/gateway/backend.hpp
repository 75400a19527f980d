// What the gateway's routes need from the rest of central.
#pragma once

#include <optional>
#include <string>
#include <variant>

#include <boost/asio/awaitable.hpp>

#include "central/fleet/caller.hpp"
#include "central/settle/settler.hpp"
#include "common/wire.hpp"

namespace tapline::gateway {

using HelloOutcome = std::variant<wire::HelloReply, wire::Problem>;
using AdmitOutcome = std::variant<fleet::Standing, wire::Problem>;
using EnrollOutcome = std::variant<wire::Enrolled, wire::Problem>;
using EpochOutcome = std::variant<wire::EpochGrant, wire::Problem>;

class Backend {
  public:
    Backend() = default;
    virtual ~Backend() = default;
    Backend(const Backend&) = delete;
    Backend& operator=(const Backend&) = delete;

    /// All answer in bounded time and turn what PostgreSQL did into a Problem; an exception is a
    /// bug of ours and becomes 500.
    [[nodiscard]] virtual boost::asio::awaitable<settle::Outcome> pours(
        std::string controller, wire::Batch batch
    ) = 0;
    [[nodiscard]] virtual boost::asio::awaitable<HelloOutcome> hello(
        std::string controller, wire::Hello hello
    ) = 0;
    [[nodiscard]] virtual boost::asio::awaitable<EpochOutcome> epoch(
        std::string controller, std::string journal_id, wire::EpochRequest request
    ) = 0;
    /// Whether a device with this certificate may go on. fresh: asked of the database; else an
    /// answer may be a few seconds old.
    [[nodiscard]] virtual boost::asio::awaitable<AdmitOutcome> admit(
        fleet::Caller caller, bool fresh
    ) = 0;
    /// address: for the record.
    [[nodiscard]] virtual boost::asio::awaitable<EnrollOutcome> enroll(
        wire::EnrollRequest request, std::string address
    ) = 0;
    [[nodiscard]] virtual boost::asio::awaitable<EnrollOutcome> renew(
        fleet::Caller caller, wire::RenewRequest request
    ) = 0;
    /// nullopt while requests can be served, else what stands in the way.
    [[nodiscard]] virtual boost::asio::awaitable<std::optional<wire::Problem>> obstacle() = 0;
};

}  // namespace tapline::gateway
