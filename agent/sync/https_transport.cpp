#include "agent/sync/https_transport.hpp"

#include <algorithm>
#include <cerrno>
#include <vector>

#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include "common/error.hpp"
#include "common/log.hpp"
#include "common/tls_stream.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace tapline::sync {

namespace {

using Stream = TlsStream<beast::tcp_stream>;

/// Somebody's password has no place in a log.
std::string without_user(const std::string& url) {
    const auto begin = url.find("://");
    const auto at = url.rfind('@');
    return begin == std::string::npos || at == std::string::npos || at < begin
               ? url
               : url.substr(0, begin + 3) + "…" + url.substr(at);
}

[[noreturn]] void refuse_url(const std::string& url, const std::string& why) {
    throw Error(
        ErrorKind::usage,
        "central_url",
        fmt::format(
            "the address of central, {}, can't be used: {}", printable(without_user(url)), why
        ),
        "give --central https://HOST:PORT"
    );
}

bool is_loopback(const std::string& host) {
    if (host == "localhost") {
        return true;
    }
    boost::system::error_code not_an_address;
    const auto address = asio::ip::make_address(host, not_an_address);
    return !not_an_address && address.is_loopback();
}

Error unreachable(const CentralAddress& address, const std::string& what) {
    return Error(
        ErrorKind::unreachable,
        "central_unreachable",
        fmt::format("{}:{} {}", address.host, address.port, what),
        "check the network, the address and that tapline-central serve runs; pours are kept "
        "meanwhile"
    );
}

Error no_handshake(
    const CentralAddress& address, const ServerCheck& check, const std::string& failure
) {
    if (check.code.empty()) {
        return unreachable(address, fmt::format("speaks no TLS with us: {}", failure));
    }
    const char* hint =
        "something else answers there, or central has another authority: ask the "
        "operator before enrolling again";
    if (check.code == "wrong_host") {
        hint = "use a name that central's certificate has: `tapline-central tls show`";
    } else if (check.code == "server_certificate_dates") {
        hint = "compare the date of this device with central's; then `tapline-central tls renew`";
    }
    return Error(
        ErrorKind::unreachable,
        check.code,
        fmt::format(
            "the server at {}:{} isn't believed: {}", address.host, address.port, check.why
        ),
        hint
    );
}

}  // namespace

CentralAddress parse_central_url(const std::string& url) {
    CentralAddress address;
    std::string rest = url;
    address.tls = rest.starts_with("https://");
    if (!address.tls && !rest.starts_with("http://")) {
        refuse_url(url, "it must start with https://");
    }
    rest.erase(0, rest.find("//") + 2);
    if (rest.ends_with('/')) {
        rest.pop_back();
    }
    if (rest.find_first_of("/?#@ ") != std::string::npos) {
        refuse_url(url, "only a host and a port are expected");
    }
    std::size_t colon = rest.rfind(':');
    if (rest.starts_with('[')) {
        const std::size_t bracket = rest.find(']');
        if (bracket == std::string::npos) {
            refuse_url(url, "the ']' of the address is missing");
        }
        address.host = rest.substr(1, bracket - 1);
        colon = rest.find(':', bracket);
    } else {
        address.host = rest.substr(0, colon);
    }
    const std::string usual = address.tls ? "443" : "80";
    address.port = colon == std::string::npos ? usual : rest.substr(colon + 1);
    const bool digits = !address.port.empty() && address.port.size() <= 5 &&
                        address.port.find_first_not_of("0123456789") == std::string::npos;
    if (!digits || std::stoi(address.port) < 1 || std::stoi(address.port) > 65'535) {
        refuse_url(url, "the port must be a number from 1 to 65535");
    }
    if (address.host.empty()) {
        refuse_url(url, "the host is missing");
    }
    if (!address.tls && !is_loopback(address.host)) {
        refuse_url(url, "without TLS only the loopback may be used");
    }
    return address;
}

class HttpsTransport::Connection {
  public:
    Connection(
        const asio::any_io_executor& executor,
        std::shared_ptr<const Credentials> credentials,
        ServerCheck check
    )
        : credentials_(std::move(credentials)),
          check_(std::move(check)),
          stream_(executor, credentials_ ? make_client_context(*credentials_, check_) : nullptr) {}

    [[nodiscard]] Stream& stream() noexcept { return stream_; }

    [[nodiscard]] beast::tcp_stream& tcp() noexcept { return stream_.tcp(); }

    [[nodiscard]] const ServerCheck& check() const noexcept { return check_; }

    [[nodiscard]] const Credentials* credentials() const noexcept { return credentials_.get(); }

    [[nodiscard]] beast::flat_buffer& buffer() noexcept { return buffer_; }

    /// False when the other side has closed it, or sent something nobody asked for.
    [[nodiscard]] bool usable() {
        char byte = 0;
        const auto seen =
            ::recv(stream_.tcp().socket().native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
        return seen < 0 && errno == EAGAIN && buffer_.size() == 0;
    }

  private:
    std::shared_ptr<const Credentials> credentials_;
    ServerCheck check_;  // the stream's context refers to it
    Stream stream_;
    beast::flat_buffer buffer_;
};

HttpsTransport::HttpsTransport(CentralAddress address, TransportLimits limits, TransportTrust trust)
    : address_(std::move(address)), limits_(limits), trust_(std::move(trust)) {}

HttpsTransport::~HttpsTransport() = default;

std::shared_ptr<const Credentials> HttpsTransport::credentials() const {
    return address_.tls && trust_.credentials ? trust_.credentials() : nullptr;
}

asio::awaitable<void> HttpsTransport::connect(std::chrono::milliseconds deadline) {
    auto executor = co_await asio::this_coro::executor;
    const auto shown = credentials();
    ServerCheck check;
    check.host = address_.host;
    if (address_.tls && !shown) {
        throw Error(
            ErrorKind::unreachable,
            "not_enrolled",
            fmt::format("{} wants a certificate, and this device has none", address_.host),
            "enrol it: tapline-agent enroll URL"
        );
    }
    if (shown) {
        check.roots = pki::Certificate::all_from_pem(shown->roots);
        check.pin = shown->pin;
        check.dates_count = !trust_.dates_count || trust_.dates_count();
    }
    auto connection = std::make_unique<Connection>(executor, shown, std::move(check));
    boost::system::error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    std::vector<asio::ip::tcp::endpoint> endpoints;
    const auto literal = asio::ip::make_address(address_.host, failure);
    const bool is_literal = !failure;
    if (is_literal) {
        const auto port = static_cast<std::uint16_t>(std::stoi(address_.port));
        endpoints.emplace_back(literal, port);
    } else {
        // Asio resolves on a thread of its own, which an agent with a literal address never starts.
        asio::ip::tcp::resolver resolver(executor);
        const auto found = co_await resolver.async_resolve(address_.host, address_.port, token);
        if (failure) {
            throw unreachable(address_, fmt::format("has no address: {}", failure.message()));
        }
        endpoints.assign(found.begin(), found.end());
    }
    connection->tcp().expires_after(std::min(limits_.connect, deadline));
    co_await connection->tcp().async_connect(endpoints, token);
    if (failure) {
        throw unreachable(address_, fmt::format("can't be connected to: {}", failure.message()));
    }
    boost::system::error_code ignored;  // without it answers only take a little longer
    connection->tcp().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    if (auto* tls = connection->stream().tls(); tls != nullptr) {
        if (!is_literal) {
            // What SSL_set_tlsext_host_name does, without its C cast.
            std::string name = address_.host;
            SSL_ctrl(
                tls->native_handle(),
                SSL_CTRL_SET_TLSEXT_HOSTNAME,
                TLSEXT_NAMETYPE_host_name,
                name.data()
            );
        }
        co_await tls->async_handshake(asio::ssl::stream_base::client, token);
        if (failure) {
            throw no_handshake(address_, connection->check(), failure.message());
        }
    }
    connection_ = std::move(connection);
}

asio::awaitable<http::Response> HttpsTransport::send(
    http::Request request, std::chrono::milliseconds deadline
) {
    const auto until = std::chrono::steady_clock::now() + deadline;
    const auto newest = credentials();
    if (connection_ && (!connection_->usable() || connection_->credentials() != newest.get())) {
        connection_.reset();
    }
    if (!connection_) {
        auto connecting = connect(deadline);
        co_await std::move(connecting);
    }
    // Only a whole exchange gives the connection back: after anything else it is unusable.
    std::unique_ptr<Connection> connection = std::move(connection_);
    Stream& stream = connection->stream();
    connection->tcp().expires_at(until);

    beast::http::request<beast::http::string_body> message;
    message.method_string(request.method);
    message.target(request.target);
    message.version(11);
    message.set(beast::http::field::host, fmt::format("{}:{}", address_.host, address_.port));
    for (const auto& header : request.headers) {
        message.set(header.name, header.value);
    }
    message.body() = std::move(request.body);
    message.prepare_payload();

    boost::system::error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    co_await beast::http::async_write(stream, message, token);
    // A refusal (413) may be on its way although not all of the request was read: read it anyway.
    const boost::system::error_code write_failure = failure;
    beast::http::response_parser<beast::http::string_body> parser;
    parser.body_limit(limits_.max_answer_bytes);
    parser.header_limit(static_cast<std::uint32_t>(limits_.max_header_bytes));
    co_await beast::http::async_read(stream, connection->buffer(), parser, token);
    if (failure) {
        const auto& why = write_failure ? write_failure : failure;
        throw unreachable(address_, fmt::format("gave no whole answer: {}", why.message()));
    }
    auto answer = parser.release();
    http::Response response(static_cast<int>(answer.result_int()));
    for (const auto& field : answer) {
        http::Header header;
        header.name = std::string(field.name_string());
        header.value = std::string(field.value());
        response.headers.push_back(std::move(header));
    }
    response.body = std::move(answer.body());
    if (answer.keep_alive() && !write_failure) {
        connection->tcp().expires_never();
        connection_ = std::move(connection);
    }
    co_return response;
}

}  // namespace tapline::sync
