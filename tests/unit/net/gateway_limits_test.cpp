// Each limit of docs/wire.md at the limit, over real sockets; some with real TLS.
#include <list>
#include <optional>
#include <set>
#include <thread>

#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <catch2/catch.hpp>

#include "central/gateway/server_rules.hpp"
#include "tests/support/fleet_keys.hpp"
#include "tests/support/gateway.hpp"
#include "tests/support/raw_client.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using tapline::gateway::Deadline;
using tapline::gateway::HandshakeFault;
using tapline::gateway::Refusal;
using tapline::gateway::ServerOptions;
using tapline::test::Fleet;
using tapline::test::Gateway;
using tapline::test::RawClient;

namespace {

const std::string health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
const std::string journal_1 = "11111111-2222-4333-8444-555555555555";
const std::string journal_2 = "22222222-2222-4333-8444-555555555555";

std::string post(
    const std::string& journal, const std::string& body, const std::string& more = ""
) {
    return "POST /v1/journals/" + journal + "/1/pours HTTP/1.1\r\nHost: x\r\n" +
           "Content-Type: application/json\r\nTapline-Controller: tap-1\r\n" + more +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
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

template <typename Check>
bool within(std::chrono::milliseconds patience, Check check) {
    const auto until = std::chrono::steady_clock::now() + patience;
    while (!check()) {
        if (std::chrono::steady_clock::now() > until) {
            return false;
        }
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

std::uint64_t of(const tapline::gateway::Tally& tally, Refusal why) {
    return tally.refused.at(static_cast<std::size_t>(why));
}

std::uint64_t of(const tapline::gateway::Tally& tally, HandshakeFault how) {
    return tally.handshakes_failed.at(static_cast<std::size_t>(how));
}

std::uint64_t of(const tapline::gateway::Tally& tally, Deadline which) {
    return tally.timed_out.at(static_cast<std::size_t>(which));
}

/// A device's connection, blocking. Throws when the handshake fails.
class TlsClient {
  public:
    TlsClient(std::uint16_t port, const std::shared_ptr<tapline::sync::Credentials>& device)
        : context_(asio::ssl::context::tls_client), raw_(port), tls_(raw_.socket(), context_) {
        if (device) {
            const auto text = [](const std::string& pem) {
                return asio::buffer(pem.data(), pem.size());
            };
            SSL_use_certificate(
                tls_.native_handle(),
                tapline::pki::Certificate::from_pem(device->certificate).handle()
            );
            context_.use_private_key(text(device->key), asio::ssl::context::pem);
            SSL_use_PrivateKey(
                tls_.native_handle(), SSL_CTX_get0_privatekey(context_.native_handle())
            );
        }
        tls_.handshake(asio::ssl::stream_base::client);
    }

    bool say(const std::string& bytes) {
        boost::system::error_code failure;
        asio::write(tls_, asio::buffer(bytes), failure);
        return !failure;
    }

    /// Until the other side ends it, or there are `enough` bytes.
    std::string hear(std::size_t enough = SIZE_MAX) {
        std::string heard;
        std::array<char, 4096> chunk{};
        boost::system::error_code failure;
        while (heard.size() < enough) {
            const auto bytes = tls_.read_some(asio::buffer(chunk), failure);
            heard.append(chunk.data(), bytes);
            if (failure) {
                break;
            }
        }
        return heard;
    }

  private:
    asio::ssl::context context_;
    RawClient raw_;
    asio::ssl::stream<asio::ip::tcp::socket&> tls_;
};

ServerOptions with_tls(const Fleet& fleet) {
    ServerOptions options;
    options.tls = fleet.tls();
    return options;
}

}  // namespace

TEST_CASE("Limits: a client that doesn't read its answers is gone after the write deadline") {
    ServerOptions options;
    options.write_deadline = 400ms;
    Gateway gateway(options);
    RawClient client(gateway.server.port());
    const int small = 4'096;
    ::setsockopt(client.socket().native_handle(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    // 64 large answers are more than the kernel's buffers of both sides hold.
    tapline::wire::Ack ack;
    ack.quarantined.assign(500, {1, "unknown_card", std::string(1'000, 'x')});
    gateway.backend.outcome = ack;
    for (int i = 0; i < 64; ++i) {
        REQUIRE(client.say(post(journal_1, batch())));
    }
    CHECK(within(20s, [&] { return gateway.backend.calls > 1 && gateway.connections() == 0; }));
    CHECK(gateway.backend.calls < 64);
    CHECK(of(gateway.tally(), Deadline::answer) == 1);
}

TEST_CASE("Limits: one address gets its share of connections, and it back when they end") {
    ServerOptions options;
    options.max_connections_per_address = 3;
    Gateway gateway(options);
    std::list<RawClient> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(gateway.server.port()).say(health);
        REQUIRE(clients.back().hear_answer().ends_with("ok\n"));
    }
    {
        RawClient late(gateway.server.port());
        CHECK(late.hear().find("too_many_connections") != std::string::npos);
    }
    CHECK(of(gateway.tally(), Refusal::address) == 1);
    clients.pop_front();
    REQUIRE(within(5s, [&] { return gateway.connections() == 2; }));
    RawClient next(gateway.server.port());
    next.say(health);
    CHECK(next.hear_answer().ends_with("ok\n"));
}

TEST_CASE("Limits: an IPv6 network counts as one address, a mapped IPv4 address as itself") {
    using boost::asio::ip::make_address;
    using tapline::gateway::place_of;
    CHECK(place_of(make_address("2001:db8:1:2:3:4:5:6")) == "2001:db8:1:2::");
    CHECK(place_of(make_address("2001:db8:1:2::9")) == place_of(make_address("2001:db8:1:2::1")));
    CHECK(place_of(make_address("::ffff:10.0.0.5")) == "10.0.0.5");
    CHECK(place_of(make_address("10.0.0.5")) == "10.0.0.5");
}

TEST_CASE("Limits: with TLS the connection over the limit is closed before a handshake") {
    const Fleet fleet;
    auto options = with_tls(fleet);
    options.max_connections = 2;
    Gateway gateway(options);
    TlsClient first(gateway.server.port(), fleet.device("bar-1"));
    TlsClient second(gateway.server.port(), fleet.device("bar-2"));
    for (int i = 0; i < 20; ++i) {
        RawClient late(gateway.server.port());
        CHECK(late.hear().empty());
    }
    const auto tally = gateway.tally();
    CHECK(of(tally, Refusal::connections) == 20);
    CHECK(tally.handshakes == 2);
    CHECK(first.say(health));
    CHECK(first.hear(10).starts_with("HTTP/1.1 2"));
}

TEST_CASE("Limits: handshakes wait their turn, and the silent take nobody's") {
    const Fleet fleet;
    auto options = with_tls(fleet);
    options.max_handshakes = 1;
    options.handshake_deadline = 3s;
    Gateway gateway(options);
    std::list<RawClient> silent;
    for (int i = 0; i < 20; ++i) {
        silent.emplace_back(gateway.server.port());
    }
    // Silent ones hold no place: a device gets in past them.
    TlsClient device(gateway.server.port(), fleet.device("bar-1"));
    CHECK(within(2s, [&] { return gateway.load().handshakes == 0; }));
    // One that began and stopped holds the only place.
    RawClient stuck(gateway.server.port());
    stuck.say(std::string("\x16\x03\x01\x02\x00\x01", 6));
    REQUIRE(within(2s, [&] { return gateway.load().handshakes == 1; }));
    std::optional<TlsClient> waiting;
    std::thread waits([&] { waiting.emplace(gateway.server.port(), fleet.device("bar-2")); });
    CHECK(within(2s, [&] { return gateway.load().handshakes_waiting == 1; }));
    CHECK(gateway.load().handshakes == 1);
    stuck.socket().close();
    waits.join();
    CHECK(waiting->say(health));
    CHECK(waiting->hear(10).starts_with("HTTP/1.1 2"));
    const auto tally = gateway.tally();
    CHECK(of(tally, HandshakeFault::broken) == 1);
    CHECK(tally.handshakes == 2);
}

TEST_CASE("Limits: who waits for a handshake is gone when its time is over") {
    const Fleet fleet;
    auto options = with_tls(fleet);
    options.max_handshakes = 1;
    options.handshake_deadline = 400ms;
    Gateway gateway(options);
    const std::string begun("\x16\x03\x01\x02\x00\x01", 6);
    RawClient stuck(gateway.server.port());
    stuck.say(begun);
    REQUIRE(within(2s, [&] { return gateway.load().handshakes == 1; }));
    std::list<RawClient> late;
    for (int i = 0; i < 5; ++i) {
        late.emplace_back(gateway.server.port()).say(begun);
    }
    CHECK(within(5s, [&] { return gateway.connections() == 0; }));
    const auto tally = gateway.tally();
    // The place may pass on in the moment in which their times end, too.
    CHECK(of(tally, Refusal::handshakes) + of(tally, HandshakeFault::too_slow) == 6);
    CHECK(tally.handshakes == 0);
}

TEST_CASE("Limits: plain HTTP at the TLS port costs no handshake") {
    const Fleet fleet;
    Gateway gateway(with_tls(fleet));
    RawClient client(gateway.server.port());
    client.say(health);
    CHECK(client.hear().empty());
    CHECK(of(gateway.tally(), HandshakeFault::not_tls) == 1);
}

TEST_CASE("Limits: a device's connection over its share ends its oldest idle one") {
    const Fleet fleet;
    auto options = with_tls(fleet);
    options.max_connections_per_device = 2;
    Gateway gateway(options);
    const auto device = fleet.device("bar-1");
    TlsClient other(gateway.server.port(), fleet.device("bar-2"));
    TlsClient oldest(gateway.server.port(), device);
    TlsClient second(gateway.server.port(), device);
    TlsClient third(gateway.server.port(), device);
    CHECK(oldest.hear().empty());
    for (TlsClient* kept : {&other, &second, &third}) {
        CHECK(kept->say(health));
        CHECK(kept->hear(10).starts_with("HTTP/1.1 2"));
    }
    CHECK(of(gateway.tally(), Refusal::device) == 1);
    CHECK(gateway.connections() == 3);
}

TEST_CASE("Limits: a device whose connections are all at work is told to come back") {
    const Fleet fleet;
    auto options = with_tls(fleet);
    options.max_connections_per_device = 1;
    Gateway gateway(options);
    gateway.backend.delay = 500ms;
    const auto device = fleet.device("bar-1");
    TlsClient busy(gateway.server.port(), device);
    busy.say(post(journal_1, batch()));
    REQUIRE(within(2s, [&] { return gateway.load().requests == 1; }));
    TlsClient late(gateway.server.port(), device);
    CHECK(late.hear().find("too_many_connections") != std::string::npos);
    CHECK(busy.hear(10).starts_with("HTTP/1.1 2"));
}

TEST_CASE("Limits: a stranger's body is small, a device's may have the full size") {
    const Fleet fleet;
    auto options = with_tls(fleet);
    options.max_stranger_body_bytes = 1'000;
    Gateway gateway(options);
    const auto enrol = [](std::size_t bytes) {
        return "POST /v1/enroll HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               "Content-Length: " +
               std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, ' ');
    };
    TlsClient stranger(gateway.server.port(), nullptr);
    stranger.say(enrol(1'000));
    CHECK(stranger.hear(12).starts_with("HTTP/1.1 400"));  // it isn't JSON, but it was read
    TlsClient second(gateway.server.port(), nullptr);
    second.say(enrol(1'001));
    CHECK(second.hear(12).starts_with("HTTP/1.1 413"));
    TlsClient device(gateway.server.port(), fleet.device("bar-1"));
    device.say(post(journal_1, std::string(100'000, ' ')));
    CHECK(device.hear(12).starts_with("HTTP/1.1 400"));
}

TEST_CASE("Limits: one batch of a journal is settled at a time") {
    Gateway gateway;
    gateway.backend.delay = 400ms;
    RawClient first(gateway.server.port());
    first.say(post(journal_1, batch()));
    REQUIRE(within(2s, [&] { return gateway.load().requests == 1; }));
    RawClient second(gateway.server.port());
    second.say(post(journal_1, batch()));
    const std::string refused = second.hear_answer();
    CHECK(refused.starts_with("HTTP/1.1 503"));
    CHECK(refused.find("\"busy\"") != std::string::npos);
    CHECK(refused.find("Retry-After: 1") != std::string::npos);
    RawClient other(gateway.server.port());
    other.say(post(journal_2, batch()));
    CHECK(other.hear_answer().starts_with("HTTP/1.1 200"));
    CHECK(first.hear_answer().starts_with("HTTP/1.1 200"));
    second.say(post(journal_1, batch()));
    CHECK(second.hear_answer().starts_with("HTTP/1.1 200"));
    CHECK(gateway.backend.calls == 3);
}

TEST_CASE("Limits: an overloaded central reads the body away, keeps the connection, spreads") {
    ServerOptions options;
    options.max_requests = 1;
    options.retry_spread = 15s;
    Gateway gateway(options);
    gateway.backend.delay = 2s;
    RawClient first(gateway.server.port());
    first.say(post(journal_1, batch()));
    REQUIRE(within(2s, [&] { return gateway.load().requests == 1; }));
    RawClient second(gateway.server.port());
    std::set<int> waits;
    for (int i = 0; i < 40; ++i) {
        second.say(post(journal_2, std::string(300'000, ' ')));
        const std::string refused = second.hear_answer();
        REQUIRE(refused.starts_with("HTTP/1.1 503"));
        REQUIRE(refused.find("\"overloaded\"") != std::string::npos);
        waits.insert(std::stoi(refused.substr(refused.find("Retry-After: ") + 13)));
    }
    CHECK(*waits.begin() >= 1);
    CHECK(*waits.rbegin() <= 15);
    CHECK(waits.size() > 5);
    second.say(health);  // what has no body goes on
    CHECK(second.hear_answer().starts_with("HTTP/1.1 200"));
    RawClient asks(gateway.server.port());
    const std::string whole = post(journal_2, batch(), "Expect: 100-continue\r\n");
    asks.say(whole.substr(0, whole.find("\r\n\r\n") + 4));
    CHECK(asks.hear().starts_with("HTTP/1.1 503"));
    CHECK(gateway.tally().requests_refused.at("overloaded") == 41);
    CHECK(first.hear_answer().starts_with("HTTP/1.1 200"));
    CHECK(gateway.backend.calls == 1);
}

TEST_CASE("Limits: stop ends handshakes that wait or were begun") {
    const Fleet fleet;
    auto options = with_tls(fleet);
    options.max_handshakes = 1;
    options.drain_deadline = 8s;
    Gateway gateway(options);
    const std::string begun("\x16\x03\x01\x02\x00\x01", 6);
    std::list<RawClient> clients;
    for (int i = 0; i < 4; ++i) {
        clients.emplace_back(gateway.server.port()).say(begun);
    }
    REQUIRE(within(2s, [&] { return gateway.load().handshakes_waiting == 3; }));
    gateway.stop();
    CHECK(gateway.drained.get_future().wait_for(2s) == std::future_status::ready);
}
