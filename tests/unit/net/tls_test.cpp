// Real sockets, real TLS: the agent's transport against the gateway, each refusal with its code.
#include <future>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <catch2/catch.hpp>

#include "agent/sync/https_transport.hpp"
#include "central/gateway/attempts.hpp"
#include "central/gateway/routes.hpp"
#include "central/gateway/server.hpp"
#include "central/trust/authority.hpp"
#include "common/error.hpp"
#include "tests/support/fleet_keys.hpp"
#include "tests/support/gateway.hpp"
#include "tests/support/raw_client.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using tapline::UtcTime;
using tapline::sync::Credentials;
using tapline::test::Fleet;
using tapline::test::now;

namespace {

constexpr auto day = std::chrono::hours(24);

/// Its own TLS on a real port.
struct Gateway : tapline::test::Gateway {
    explicit Gateway(tapline::gateway::ServerTls tls, std::chrono::milliseconds deadline = 10s)
        : tapline::test::Gateway(options(std::move(tls), deadline)) {}

    static tapline::gateway::ServerOptions options(
        tapline::gateway::ServerTls tls, std::chrono::milliseconds deadline
    ) {
        tapline::gateway::ServerOptions made;
        made.tls = std::move(tls);
        made.handshake_deadline = deadline;
        made.read_deadline = deadline;
        return made;
    }
};

struct Agent {
    Agent(std::uint16_t port, std::shared_ptr<const Credentials> credentials, bool dates = true)
        : shown(std::move(credentials)), transport(address(port), {}, trust(dates)) {}

    static tapline::sync::CentralAddress address(std::uint16_t port) {
        return tapline::sync::parse_central_url("https://127.0.0.1:" + std::to_string(port));
    }

    tapline::sync::TransportTrust trust(bool dates) {
        tapline::sync::TransportTrust made;
        made.credentials = [this] { return shown; };
        made.dates_count = [dates] { return dates; };
        return made;
    }

    /// "200", "403 code", or the code of the error.
    std::string ask(const std::string& target, const std::string& body) {
        std::string result;
        tapline::http::Request request("POST", target);
        request.headers.push_back({"Content-Type", "application/json"});
        request.headers.push_back({"Tapline-Controller", "somebody-else"});
        request.body = body;
        auto done = [&](std::exception_ptr failure, tapline::http::Response response) {
            try {
                if (failure) {
                    std::rethrow_exception(failure);
                }
                const auto& text = response.body;
                result = std::to_string(response.status);
                if (response.status != 200) {
                    result += " " + tapline::wire::decode_problem(response.status, text).code;
                }
            } catch (const tapline::Error& error) {
                result = error.code();
            }
        };
        asio::co_spawn(io, transport.send(std::move(request), 5s), done);
        io.restart();
        io.run();
        return result;
    }

    std::string hello() {
        tapline::wire::Hello hello;
        hello.journal_id = "11111111-2222-4333-8444-555555555555";
        hello.revision = "j0001";
        return ask("/v1/hello", tapline::wire::encode(hello));
    }

    std::string renew() { return ask("/v1/renew", R"({"csr": "x"})"); }

    asio::io_context io;
    std::shared_ptr<const Credentials> shown;
    tapline::sync::HttpsTransport transport;
};

}  // namespace

TEST_CASE("TLS: an enrolled device is who its certificate says, whatever its header says") {
    const Fleet fleet;
    Gateway gateway(fleet.tls());
    Agent agent(gateway.server.port(), fleet.device("bar-3"));
    CHECK(agent.hello() == "200");
    CHECK(agent.hello() == "200");
    CHECK(gateway.backend.caller.name == "bar-3");
    CHECK(gateway.backend.said.controller == "bar-3");
}

TEST_CASE("TLS: without a certificate nothing but enrolling is open") {
    const Fleet fleet;
    Gateway gateway(fleet.tls());
    Agent agent(gateway.server.port(), fleet.stranger());
    CHECK(agent.hello() == "403 no_certificate");
    CHECK(agent.renew() == "403 no_certificate");
    CHECK(agent.ask("/v1/enroll", R"({"code": "x", "csr": "y"})") == "501 no_authority");
    CHECK(gateway.backend.calls == 1);
}

TEST_CASE("TLS: a certificate of another authority, or one that isn't a device's, is told so") {
    const Fleet fleet;
    const Fleet other;
    Gateway gateway(fleet.tls());
    auto foreign = other.device("bar-3");
    foreign->roots = fleet.authority.root.pem();
    CHECK(Agent(gateway.server.port(), foreign).hello() == "403 wrong_authority");
    // Ended and of another authority: the first doesn't excuse the second.
    auto both = other.device("bar-3", now() - 100 * day, 10 * day);
    both->roots = fleet.authority.root.pem();
    CHECK(Agent(gateway.server.port(), both).renew() == "403 wrong_authority");
    auto server = fleet.stranger();
    server->key = fleet.key.pem();
    server->certificate = fleet.server.pem();
    CHECK(Agent(gateway.server.port(), server).hello() == "403 wrong_authority");
    CHECK(gateway.backend.calls == 0);
}

TEST_CASE("TLS: an ended certificate reaches only its renewal") {
    const Fleet fleet(now() - 200 * day);
    Gateway gateway(fleet.tls());
    Agent agent(gateway.server.port(), fleet.device("bar-3", now() - 100 * day, 90 * day));
    CHECK(agent.hello() == "403 certificate_expired");
    CHECK(
        agent.ask("/v1/journals/11111111-2222-4333-8444-555555555555/1/pours", "{}") ==
        "403 certificate_expired"
    );
    CHECK(gateway.backend.calls == 0);
    CHECK(agent.renew() == "501 no_authority");
    CHECK(gateway.backend.calls == 1);
}

TEST_CASE("TLS: a revoked device is refused, one that waits for an operator is held") {
    const Fleet fleet;
    Gateway gateway(fleet.tls());
    Agent agent(gateway.server.port(), fleet.device("bar-3"));
    gateway.backend.standing = tapline::fleet::Standing::revoked;
    CHECK(agent.hello() == "403 revoked");
    gateway.backend.standing = tapline::fleet::Standing::pending;
    CHECK(agent.hello() == "200");
    CHECK(
        agent.ask("/v1/journals/11111111-2222-4333-8444-555555555555/1/pours", "{}") ==
        "503 pending"
    );
}

TEST_CASE("TLS: the agent believes only its authority, and a pin is enough to find it") {
    const Fleet fleet;
    const Fleet other;
    Gateway gateway(fleet.tls());
    const auto port = gateway.server.port();
    CHECK(Agent(port, other.device("bar-3")).hello() == "wrong_authority");
    auto pinned = std::make_shared<Credentials>();
    pinned->pin = fleet.authority.root.fingerprint();
    CHECK(Agent(port, pinned).hello() == "403 no_certificate");
    auto wrong = std::make_shared<Credentials>();
    wrong->pin = other.authority.root.fingerprint();
    CHECK(Agent(port, wrong).hello() == "wrong_authority");
    CHECK(Agent(port, std::make_shared<Credentials>()).hello() == "wrong_authority");
    // The pin names a certificate that is sent along, but isn't an authority.
    auto leaf = std::make_shared<Credentials>();
    leaf->pin = fleet.server.fingerprint();
    CHECK(Agent(port, leaf).hello() == "wrong_authority");
    CHECK(gateway.backend.calls == 0);
}

TEST_CASE("TLS: without credentials https is never spoken as http") {
    const Fleet fleet;
    Gateway gateway(fleet.tls());
    CHECK(Agent(gateway.server.port(), nullptr).hello() == "not_enrolled");
}

TEST_CASE("TLS: another host's certificate, or a device's, is no server") {
    const Fleet elsewhere(now(), {"central.example", "10.0.0.5"});
    {
        Gateway gateway(elsewhere.tls());
        CHECK(Agent(gateway.server.port(), elsewhere.device("bar-3")).hello() == "wrong_host");
    }
    const Fleet fleet;
    const auto device = fleet.device("127.0.0.1");
    auto tls = fleet.tls();
    tls.key = device->key;
    tls.chain = device->certificate + fleet.authority.root.pem();
    Gateway gateway(tls);
    CHECK(Agent(gateway.server.port(), fleet.device("bar-3")).hello() == "wrong_authority");
    CHECK(gateway.backend.calls == 0);
}

TEST_CASE("TLS: dates alone refuse our server only when this device knows the date") {
    // Made by a clock ahead of ours (this device woke up in the past), or long ended (in 2038).
    const auto from = GENERATE(now() + 400 * day, now() - 4'000 * day);
    const Fleet fleet(from);
    Gateway gateway(fleet.tls());
    const auto port = gateway.server.port();
    const auto stranger = fleet.stranger();
    CHECK(Agent(port, stranger, true).hello() == "server_certificate_dates");
    CHECK(Agent(port, stranger, false).hello() == "403 no_certificate");
    const Fleet other(from);
    CHECK(Agent(port, other.stranger(), false).hello() == "wrong_authority");
}

TEST_CASE("TLS: a renewed certificate is shown from the next request on") {
    const Fleet fleet;
    Gateway gateway(fleet.tls());
    Agent agent(gateway.server.port(), fleet.device("bar-3"));
    CHECK(agent.hello() == "200");
    const std::string before = gateway.backend.caller.serial;
    agent.shown = fleet.device("bar-3");
    CHECK(agent.hello() == "200");
    CHECK(gateway.backend.caller.serial != before);
}

TEST_CASE("TLS: new server certificates serve new connections, bad ones change nothing") {
    const Fleet fleet;
    Gateway gateway(fleet.tls());
    auto next = fleet.tls();
    const auto key = tapline::pki::Key::generate();
    next.key = key.pem();
    next.chain = tapline::trust::issue_server(fleet.authority, key, {"127.0.0.1"}, now()).pem() +
                 fleet.authority.root.pem();
    Agent kept(gateway.server.port(), fleet.device("bar-3"));
    CHECK(kept.hello() == "200");
    std::promise<bool> refused;
    asio::post(gateway.io, [&] {
        gateway.server.use(next);
        auto torn = next;
        torn.key = fleet.key.pem();
        try {
            gateway.server.use(torn);
            refused.set_value(false);
        } catch (const tapline::Error& failure) {
            refused.set_value(failure.code() == "tls_files");
        }
    });
    CHECK(refused.get_future().get());
    CHECK(kept.hello() == "200");
    CHECK(Agent(gateway.server.port(), fleet.device("bar-3")).hello() == "200");
}

TEST_CASE("TLS: who speaks something else, or nothing, is gone after the deadline") {
    const Fleet fleet;
    Gateway gateway(fleet.tls(), 300ms);
    tapline::test::RawClient plain(gateway.server.port());
    plain.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(plain.hear().find("200") == std::string::npos);
    tapline::test::RawClient silent(gateway.server.port());
    const auto began = std::chrono::steady_clock::now();
    CHECK(silent.hear().empty());
    CHECK(std::chrono::steady_clock::now() - began < 5s);
    CHECK(Agent(gateway.server.port(), fleet.device("bar-3")).hello() == "200");
}

TEST_CASE("TLS: an address beyond the loopback is refused without it") {
    asio::io_context io;
    tapline::gateway::ServerOptions options;
    options.address = "0.0.0.0";
    const auto handler = [](tapline::http::Request) -> asio::awaitable<tapline::http::Response> {
        co_return tapline::http::Response(200);
    };
    try {
        const tapline::gateway::Server server(io.get_executor(), options, handler);
        FAIL("it listens");
    } catch (const tapline::Error& failure) {
        CHECK(failure.code() == "listen_beyond_loopback");
        CHECK(tapline::exit_code(failure.kind()) == 3);
    }
}

TEST_CASE("Attempts: ten failures a minute for each address, and a list that doesn't grow") {
    tapline::gateway::Attempts attempts;
    tapline::MonoTime time(1h);
    for (int i = 0; i < tapline::gateway::Attempts::max_failures; ++i) {
        CHECK(attempts.may_try("10.0.0.1", time));
        attempts.failed("10.0.0.1", time);
    }
    CHECK_FALSE(attempts.may_try("10.0.0.1", time));
    CHECK(attempts.may_try("10.0.0.2", time));
    CHECK(attempts.may_try("10.0.0.1", time + tapline::gateway::Attempts::window));
    for (int i = 0; i < 3'000; ++i) {
        attempts.failed(std::to_string(i), time + 1s + std::chrono::milliseconds(i));
    }
    // The oldest had to go.
    CHECK(attempts.may_try("10.0.0.1", time + 5s));
}
