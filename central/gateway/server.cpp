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
#include "central/gateway/server_rules.hpp"
#include "common/error.hpp"
#include "common/log.hpp"
#include "common/tls_stream.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
using namespace std::chrono_literals;
using boost::system::error_code;

namespace tapline::gateway {

namespace {

using Stream = TlsStream<beast::tcp_stream>;

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

}  // namespace

class Server::Impl {
  public:
    Impl(asio::any_io_executor executor, ServerOptions options, Handler handler)
        : options_(std::move(options)),
          handler_(std::move(handler)),
          executor_(executor),
          acceptor_(executor),
          drained_(executor),
          tls_(options_.tls ? make_context(*options_.tls) : nullptr) {
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

    void use(const ServerTls& tls) { tls_ = make_context(tls); }

  private:
    /// One connection. Lives in sessions_, which is how stop() finds the idle ones.
    struct Session {
        Session(asio::ip::tcp::socket socket, TlsContext tls)
            : stream(std::move(socket), std::move(tls)) {}

        Stream stream;
        beast::flat_buffer buffer{max_buffer_bytes};
        http::Peer peer;
        bool idle = true;
        int served = 0;
    };

    using Place = std::list<Session>::iterator;
    using Request = beast::http::request<beast::http::string_body>;

    void start(asio::ip::tcp::socket socket);
    void turn_away(asio::ip::tcp::socket socket);
    asio::awaitable<void> serve(Place session);
    [[nodiscard]] asio::awaitable<bool> shake_hands(Place session);
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
    TlsContext tls_;
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
        } else if (!tls_ && turned_away_.size() < max_turned_away) {
            // With TLS the words would cost a handshake, which is what there is too much of.
            turn_away(std::move(socket));
        }
    }
    drained_.expires_after(options_.drain_deadline);
    if (!sessions_.empty()) {
        co_await drained_.async_wait(token);
    }
    for (auto& session : sessions_) {
        session.stream.tcp().close();
    }
}

void Server::Impl::stop() {
    stopping_ = true;
    error_code ignored;  // it is closed either way
    acceptor_.close(ignored);
    for (auto& session : sessions_) {
        if (session.idle) {
            session.stream.tcp().close();
        }
    }
}

void Server::Impl::start(asio::ip::tcp::socket socket) {
    error_code ignored;  // without it answers only take a little longer
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    const auto session = sessions_.emplace(sessions_.end(), std::move(socket), tls_);
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
    const auto session = turned_away_.emplace(turned_away_.end(), std::move(socket), nullptr);
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

asio::awaitable<bool> Server::Impl::shake_hands(Place session) {
    error_code failure;
    if (auto* tls = session->stream.tls(); tls != nullptr) {
        auto foreign = std::make_shared<bool>(false);
        tls->set_verify_callback([foreign](bool good, asio::ssl::verify_context& chain) {
            return look_at(good, chain, *foreign);
        });
        session->stream.tcp().expires_after(options_.read_deadline);
        auto token = asio::redirect_error(asio::use_awaitable, failure);
        co_await tls->async_handshake(asio::ssl::stream_base::server, token);
        if (failure) {
            spdlog::debug("no TLS handshake: {}", failure.message());
            co_return false;
        }
        session->peer = peer_of(tls->native_handle(), *foreign);
    }
    const auto from = session->stream.tcp().socket().remote_endpoint(failure);
    session->peer.address = failure ? std::string("?") : from.address().to_string();
    co_return true;
}

asio::awaitable<void> Server::Impl::serve(Place session) {
    auto shaking = shake_hands(session);
    const bool agreed = co_await std::move(shaking);
    while (agreed && !stopping_) {
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
    session->stream.tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
}

/// A fresh connection gets the time of a request, a kept one may be idle for longer.
asio::awaitable<bool> Server::Impl::wait_for_bytes(Place session) {
    if (session->buffer.size() > 0) {
        co_return true;
    }
    const bool fresh = session->served == 0;
    session->stream.tcp().expires_after(fresh ? options_.read_deadline : options_.idle_timeout);
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
    session->stream.tcp().expires_after(options_.read_deadline);
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
    request.peer = session->peer;
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
    session->stream.tcp().expires_after(options_.write_deadline);
    error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    co_await beast::http::async_write(session->stream, message, token);
    co_return !failure && message.keep_alive();
}

asio::awaitable<void> Server::Impl::linger(Place session) {
    error_code failure;
    session->stream.tcp().socket().shutdown(asio::ip::tcp::socket::shutdown_send, failure);
    session->stream.tcp().expires_after(lingering_deadline);
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    std::size_t dropped = 0;
    session->buffer.clear();
    while (!failure && dropped < max_lingering_bytes) {
        auto space = session->buffer.prepare(max_buffer_bytes);
        dropped += co_await session->stream.tcp().async_read_some(space, token);
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

void Server::use(const ServerTls& tls) {
    impl_->use(tls);
}

}  // namespace tapline::gateway
