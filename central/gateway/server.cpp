#include "central/gateway/server.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "central/gateway/problem.hpp"
#include "central/gateway/server_impl.hpp"
#include "central/gateway/server_rules.hpp"
#include "common/error.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;

namespace tapline::gateway {

namespace {

constexpr int listen_backlog = 1'024;
constexpr std::chrono::milliseconds accept_pause = 100ms;  ///< after EMFILE and the like
/// Connections over the limit that are told so at one time; more are closed without a word.
constexpr std::size_t max_turned_away = 64;

}  // namespace

Server::Impl::Impl(asio::any_io_executor executor, ServerOptions options, Handler handler)
    : options_(std::move(options)),
      handler_(std::move(handler)),
      executor_(executor),
      acceptor_(executor),
      drained_(executor),
      tls_(options_.tls ? make_context(*options_.tls) : nullptr),
      handshakes_(executor, options_.max_handshakes) {
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
            fmt::format(
                "is another tapline-central running there? choose another {}", options_.option
            )
        );
    }
}

Load Server::Impl::load() const noexcept {
    Load now;
    now.connections = sessions_.size();
    now.handshakes = handshakes_.inside();
    now.handshakes_waiting = handshakes_.waiting();
    now.requests = requests_ + stranger_requests_;
    return now;
}

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
        welcome(std::move(socket));
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
    handshakes_.close();
    for (auto& session : sessions_) {
        if (session.idle) {
            session.stream.tcp().close();
        }
    }
}

/// Everything that can be judged before a byte was read, and above all before a handshake: what is
/// refused here costs an accept and a close.
void Server::Impl::welcome(asio::ip::tcp::socket socket) {
    ++tally_.accepted;
    error_code gone;
    const auto from = socket.remote_endpoint(gone);
    if (gone) {
        return;
    }
    std::string place = place_of(from.address());
    const auto known = places_.find(place);
    const std::size_t there = known == places_.end() ? 0 : known->second;
    const bool full = sessions_.size() >= options_.max_connections;
    if (full || there >= options_.max_connections_per_address) {
        tally_.count(full ? Refusal::connections : Refusal::address);
        if (!tls_ && turned_away_.size() < max_turned_away) {
            // With TLS the words would cost a handshake, which is what there is too much of.
            turn_away(std::move(socket));
        }
        return;
    }
    http::Peer peer;
    peer.address = from.address().to_string();
    start(std::move(socket), std::move(peer), std::move(place));
}

void Server::Impl::start(asio::ip::tcp::socket socket, http::Peer peer, std::string place) {
    error_code ignored;  // without it answers only take a little longer
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    const auto session = sessions_.emplace(sessions_.end(), std::move(socket), tls_);
    session->peer = std::move(peer);
    session->place = std::move(place);
    ++places_[session->place];
    asio::co_spawn(executor_, serve(session), [this, session](std::exception_ptr failure) {
        forget(session);
        if (stopping_ && sessions_.empty()) {
            drained_.cancel();
        }
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
}

void Server::Impl::forget(Place session) {
    const auto place = places_.find(session->place);
    if (--place->second == 0) {
        places_.erase(place);
    }
    sessions_.erase(session);
}

void Server::Impl::turn_away(asio::ip::tcp::socket socket) {
    const auto session = turned_away_.emplace(turned_away_.end(), std::move(socket), nullptr);
    auto saying = say(session, too_many_connections());
    asio::co_spawn(executor_, std::move(saying), [this, session](std::exception_ptr failure) {
        turned_away_.erase(session);
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
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

const Tally& Server::tally() const noexcept {
    return impl_->tally();
}

Load Server::load() const noexcept {
    return impl_->load();
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
