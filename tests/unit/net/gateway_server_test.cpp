#include <array>
#include <atomic>
#include <future>
#include <list>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <catch2/catch.hpp>

#include "central/gateway/routes.hpp"
#include "central/gateway/server.hpp"
#include "common/error.hpp"
#include "tests/support/gateway.hpp"
#include "tests/support/raw_client.hpp"

using namespace std::chrono_literals;
using tapline::test::Gateway;
using tapline::test::RawClient;

namespace {

const std::string health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";

std::string post(const std::string& body, const std::string& more = "") {
    return "POST /v1/journals/11111111-2222-4333-8444-555555555555/1/pours HTTP/1.1\r\nHost: x\r\n"
           "Content-Type: application/json\r\nTapline-Controller: tap-1\r\n" +
           more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string batch() {
    tapline::wire::Batch batch;
    batch.revision = "j0001";
    batch.first_seq = 1;
    batch.last_seq = 1;
    tapline::RawPour row;
    row.seq = 1;
    batch.rows.push_back(row);
    return tapline::wire::encode(batch);
}

}  // namespace

TEST_CASE("Server: a kept connection serves one request after the other") {
    Gateway gateway;
    RawClient client(gateway.server.port());
    for (int i = 0; i < 5; ++i) {
        REQUIRE(client.say(post(batch())));
        CHECK(client.hear_answer().starts_with("HTTP/1.1 200"));
    }
    CHECK(gateway.connections() == 1);
}

TEST_CASE("Server: Connection: close and HTTP/1.0 end the connection after the answer") {
    Gateway gateway;
    const auto request = GENERATE(
        as<std::string>{},
        "GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /healthz HTTP/1.0\r\n\r\n"
    );
    RawClient client(gateway.server.port());
    client.say(request);
    CHECK(client.hear().ends_with("ok\n"));
    CHECK_FALSE(client.was_reset());
}

TEST_CASE("Server: requests sent ahead are answered in order, garbage behind them is refused") {
    Gateway gateway;
    RawClient client(gateway.server.port());
    client.say(health + health + "\x01\x02 garbage\r\n\r\n");
    const std::string heard = client.hear();
    CHECK(heard.find("ok\nHTTP/1.1 200") != std::string::npos);
    CHECK(heard.find("HTTP/1.1 400") != std::string::npos);
    CHECK(heard.find("bad_http") != std::string::npos);
    CHECK_FALSE(client.was_reset());
}

TEST_CASE("Server: a body over the limit gets its 413 although the client goes on writing") {
    Gateway gateway;
    RawClient client(gateway.server.port());
    client.say(post(std::string(tapline::wire::max_body_bytes + 1, ' ')));
    const std::string heard = client.hear();
    CHECK(heard.starts_with("HTTP/1.1 413"));
    CHECK(heard.find("\"split\"") != std::string::npos);
    CHECK_FALSE(client.was_reset());
}

TEST_CASE("Server: a chunked body is measured too") {
    Gateway gateway;
    RawClient client(gateway.server.port());
    client.say("POST /v1/hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk = "10000\r\n" + std::string(65'536, ' ') + "\r\n";
    for (int i = 0; i < 20 && client.say(chunk); ++i) {
    }
    CHECK(client.hear().starts_with("HTTP/1.1 413"));
}

TEST_CASE("Server: a body of exactly the limit is read") {
    Gateway gateway;
    RawClient client(gateway.server.port());
    client.say(post(std::string(tapline::wire::max_body_bytes, ' ')));
    CHECK(client.hear_answer().starts_with("HTTP/1.1 400"));  // it isn't JSON, but it was read
}

TEST_CASE("Server: a header over 8 KiB is refused") {
    Gateway gateway;
    RawClient client(gateway.server.port());
    client.say("GET /healthz HTTP/1.1\r\nX: " + std::string(9'000, 'x') + "\r\n\r\n");
    CHECK(client.hear().starts_with("HTTP/1.1 431"));
}

TEST_CASE("Server: truncated JSON in a whole body is 400, and the connection lives on") {
    Gateway gateway;
    RawClient client(gateway.server.port());
    const std::string body = batch();
    client.say(post(body.substr(0, body.size() / 2)));
    CHECK(client.hear_answer().find("malformed") != std::string::npos);
    client.say(post(body));
    CHECK(client.hear_answer().starts_with("HTTP/1.1 200"));
}

TEST_CASE("Server: a slow request ends at the read deadline, whatever it is slow with") {
    tapline::gateway::ServerOptions options;
    options.read_deadline = 400ms;
    Gateway gateway(options);
    const auto start = GENERATE_COPY(
        std::string(), std::string("GET /hea"), post(std::string(100, ' ')).substr(0, 240)
    );
    RawClient client(gateway.server.port());
    const auto began = std::chrono::steady_clock::now();
    client.say(start);
    std::thread drip([&] {
        for (int i = 0; i < 60 && client.say(start.empty() ? "" : " "); ++i) {
            std::this_thread::sleep_for(50ms);
        }
    });
    client.hear();
    const auto took = std::chrono::steady_clock::now() - began;
    drip.join();
    CHECK(took < 2'500ms);
    CHECK(gateway.backend.calls == 0);
}

TEST_CASE("Server: an idle connection is closed after its time, not sooner") {
    tapline::gateway::ServerOptions options;
    options.read_deadline = 200ms;
    options.idle_timeout = 600ms;
    Gateway gateway(options);
    RawClient client(gateway.server.port());
    client.say(health);
    client.hear_answer();
    std::this_thread::sleep_for(400ms);
    client.say(health);
    CHECK(client.hear_answer().ends_with("ok\n"));
    CHECK(client.hear().empty());
    CHECK_FALSE(client.was_reset());
}

TEST_CASE("Server: a client that closed its half still gets the answer") {
    Gateway gateway;
    RawClient client(gateway.server.port());
    client.say(post(batch()));
    client.half_close();
    CHECK(client.hear().starts_with("HTTP/1.1 200"));
}

TEST_CASE("Server: a client that dies in mid-request costs nothing") {
    Gateway gateway;
    for (int i = 0; i < 20; ++i) {
        RawClient client(gateway.server.port());
        client.say(post(batch()).substr(0, 150));
    }
    RawClient client(gateway.server.port());
    client.say(health);
    CHECK(client.hear_answer().ends_with("ok\n"));
    CHECK(gateway.backend.calls == 0);
    for (int i = 0; i < 200 && gateway.connections() > 1; ++i) {
        std::this_thread::sleep_for(10ms);
    }
    CHECK(gateway.connections() == 1);
}

TEST_CASE("Server: Expect: 100-continue is answered before the body comes") {
    Gateway gateway;
    RawClient client(gateway.server.port());
    const std::string whole = post(batch(), "Expect: 100-continue\r\n");
    const auto split = whole.find("\r\n\r\n") + 4;
    client.say(whole.substr(0, split));
    CHECK(client.hear(10).starts_with("HTTP/1.1 100"));
    client.say(whole.substr(split));
    CHECK(client.hear_answer().find("acked_through") != std::string::npos);
}

TEST_CASE("Server: 500 connections are served, the one over the limit is told 503") {
    tapline::gateway::ServerOptions options;
    options.max_connections = 500;
    Gateway gateway(options);
    std::list<RawClient> clients;
    for (int i = 0; i < 500; ++i) {
        clients.emplace_back(gateway.server.port());
        clients.back().say(health);
    }
    for (auto& client : clients) {
        REQUIRE(client.hear_answer().ends_with("ok\n"));
    }
    {
        RawClient late(gateway.server.port());
        const std::string heard = late.hear();
        CHECK(heard.starts_with("HTTP/1.1 503"));
        CHECK(heard.find("Retry-After: 5") != std::string::npos);
    }
    clients.pop_front();
    std::string heard;
    for (int i = 0; i < 100 && !heard.starts_with("HTTP/1.1 200"); ++i) {
        RawClient next(gateway.server.port());
        next.say(health);
        heard = next.hear_answer();
    }
    CHECK(heard.starts_with("HTTP/1.1 200"));
}

TEST_CASE("Server: stop answers what is in flight, closes the idle and refuses the new") {
    Gateway gateway;
    gateway.backend.delay = 300ms;
    RawClient idle(gateway.server.port());
    idle.say(health);
    idle.hear_answer();
    RawClient busy(gateway.server.port());
    busy.say(post(batch()));
    std::this_thread::sleep_for(100ms);
    gateway.stop();
    const std::string heard = busy.hear();
    CHECK(heard.starts_with("HTTP/1.1 200"));
    CHECK(heard.find("Connection: close") != std::string::npos);
    CHECK(idle.hear().empty());
    auto done = gateway.drained.get_future();
    REQUIRE(done.wait_for(5s) == std::future_status::ready);
    CHECK(done.get());
    CHECK_THROWS(RawClient(gateway.server.port()));
}

TEST_CASE("Server: the drain has an end even when a request doesn't") {
    tapline::gateway::ServerOptions options;
    options.drain_deadline = 200ms;
    Gateway gateway(options);
    gateway.backend.delay = 2s;
    RawClient busy(gateway.server.port());
    busy.say(post(batch()));
    std::this_thread::sleep_for(100ms);
    gateway.stop();
    auto done = gateway.drained.get_future();
    CHECK(done.wait_for(1s) == std::future_status::ready);
}

TEST_CASE("Server: without TLS only the loopback is listened at") {
    boost::asio::io_context io;
    tapline::gateway::ServerOptions options;
    options.address = GENERATE(as<std::string>{}, "0.0.0.0", "::", "192.0.2.1", "localhost");
    const tapline::gateway::Server::Handler none;
    CHECK_THROWS_AS(tapline::gateway::Server(io.get_executor(), options, none), tapline::Error);
}

TEST_CASE("Server: a port that is taken is an error with a hint") {
    Gateway gateway;
    boost::asio::io_context io;
    tapline::gateway::ServerOptions options;
    options.port = gateway.server.port();
    const tapline::gateway::Server::Handler none;
    try {
        const tapline::gateway::Server second(io.get_executor(), options, none);
        FAIL("two servers at one port");
    } catch (const tapline::Error& failure) {
        CHECK(failure.code() == "listen");
        CHECK_FALSE(failure.hint().empty());
    }
}
