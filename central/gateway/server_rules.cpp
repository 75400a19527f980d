#include "central/gateway/server_rules.hpp"

#include <algorithm>

#include <boost/asio/ip/address.hpp>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>

#include "central/gateway/problem.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace tapline::gateway {

asio::ip::tcp::endpoint endpoint_of(const ServerOptions& options) {
    boost::system::error_code failure;
    const auto address = asio::ip::make_address(options.address, failure);
    if (failure) {
        throw Error(
            ErrorKind::usage,
            "listen_address",
            fmt::format("the gateway can't listen at {}", printable(options.address)),
            "give an IP address of this machine, 0.0.0.0 or [::] for all of them"
        );
    }
    if (!options.tls && !address.is_loopback()) {
        throw Error(
            ErrorKind::refused,
            "listen_beyond_loopback",
            fmt::format("{} can be reached from other machines", printable(options.address)),
            "that needs TLS: `tapline-central tls init --name HOST`, then serve --tls DIR; or "
            "listen on 127.0.0.1"
        );
    }
    return {address, options.port};
}

std::optional<wire::Problem> problem_of(
    const boost::system::error_code& failure,
    std::size_t max_header_bytes,
    std::size_t max_body_bytes
) {
    namespace errors = beast::http;
    if (failure == errors::error::body_limit) {
        return oversized(max_body_bytes);
    }
    if (failure == errors::error::header_limit || failure == errors::error::buffer_overflow) {
        return header_too_large(max_header_bytes);
    }
    const bool ended =
        failure == errors::error::end_of_stream || failure == errors::error::partial_message;
    if (!ended &&
        failure.category() == errors::make_error_code(errors::error::bad_method).category()) {
        return bad_http(failure.message());
    }
    return std::nullopt;
}

std::string place_of(const asio::ip::address& address) {
    if (!address.is_v6()) {
        return address.to_string();
    }
    const auto v6 = address.to_v6();
    if (v6.is_v4_mapped()) {
        return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
    }
    auto bytes = v6.to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return asio::ip::address_v6(bytes).to_string();
}

}  // namespace tapline::gateway
