#include "tests/fuzz/request_harness.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <spdlog/spdlog.h>

#include "central/gateway/routes.hpp"
#include "central/gateway/server.hpp"
#include "central/settle/prepare.hpp"
#include "common/row_hash.hpp"
#include "tests/support/fake_backend.hpp"

namespace asio = boost::asio;

namespace tapline::fuzz {

namespace {

void require(bool holds, const char* what) {
    if (!holds) {
        std::fprintf(stderr, "the harness found: %s\n", what);
        std::abort();
    }
}

/// What was decoded must survive being encoded, and must not harm who settles it.
class Backend final : public test::FakeBackend {
  public:
    asio::awaitable<settle::Outcome> pours(std::string who, wire::Batch what) override {
        const wire::Batch again = wire::decode_batch(wire::encode(what));
        require(again.rows.size() == what.rows.size(), "a batch lost rows by being encoded");
        for (std::size_t i = 0; i < what.rows.size(); ++i) {
            require(again.rows[i].seq == what.rows[i].seq, "a row changed its seq");
            const RowHash before = next_hash(RowHash{}, what.rows[i]);
            require(next_hash(RowHash{}, again.rows[i]) == before, "a row changed");
        }
        auto prepared = settle::prepare(std::move(who), std::move(what), 1'795'197'600'000'000);
        if (auto* problem = std::get_if<wire::Problem>(&prepared)) {
            co_return std::move(*problem);
        }
        wire::Ack ack;
        ack.acked_through = std::get<settle::Prepared>(prepared).batch.last_seq;
        co_return ack;
    }
};

class Room {
  public:
    Room()
        : routes_(backend_, io_.get_executor()),
          server_(io_.get_executor(), options(), [this](http::Request request) {
              return routes_.handle(std::move(request));
          }) {
        spdlog::set_level(spdlog::level::off);
        asio::co_spawn(io_, server_.run(), [](std::exception_ptr) {});
    }

    void through_socket(std::string bytes) {
        bool done = false;
        auto client = send(std::move(bytes));
        asio::co_spawn(io_, std::move(client), [&done](std::exception_ptr failure) {
            require(failure == nullptr, "the client failed");
            done = true;
        });
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (!done || server_.connections() > 0) {
            require(std::chrono::steady_clock::now() < until, "a connection that doesn't end");
            io_.run_one_for(std::chrono::milliseconds(100));
        }
        require(server_.load().requests == 0, "a request that is still counted");
    }

    void to_routes(http::Request request) {
        bool done = false;
        auto handling = routes_.handle(std::move(request));
        asio::co_spawn(
            io_,
            std::move(handling),
            [&done](std::exception_ptr failure, http::Response response) {
                require(failure == nullptr, "the routes threw");
                require(response.status >= 200 && response.status < 600, "no status of HTTP");
                if (response.status != 200) {
                    const auto read = wire::decode_problem(response.status, response.body);
                    require(read.code != "not_tapline", "a problem that can't be read");
                }
                done = true;
            }
        );
        while (!done) {
            io_.run_one();
        }
    }

  private:
    static gateway::ServerOptions options() {
        gateway::ServerOptions made;
        made.max_connections = 4;
        return made;
    }

    asio::awaitable<void> send(std::string bytes) {
        asio::ip::tcp::socket socket(io_);
        boost::system::error_code failure;
        auto token = asio::redirect_error(asio::use_awaitable, failure);
        const asio::ip::tcp::endpoint to(asio::ip::address_v4::loopback(), server_.port());
        co_await socket.async_connect(to, token);
        require(!failure, "the gateway doesn't take connections any more");
        // A refusal may come before the last byte: then the rest isn't taken, which is fine.
        co_await asio::async_write(socket, asio::buffer(bytes), token);
        socket.shutdown(asio::ip::tcp::socket::shutdown_send, failure);
        std::string answer(16'384, '\0');
        std::string start;
        failure = {};
        while (!failure) {
            const std::size_t got = co_await socket.async_read_some(asio::buffer(answer), token);
            if (start.size() < 8) {
                start.append(answer, 0, got);
            }
        }
        require(start.empty() || start.starts_with("HTTP/1."), "an answer that isn't HTTP");
    }

    asio::io_context io_{1};
    Backend backend_;
    gateway::Routes routes_;
    gateway::Server server_;
};

http::Request request_of(std::string_view text) {
    const auto space = text.find(' ');
    const auto line = text.find('\n');
    http::Request request;
    request.method = std::string(text.substr(0, std::min(space, line)));
    if (space < line) {
        request.target = std::string(text.substr(space + 1, line - space - 1));
    }
    request.body = line == std::string_view::npos ? "" : std::string(text.substr(line + 1));
    request.headers.push_back(http::Header{"Content-Type", "application/json"});
    request.peer.tls = true;
    request.peer.certificate = http::Peer::Certificate::ours;
    request.peer.name = "bar-1";
    request.peer.address = "127.0.0.1";
    request.peer.fingerprint = std::string(64, 'a');
    request.peer.key_hash = std::string(64, 'b');
    request.peer.not_after_ms = 4'000'000'000'000;
    return request;
}

const char* const pours_path = "/v1/journals/11111111-2222-4333-8444-555555555555/1/pours";

std::string on_the_wire(const std::string& target, const std::string& body) {
    return "POST " + target + " HTTP/1.1\r\nHost: x\r\nTapline-Controller: tap-1\r\n" +
           "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

wire::Batch batch() {
    wire::Batch made;
    made.revision = "j0001";
    made.first_seq = 1;
    for (Seq seq = 1; seq <= 3; ++seq) {
        RawPour row;
        row.seq = seq;
        row.columns = {
            {"card_uid", Text{"04A2B6"}},
            {"client_tx_id", Text{"tx-" + std::to_string(seq)}},
            {"odd", Blob{std::string("\x00\xff", 2)}},
            {"price", 1e300},
            {"tap_id", std::int64_t{3}},
            {"text", Text{"\xc3("}},
            {"volume_ml", std::int64_t{1} << 60}};
        made.hash = next_hash(made.hash, row);
        made.rows.push_back(std::move(row));
    }
    made.last_seq = 5;
    made.absent.push_back({4, 5});
    made.boots.push_back({"boot", 1, true, {{2, -3'600'000}}});
    made.clock = {1'795'197'600'000, "boot"};
    return made;
}

}  // namespace

void run(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return;
    }
    static Room room;
    std::string text(size - 1, '\0');
    std::copy(data + 1, data + size, text.begin());
    if (data[0] % 2 == 0) {
        room.through_socket(std::move(text));
    } else {
        room.to_routes(request_of(text));
    }
}

std::vector<Seed> seeds() {
    wire::Hello hello;
    hello.journal_id = "11111111-2222-4333-8444-555555555555";
    hello.revision = "j0001";
    hello.capabilities = {"one"};
    const std::string pours = wire::encode(batch());
    const std::string greeting = wire::encode(hello);
    const std::string enroll = wire::encode(wire::EnrollRequest{"CODE", "-----BEGIN", "0.1.0"});
    const std::string renew = wire::encode(wire::RenewRequest{"-----BEGIN"});
    const std::string health = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    std::vector<Seed> made;
    const auto raw = [&made](const char* name, const std::string& bytes) {
        made.push_back(Seed{name, "0" + bytes});
    };
    const auto routed = [&made](const char* name, const std::string& bytes) {
        made.push_back(Seed{name, "1" + bytes});
    };
    raw("socket_health", health);
    raw("socket_ahead", health + health + on_the_wire("/v1/hello", greeting) + health);
    raw("socket_hello", on_the_wire("/v1/hello", greeting));
    raw("socket_pours", on_the_wire(pours_path, pours));
    raw("socket_cut", on_the_wire(pours_path, pours).substr(0, 300));
    raw("socket_chunked",
        "POST /v1/hello HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
        "chunked\r\n\r\n5\r\n{\"a\":\r\n3\r\n"
        "1}\n\r\n0\r\nTrailer: x\r\n\r\n");
    raw("socket_continue",
        "POST /v1/hello HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"
    );
    raw("socket_old", "HEAD /readyz HTTP/1.0\r\n\r\n");
    routed("routes_hello", "POST /v1/hello\n" + greeting);
    routed("routes_pours", std::string("POST ") + pours_path + "\n" + pours);
    routed("routes_enroll", "POST /v1/enroll\n" + enroll);
    routed("routes_renew", "POST /v1/renew\n" + renew);
    routed("routes_get", "GET /v1/hello?x=1\n");
    return made;
}

}  // namespace tapline::fuzz
