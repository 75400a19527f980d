#include <atomic>
#include <functional>
#include <optional>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <catch2/catch.hpp>

#include "agent/sync/https_transport.hpp"
#include "common/error.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using tapline::http::Request;

namespace {

/// A server that does with each connection what the test says; 0 is the first.
class Scripted {
  public:
    using Script = std::function<void(tcp::socket&, int connection)>;

    explicit Scripted(Script script)
        : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
          port_(acceptor_.local_endpoint().port()),
          thread_([this, script = std::move(script)] {
              for (int connection = 0;; ++connection) {
                  tcp::socket socket(io_);
                  boost::system::error_code failure;
                  acceptor_.accept(socket, failure);
                  if (failure || ending_) {
                      return;
                  }
                  ++connections;
                  script(socket, connection);
              }
          }) {}

    ~Scripted() {
        ending_ = true;
        tcp::socket last(io_);
        boost::system::error_code ignored;
        last.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port_), ignored);
        thread_.join();
    }

    [[nodiscard]] tapline::sync::CentralAddress address() const {
        return tapline::sync::parse_central_url("http://127.0.0.1:" + std::to_string(port_));
    }

    std::atomic<int> connections{0};

  private:
    asio::io_context io_;
    tcp::acceptor acceptor_;
    std::uint16_t port_;
    std::atomic<bool> ending_{false};
    std::thread thread_;
};

/// Reads one request whole; false when the client has closed.
bool read_request(tcp::socket& socket) {
    std::string head;
    char byte = 0;
    boost::system::error_code failure;
    while (!head.ends_with("\r\n\r\n")) {
        asio::read(socket, asio::buffer(&byte, 1), failure);
        if (failure) {
            return false;
        }
        head.push_back(byte);
    }
    const auto at = head.find("Content-Length: ");
    std::string body(at == std::string::npos ? 0 : std::stoul(head.substr(at + 16)), ' ');
    asio::read(socket, asio::buffer(body), failure);
    return !failure;
}

void say(tcp::socket& socket, const std::string& bytes) {
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(bytes), ignored);
}

const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Test: yes\r\n\r\nok";

struct Agent {
    explicit Agent(
        tapline::sync::CentralAddress address, tapline::sync::TransportLimits limits = {}
    )
        : transport(std::move(address), limits) {}

    /// The answer, or the code of the error.
    std::string ask(std::chrono::milliseconds deadline = 5s) {
        std::string result;
        Request request("POST", "/v1/hello");
        request.body = "{}";
        auto done = [&](std::exception_ptr failure, tapline::http::Response response) {
            try {
                if (failure) {
                    std::rethrow_exception(failure);
                }
                result = std::to_string(response.status) + " " + response.body;
            } catch (const tapline::Error& error) {
                result = error.code();
                kind = error.kind();
            }
        };
        asio::co_spawn(io, transport.send(std::move(request), deadline), done);
        io.restart();
        io.run();
        return result;
    }

    asio::io_context io;
    tapline::sync::HttpsTransport transport;
    std::optional<tapline::ErrorKind> kind;
};

}  // namespace

TEST_CASE("Transport: one connection serves all requests") {
    Scripted server([](tcp::socket& socket, int) {
        while (read_request(socket)) {
            say(socket, answer);
        }
    });
    {
        Agent agent(server.address());
        for (int i = 0; i < 5; ++i) {
            CHECK(agent.ask() == "200 ok");
        }
    }
    CHECK(server.connections == 1);
}

TEST_CASE("Transport: a connection that central closed while idle is replaced before writing") {
    Scripted server([](tcp::socket& socket, int) {
        if (read_request(socket)) {
            say(socket, answer);
        }
    });
    Agent agent(server.address());
    CHECK(agent.ask() == "200 ok");
    std::this_thread::sleep_for(50ms);
    CHECK(agent.ask() == "200 ok");
    CHECK(server.connections == 2);
}

TEST_CASE("Transport: whatever the answer breaks off with is unreachable, and the next try works") {
    const auto piece = GENERATE(
        as<std::string>{},
        "",
        "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
        "SSH-2.0-OpenSSH\r\n"
    );
    Scripted server([&](tcp::socket& socket, int connection) {
        if (!read_request(socket)) {
            return;
        }
        if (connection == 0) {
            say(socket, piece);
            return;
        }
        say(socket, answer);
    });
    Agent agent(server.address());
    CHECK(agent.ask() == "central_unreachable");
    CHECK(agent.kind == tapline::ErrorKind::unreachable);
    CHECK(agent.ask() == "200 ok");
    CHECK(server.connections == 2);
}

TEST_CASE("Transport: silence ends at the deadline") {
    Scripted server([](tcp::socket& socket, int connection) {
        read_request(socket);
        if (connection == 0) {
            char byte = 0;
            boost::system::error_code closed;
            asio::read(socket, asio::buffer(&byte, 1), closed);
        }
        say(socket, answer);
    });
    Agent agent(server.address());
    const auto began = std::chrono::steady_clock::now();
    CHECK(agent.ask(300ms) == "central_unreachable");
    CHECK(std::chrono::steady_clock::now() - began < 3s);
    CHECK(agent.ask() == "200 ok");
}

TEST_CASE("Transport: an answer that drips ends at the deadline too") {
    Scripted server([](tcp::socket& socket, int) {
        read_request(socket);
        say(socket, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
        for (int i = 0; i < 40; ++i) {
            std::this_thread::sleep_for(50ms);
            say(socket, "x");
        }
    });
    Agent agent(server.address());
    const auto began = std::chrono::steady_clock::now();
    CHECK(agent.ask(300ms) == "central_unreachable");
    CHECK(std::chrono::steady_clock::now() - began < 1'500ms);
}

TEST_CASE("Transport: an answer over the limit isn't read to its end") {
    tapline::sync::TransportLimits limits;
    limits.max_answer_bytes = 1'000;
    const auto reply = GENERATE_COPY(
        "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + std::string(1'001, 'x'),
        "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n"
    );
    Scripted server([&](tcp::socket& socket, int) {
        read_request(socket);
        say(socket, reply);
    });
    Agent agent(server.address(), limits);
    CHECK(agent.ask() == "central_unreachable");
}

TEST_CASE("Transport: a refusal that comes before the body was read is still heard") {
    Scripted server([](tcp::socket& socket, int) {
        char byte = 0;
        boost::system::error_code ignored;
        asio::read(socket, asio::buffer(&byte, 1), ignored);
        say(socket, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
        socket.shutdown(tcp::socket::shutdown_send, ignored);
        std::string rest(10'000, ' ');
        asio::read(socket, asio::buffer(rest), ignored);
    });
    Agent agent(server.address());
    CHECK(agent.ask() == "413 no");
}

TEST_CASE("Transport: nobody listening is unreachable with a hint") {
    std::uint16_t port = 0;
    {
        asio::io_context io;
        tcp::acceptor closed(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        port = closed.local_endpoint().port();
    }
    Agent agent(tapline::sync::parse_central_url("http://localhost:" + std::to_string(port)));
    CHECK(agent.ask() == "central_unreachable");
}

TEST_CASE("Transport: addresses of central are taken apart or refused with what to do") {
    using tapline::sync::parse_central_url;
    const auto six = parse_central_url("http://[::1]:8420/");
    CHECK(six.host == "::1");
    CHECK(six.port == "8420");
    CHECK(parse_central_url("http://localhost").port == "80");
    CHECK_FALSE(six.tls);
    const auto secure = parse_central_url("https://central.example");
    CHECK(secure.tls);
    CHECK(secure.host == "central.example");
    CHECK(secure.port == "443");
    const auto bad = GENERATE(
        as<std::string>{},
        "",
        "127.0.0.1:8420",
        "https://",
        "https://central.example:8420/v1",
        "http://central.example:8420",
        "http://192.0.2.1:8420",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
        "http://127.0.0.1:12x",
        "http://127.0.0.1:8420/v1",
        "http://user@127.0.0.1:8420",
        "http://[::1",
        "ftp://127.0.0.1"
    );
    try {
        static_cast<void>(parse_central_url(bad));
        FAIL(bad << " was taken");
    } catch (const tapline::Error& failure) {
        CHECK(failure.code() == "central_url");
        CHECK_FALSE(failure.hint().empty());
    }
}
