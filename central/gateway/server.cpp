#include "central/gateway/server.hpp"

#include <list>
#include <optional>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "central/gateway/problem.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
using namespace std::chrono_literals;
using boost::system::error_code;

namespace tapline::gateway {

namespace {

// The one place that names the stream; TLS comes in here and in Impl::serve's handshake.
using Stream = beast::tcp_stream;

constexpr std::size_t max_buffer_bytes = std::size_t{64} * 1024;
constexpr std::size_t first_read_bytes = std::size_t{4} * 1024;
constexpr int listen_backlog = 1'024;
constexpr std::chrono::milliseconds accept_pause = 100ms;  ///< after EMFILE and the like
/// Connections over the limit that are told so at one time; more are closed without a word.
constexpr std::size_t max_turned_away = 64;
/// After a refusal the rest of the request is read and thrown away, or the client would see a reset
/// instead of the answer.
constexpr std::size_t max_lingering_bytes = std::size_t{4} * 1024 * 1024;
constexpr std::chrono::milliseconds lingering_deadline = 2s;

asio::ip::tcp::endpoint endpoint_of(const ServerOptions& options) {
    error_code failure;
    const auto address = asio::ip::make_address(options.address, failure);
    if (failure || !address.is_loopback()) {
        throw Error(
            ErrorKind::usage,
            "listen_address",
            fmt::format("the gateway can't listen at {}", printable(options.address)),
            "without TLS only a loopback address may be used: 127.0.0.1 or ::1"
        );
    }
    return {address, options.port};
}

/// The answer to what isn't a request of ours; nullopt when the connection just ended.
std::optional<wire::Problem> problem_of(const error_code& failure, const ServerOptions& options) {
    namespace errors = beast::http;
    if (failure == errors::error::body_limit) {
        return oversized(options.max_body_bytes);
    }
    if (failure == errors::error::header_limit || failure == errors::error::buffer_overflow) {
        return header_too_large(options.max_header_bytes);
    }
    const bool ended =
        failure == errors::error::end_of_stream || failure == errors::error::partial_message;
    if (!ended &&
        failure.category() == errors::make_error_code(errors::error::bad_method).category()) {
        return bad_http(failure.message());
    }
    return std::nullopt;
}

}  // namespace

class Server::Impl {
  public:
    Impl(asio::any_io_executor executor, ServerOptions options, Handler handler)
        : options_(std::move(options)),
          handler_(std::move(handler)),
          executor_(executor),
          acceptor_(executor),
          drained_(executor) {
        const auto endpoint = endpoint_of(options_);
        try {
            acceptor_.open(endpoint.protocol());
            acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address(true));
            acceptor_.bind(endpoint);
            acceptor_.listen(listen_backlog);
            port_ = acceptor_.local_endpoint().port();
        } catch (const boost::system::system_error& failure) {
            throw Error(
                ErrorKind::unreachable,
                "listen",
                fmt::format(
                    "can't listen at {}:{}: {}",
                    options_.address,
                    options_.port,
                    failure.code().message()
                ),
                "is another tapline-central running there? choose another --listen"
            );
        }
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    [[nodiscard]] std::size_t connections() const noexcept { return sessions_.size(); }

    asio::awaitable<void> run();
    void stop();

  private:
    /// One connection. Lives in sessions_, which is how stop() finds the idle ones.
    struct Session {
        explicit Session(asio::ip::tcp::socket socket) : stream(std::move(socket)) {}

        Stream stream;
        beast::flat_buffer buffer{max_buffer_bytes};
        bool idle = true;
        int served = 0;
    };

    using Place = std::list<Session>::iterator;
    using Request = beast::http::request<beast::http::string_body>;

    void start(asio::ip::tcp::socket socket);
    void turn_away(asio::ip::tcp::socket socket);
    asio::awaitable<void> serve(Place session);
    [[nodiscard]] asio::awaitable<bool> wait_for_bytes(Place session);
    [[nodiscard]] asio::awaitable<bool> serve_one(Place session);
    [[nodiscard]] asio::awaitable<http::Response> answer(http::Request request);
    [[nodiscard]] asio::awaitable<bool> write(
        Place session, http::Response response, unsigned version, bool keep
    );
    asio::awaitable<void> say_busy(Place session);
    asio::awaitable<void> linger(Place session);

    ServerOptions options_;
    Handler handler_;
    asio::any_io_executor executor_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer drained_;
    std::list<Session> sessions_;
    std::list<Session> turned_away_;
    std::uint16_t port_ = 0;
    bool stopping_ = false;
};

asio::awaitable<void> Server::Impl::run() {
    error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    asio::steady_timer pause(executor_);
    while (!stopping_) {
        asio::ip::tcp::socket socket(executor_);
        co_await acceptor_.async_accept(socket, token);
        if (stopping_) {
            break;
        }
        if (failure) {
            spdlog::warn("can't accept a connection: {}", failure.message());
            pause.expires_after(accept_pause);
            co_await pause.async_wait(token);
            continue;
        }
        if (sessions_.size() < options_.max_connections) {
            start(std::move(socket));
        } else if (turned_away_.size() < max_turned_away) {
            turn_away(std::move(socket));
        }
    }
    drained_.expires_after(options_.drain_deadline);
    if (!sessions_.empty()) {
        co_await drained_.async_wait(token);
    }
    for (auto& session : sessions_) {
        session.stream.close();
    }
}

void Server::Impl::stop() {
    stopping_ = true;
    error_code ignored;  // it is closed either way
    acceptor_.close(ignored);
    for (auto& session : sessions_) {
        if (session.idle) {
            session.stream.close();
        }
    }
}

void Server::Impl::start(asio::ip::tcp::socket socket) {
    error_code ignored;  // without it answers only take a little longer
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    const auto session = sessions_.emplace(sessions_.end(), std::move(socket));
    asio::co_spawn(executor_, serve(session), [this, session](std::exception_ptr failure) {
        sessions_.erase(session);
        if (stopping_ && sessions_.empty()) {
            drained_.cancel();
        }
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
}

void Server::Impl::turn_away(asio::ip::tcp::socket socket) {
    const auto session = turned_away_.emplace(turned_away_.end(), std::move(socket));
    asio::co_spawn(executor_, say_busy(session), [this, session](std::exception_ptr failure) {
        turned_away_.erase(session);
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
}

asio::awaitable<void> Server::Impl::say_busy(Place session) {
    auto writing = write(session, to_response(too_many_connections()), 11, false);
    static_cast<void>(co_await std::move(writing));
    auto lingering = linger(session);
    co_await std::move(lingering);
}

asio::awaitable<void> Server::Impl::serve(Place session) {
    while (!stopping_) {
        session->idle = true;
        auto waiting = wait_for_bytes(session);
        const bool arrived = co_await std::move(waiting);
        if (!arrived) {
            co_return;
        }
        session->idle = false;
        auto serving = serve_one(session);
        const bool keep = co_await std::move(serving);
        if (!keep) {
            break;
        }
        ++session->served;
    }
    error_code ignored;  // the client may have gone already
    session->stream.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
}

/// A fresh connection gets the time of a request, a kept one may be idle for longer.
asio::awaitable<bool> Server::Impl::wait_for_bytes(Place session) {
    if (session->buffer.size() > 0) {
        co_return true;
    }
    const bool fresh = session->served == 0;
    session->stream.expires_after(fresh ? options_.read_deadline : options_.idle_timeout);
    error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    auto space = session->buffer.prepare(first_read_bytes);
    const std::size_t bytes = co_await session->stream.async_read_some(space, token);
    session->buffer.commit(bytes);
    co_return !failure;
}

asio::awaitable<bool> Server::Impl::serve_one(Place session) {
    beast::http::request_parser<beast::http::string_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(options_.max_header_bytes));
    parser.body_limit(options_.max_body_bytes);
    session->stream.expires_after(options_.read_deadline);
    error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    co_await beast::http::async_read_header(session->stream, session->buffer, parser, token);
    if (!failure && beast::iequals(parser.get()[beast::http::field::expect], "100-continue")) {
        beast::http::response<beast::http::empty_body> go_on(beast::http::status::continue_, 11);
        co_await beast::http::async_write(session->stream, go_on, token);
    }
    if (!failure) {
        co_await beast::http::async_read(session->stream, session->buffer, parser, token);
    }
    if (failure) {
        const auto problem = problem_of(failure, options_);
        if (problem) {
            spdlog::info("refused a request: {} {}", problem->status, problem->code);
            auto writing = write(session, to_response(*problem), 11, false);
            static_cast<void>(co_await std::move(writing));
            auto lingering = linger(session);
            co_await std::move(lingering);
        }
        co_return false;
    }
    Request message = parser.release();
    const bool keep = message.keep_alive();
    const bool head = message.method() == beast::http::verb::head;
    const unsigned version = message.version();
    http::Request request(std::string(message.method_string()), std::string(message.target()));
    for (const auto& field : message) {
        http::Header header;
        header.name = std::string(field.name_string());
        header.value = std::string(field.value());
        request.headers.push_back(std::move(header));
    }
    request.body = std::move(message.body());
    auto answering = answer(std::move(request));
    http::Response response = co_await std::move(answering);
    if (head) {
        response.body.clear();
    }
    auto writing = write(session, std::move(response), version, keep);
    co_return co_await std::move(writing);
}

/// One request: the only line that it logs, and the only place that its failure can reach.
asio::awaitable<http::Response> Server::Impl::answer(http::Request request) {
    const std::string what = printable(fmt::format("{} {}", request.method, request.target));
    const auto started = std::chrono::steady_clock::now();
    http::Response response;
    std::string why;
    try {
        auto handling = handler_(std::move(request));
        response = co_await std::move(handling);
    } catch (const std::exception& failure) {
        why = failure.what();
        response = to_response(internal());
    }
    const auto took = std::chrono::steady_clock::now() - started;
    const auto took_ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
    if (!why.empty()) {
        spdlog::error("{}: {}", what, printable(why));
    } else if (response.status >= 400) {
        spdlog::info(
            "{}: {} in {} ms: {}", what, response.status, took_ms, printable(response.body)
        );
    } else {
        spdlog::debug("{}: {} in {} ms", what, response.status, took_ms);
    }
    co_return response;
}

/// True when the connection may serve another request.
asio::awaitable<bool> Server::Impl::write(
    Place session, http::Response response, unsigned version, bool keep
) {
    beast::http::response<beast::http::string_body> message;
    message.result(static_cast<unsigned>(response.status));
    message.version(version);
    for (const auto& header : response.headers) {
        message.set(header.name, header.value);
    }
    message.set(beast::http::field::server, "tapline");
    message.keep_alive(keep && !stopping_);
    message.body() = std::move(response.body);
    message.prepare_payload();
    session->stream.expires_after(options_.write_deadline);
    error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    co_await beast::http::async_write(session->stream, message, token);
    co_return !failure && message.keep_alive();
}

asio::awaitable<void> Server::Impl::linger(Place session) {
    error_code failure;
    session->stream.socket().shutdown(asio::ip::tcp::socket::shutdown_send, failure);
    session->stream.expires_after(lingering_deadline);
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    std::size_t dropped = 0;
    session->buffer.clear();
    while (!failure && dropped < max_lingering_bytes) {
        auto space = session->buffer.prepare(max_buffer_bytes);
        dropped += co_await session->stream.async_read_some(space, token);
    }
}

Server::Server(asio::any_io_executor io, ServerOptions options, Handler handler)
    : impl_(std::make_unique<Impl>(std::move(io), std::move(options), std::move(handler))) {}

Server::~Server() = default;

std::uint16_t Server::port() const noexcept {
    return impl_->port();
}

std::size_t Server::connections() const noexcept {
    return impl_->connections();
}

asio::awaitable<void> Server::run() {
    return impl_->run();
}

void Server::stop() {
    impl_->stop();
}

}  // namespace tapline::gateway
