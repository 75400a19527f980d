// One connection: handshake, requests, answers; each step with its deadline.
#include <chrono>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "central/gateway/problem.hpp"
#include "central/gateway/server_impl.hpp"
#include "central/gateway/server_rules.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
using namespace std::chrono_literals;
using boost::system::error_code;

namespace tapline::gateway {

namespace {

constexpr std::size_t max_buffer_bytes = std::size_t{64} * 1024;
constexpr std::size_t first_read_bytes = std::size_t{4} * 1024;
/// What an idle connection keeps; a header fits, and a longer request makes room by itself.
constexpr std::size_t idle_read_bytes = std::size_t{1} * 1024;
/// After a refusal the rest of the request is read and thrown away, or the client would see a reset
/// instead of the answer.
constexpr std::size_t max_lingering_bytes = std::size_t{4} * 1024 * 1024;
constexpr std::chrono::milliseconds lingering_deadline = 2s;
constexpr std::size_t scratch_bytes = std::size_t{16} * 1024;

/// One more while it lives.
class Counted {
  public:
    explicit Counted(std::size_t& count) : count_(count) { ++count_; }

    ~Counted() { --count_; }

    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

  private:
    std::size_t& count_;
};

/// Over TLS, and no device of ours: all it can do is ask to be enrolled.
bool is_stranger(const http::Peer& peer) {
    return peer.tls && peer.certificate != http::Peer::Certificate::ours;
}

}  // namespace

Server::Impl::Session::Session(asio::ip::tcp::socket socket, TlsContext tls)
    : stream(std::move(socket), std::move(tls)), buffer(max_buffer_bytes) {}

asio::awaitable<void> Server::Impl::serve(Place session) {
    auto shaking = shake_hands(session);
    const bool agreed = co_await std::move(shaking);
    if (agreed && !admit_device(session)) {
        auto saying = say(session, too_many_connections());
        co_await std::move(saying);
        co_return;
    }
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

/// The first bytes: who stays silent, or talks plain HTTP, takes no handshake's place.
asio::awaitable<bool> Server::Impl::hear_hello(Place session) {
    error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    auto space = session->buffer.prepare(first_read_bytes);
    const std::size_t bytes = co_await session->stream.tcp().async_read_some(space, token);
    session->buffer.commit(bytes);
    if (failure) {
        tally_.count(HandshakeFault::silent);
        co_return false;
    }
    constexpr char handshake_record = 22;  // RFC 8446, 5.1
    if (*static_cast<const char*>(session->buffer.data().data()) != handshake_record) {
        tally_.count(HandshakeFault::not_tls);
        co_return false;
    }
    co_return true;
}

asio::awaitable<bool> Server::Impl::shake_hands(Place session) {
    auto* tls = session->stream.tls();
    if (tls == nullptr) {
        co_return true;
    }
    const auto until = std::chrono::steady_clock::now() + options_.handshake_deadline;
    session->stream.tcp().expires_at(until);
    auto hearing = hear_hello(session);
    const bool heard = co_await std::move(hearing);
    if (!heard) {
        co_return false;
    }
    auto entering = handshakes_.enter(until);
    const bool entered = co_await std::move(entering);
    if (!entered) {
        tally_.count(Refusal::handshakes);
        co_return false;
    }
    const Inside inside(handshakes_);
    auto foreign = std::make_shared<bool>(false);
    tls->set_verify_callback([foreign](bool good, asio::ssl::verify_context& chain) {
        return look_at(good, chain, *foreign);
    });
    error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    const auto said = session->buffer.cdata();
    session->stream.tcp().expires_at(until);
    const auto server_side = asio::ssl::stream_base::server;
    const std::size_t taken = co_await tls->async_handshake(server_side, said, token);
    session->buffer.consume(taken);
    if (failure || session->buffer.size() > 0) {
        const bool late = failure == beast::error::timeout;
        tally_.count(late ? HandshakeFault::too_slow : HandshakeFault::broken);
        spdlog::debug("no TLS handshake: {}", failure.message());
        co_return false;
    }
    ++tally_.handshakes;
    std::string address = std::move(session->peer.address);
    session->peer = peer_of(tls->native_handle(), *foreign);
    session->peer.address = std::move(address);
    co_return true;
}

/// A device whose connection broke without a word comes again long before the old one is found
/// dead: so the oldest of its idle ones makes room.
bool Server::Impl::admit_device(Place session) {
    if (session->peer.certificate != http::Peer::Certificate::ours) {
        return true;
    }
    std::size_t there = 0;
    Session* oldest = nullptr;
    for (auto& other : sessions_) {
        if (other.device == session->peer.name) {
            ++there;
            oldest = oldest == nullptr && other.idle ? &other : oldest;
        }
    }
    if (there >= options_.max_connections_per_device) {
        tally_.count(Refusal::device);
        if (oldest == nullptr) {
            return false;
        }
        oldest->device.clear();
        oldest->stream.tcp().close();
    }
    session->device = session->peer.name;
    return true;
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
    session->buffer.shrink_to_fit();
    auto space = session->buffer.prepare(idle_read_bytes);
    const std::size_t bytes = co_await session->stream.async_read_some(space, token);
    session->buffer.commit(bytes);
    if (failure == beast::error::timeout) {
        tally_.count(Deadline::idle);
    }
    co_return !failure;
}

asio::awaitable<bool> Server::Impl::serve_one(Place session) {
    const bool stranger = is_stranger(session->peer);
    auto parser = std::make_shared<Parser>();
    parser->header_limit(static_cast<std::uint32_t>(options_.max_header_bytes));
    parser->body_limit(stranger ? options_.max_stranger_body_bytes : options_.max_body_bytes);
    session->stream.tcp().expires_after(options_.read_deadline);
    error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    co_await beast::http::async_read_header(session->stream, session->buffer, *parser, token);
    if (failure) {
        auto giving_up = give_up(session, failure);
        co_return co_await std::move(giving_up);
    }
    if (parser->is_done()) {
        auto answering = answer(session, parser->release());
        co_return co_await std::move(answering);
    }
    const std::size_t places = stranger ? options_.max_stranger_requests : options_.max_requests;
    std::size_t& taken = stranger ? stranger_requests_ : requests_;
    if (taken >= places) {
        auto refusing = refuse_body(session, std::move(parser));
        co_return co_await std::move(refusing);
    }
    const Counted counted(taken);
    auto serving = serve_body(session, std::move(parser));
    co_return co_await std::move(serving);
}

asio::awaitable<bool> Server::Impl::serve_body(Place session, std::shared_ptr<Parser> parser) {
    error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    if (beast::iequals(parser->get()[beast::http::field::expect], "100-continue")) {
        beast::http::response<beast::http::empty_body> go_on(beast::http::status::continue_, 11);
        co_await beast::http::async_write(session->stream, go_on, token);
    }
    if (!failure) {
        co_await beast::http::async_read(session->stream, session->buffer, *parser, token);
    }
    if (failure) {
        auto giving_up = give_up(session, failure);
        co_return co_await std::move(giving_up);
    }
    auto answering = answer(session, parser->release());
    co_return co_await std::move(answering);
}

/// Reads the body into nowhere and keeps the connection: another one would cost a handshake, and
/// there is too much to do already.
asio::awaitable<bool> Server::Impl::refuse_body(Place session, std::shared_ptr<Parser> parser) {
    const auto spread = static_cast<unsigned>(options_.retry_spread.count());
    const std::chrono::seconds later(1 + spread_() % std::max(spread, 1U));
    const auto problem = too_many_requests(later);
    ++tally_.requests_refused[problem.code];
    if (parser->get().find(beast::http::field::expect) != parser->get().end()) {
        // It waits for a word before it sends the body, and this is the word.
        auto saying = say(session, problem);
        co_await std::move(saying);
        co_return false;
    }
    beast::http::request_parser<beast::http::buffer_body> rest(std::move(*parser));
    std::vector<char> scratch(scratch_bytes);
    error_code failure;
    auto token = asio::redirect_error(asio::use_awaitable, failure);
    while (!failure && !rest.is_done()) {
        rest.get().body().data = scratch.data();
        rest.get().body().size = scratch.size();
        co_await beast::http::async_read(session->stream, session->buffer, rest, token);
        if (failure == beast::http::error::need_buffer) {
            failure = {};
        }
    }
    if (failure) {
        auto giving_up = give_up(session, failure);
        co_return co_await std::move(giving_up);
    }
    auto writing = write(session, to_response(problem), 11, rest.get().keep_alive());
    co_return co_await std::move(writing);
}

/// What can't be read any further; always false.
asio::awaitable<bool> Server::Impl::give_up(Place session, error_code failure) {
    if (failure == beast::error::timeout) {
        tally_.count(Deadline::request);
    }
    const bool stranger = is_stranger(session->peer);
    const auto problem = problem_of(
        failure,
        options_.max_header_bytes,
        stranger ? options_.max_stranger_body_bytes : options_.max_body_bytes
    );
    if (problem) {
        ++tally_.requests_refused[problem->code];
        spdlog::info("refused a request: {} {}", problem->status, problem->code);
        auto saying = say(session, *problem);
        co_await std::move(saying);
    }
    co_return false;
}

asio::awaitable<void> Server::Impl::say(Place session, wire::Problem problem) {
    auto writing = write(session, to_response(problem), 11, false);
    static_cast<void>(co_await std::move(writing));
    auto lingering = linger(session);
    co_await std::move(lingering);
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
    if (failure == beast::error::timeout) {
        tally_.count(Deadline::answer);
    }
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

}  // namespace tapline::gateway
