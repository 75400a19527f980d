// Private to central/gateway/server*: the state behind Server. server.cpp accepts and ends
// connections, server_session.cpp serves one.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <random>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>

#include "central/gateway/server.hpp"
#include "central/gateway/turnstile.hpp"
#include "common/tls_stream.hpp"

namespace tapline::gateway {

class Server::Impl {
  public:
    Impl(boost::asio::any_io_executor executor, ServerOptions options, Handler handler);

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    [[nodiscard]] std::size_t connections() const noexcept { return sessions_.size(); }

    [[nodiscard]] const Tally& tally() const noexcept { return tally_; }

    [[nodiscard]] Load load() const noexcept;
    boost::asio::awaitable<void> run();
    void stop();

    void use(const ServerTls& tls) { tls_ = make_context(tls); }

  private:
    /// One connection. Lives in sessions_, which is how stop() finds the idle ones.
    struct Session {
        Session(boost::asio::ip::tcp::socket socket, TlsContext tls);

        TlsStream<boost::beast::tcp_stream> stream;
        boost::beast::flat_buffer buffer;
        http::Peer peer;
        std::string place;   ///< what its address counts as
        std::string device;  ///< empty: none that counts
        bool idle = true;
        int served = 0;
    };

    using Place = std::list<Session>::iterator;
    using Request = boost::beast::http::request<boost::beast::http::string_body>;
    using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

    void welcome(boost::asio::ip::tcp::socket socket);
    void start(boost::asio::ip::tcp::socket socket, http::Peer peer, std::string place);
    void turn_away(boost::asio::ip::tcp::socket socket);
    void forget(Place session);
    boost::asio::awaitable<void> serve(Place session);
    [[nodiscard]] boost::asio::awaitable<bool> shake_hands(Place session);
    [[nodiscard]] boost::asio::awaitable<bool> hear_hello(Place session);
    /// False: this device has as many connections as it may, and none of them is idle.
    [[nodiscard]] bool admit_device(Place session);
    [[nodiscard]] boost::asio::awaitable<bool> wait_for_bytes(Place session);
    [[nodiscard]] boost::asio::awaitable<bool> serve_one(Place session);
    /// The rest of a request whose header was read; false when the connection is of no more use.
    [[nodiscard]] boost::asio::awaitable<bool> serve_body(
        Place session, std::shared_ptr<Parser> parser
    );
    [[nodiscard]] boost::asio::awaitable<bool> refuse_body(
        Place session, std::shared_ptr<Parser> parser
    );
    [[nodiscard]] boost::asio::awaitable<bool> answer(Place session, Request message);
    [[nodiscard]] boost::asio::awaitable<bool> give_up(
        Place session, boost::system::error_code failure
    );
    [[nodiscard]] boost::asio::awaitable<http::Response> handle(http::Request request);
    [[nodiscard]] boost::asio::awaitable<bool> write(
        Place session, http::Response response, unsigned version, bool keep
    );
    boost::asio::awaitable<void> say(Place session, wire::Problem problem);
    boost::asio::awaitable<void> linger(Place session);

    ServerOptions options_;
    Handler handler_;
    boost::asio::any_io_executor executor_;
    boost::asio::ip::tcp::acceptor acceptor_;
    boost::asio::steady_timer drained_;
    TlsContext tls_;
    Turnstile handshakes_;
    Tally tally_;
    std::size_t requests_ = 0;
    std::size_t stranger_requests_ = 0;
    std::minstd_rand spread_{std::random_device{}()};
    std::map<std::string, std::size_t> places_;
    std::list<Session> sessions_;
    std::list<Session> turned_away_;
    std::uint16_t port_ = 0;
    bool stopping_ = false;
};

}  // namespace tapline::gateway
