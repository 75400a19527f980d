// /metrics over a real socket: the format, the numbers, and who can't ask.
#include <regex>
#include <sstream>

#include <catch2/catch.hpp>

#include "central/metrics/listener.hpp"
#include "common/error.hpp"
#include "tests/support/gateway.hpp"
#include "tests/support/raw_client.hpp"

using namespace std::chrono_literals;
using tapline::metrics::Metrics;
using tapline::metrics::Moment;
using tapline::test::RawClient;

namespace {

std::string line_of(const std::string& text, const std::string& start) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with(start)) {
            return line;
        }
    }
    return "";
}

/// The listener in a thread of its own, over a database that isn't there.
struct Listening {
    Listening() {
        boost::asio::co_spawn(io, listener.run(), [](std::exception_ptr) {});
        thread = std::thread([this] { io.run(); });
    }

    ~Listening() {
        boost::asio::post(io, [this] { listener.stop(); });
        thread.join();
    }

    std::string get(const std::string& request) const {
        RawClient client(listener.port());
        client.say(request);
        return client.hear();
    }

    boost::asio::io_context io;
    Metrics metrics;
    tapline::metrics::FleetNumbers fleet{"postgresql://nobody@127.0.0.1:1/none"};
    tapline::metrics::Listener listener{io.get_executor(), "127.0.0.1", 0, metrics, fleet};
    std::thread thread;
};

}  // namespace

TEST_CASE("Metrics: answers are counted by outcome and code, their time in a histogram") {
    Metrics metrics;
    tapline::wire::Ack ack;
    ack.quarantined.push_back({3, "unknown_card", "04A2"});
    metrics.batch(10, ack, 3ms);
    metrics.batch(10, ack, 300ms);
    tapline::wire::Problem problem;
    problem.code = "gap";
    metrics.batch(5, problem, 1ms);
    metrics.request("pours", 200, 4ms);
    const std::string text = metrics.text(Moment{});
    CHECK(line_of(text, "tapline_pours_total{outcome=\"settled\"}").ends_with(" 18"));
    CHECK(line_of(text, "tapline_pours_total{outcome=\"quarantined\"}").ends_with(" 2"));
    CHECK(line_of(text, "tapline_pours_quarantined_total{code=\"unknown_card\"}").ends_with(" 2"));
    CHECK(line_of(text, "tapline_batches_total{outcome=\"gap\"}").ends_with(" 1"));
    CHECK(line_of(text, "tapline_settle_seconds_bucket{le=\"0.005\"}").ends_with(" 2"));
    CHECK(line_of(text, "tapline_settle_seconds_bucket{le=\"+Inf\"}").ends_with(" 3"));
    CHECK(line_of(text, "tapline_request_seconds_count{route=\"pours\"}").ends_with(" 1"));
}

TEST_CASE("Metrics: every line is one that Prometheus reads, every family is named once") {
    Metrics metrics;
    metrics.request("hello", 403, 4ms);
    Moment moment;
    moment.fleet.reached = true;
    moment.fleet.quarantine["settle_error/23514"] = 2;
    moment.fleet.quarantine["odd \"code\"\\\n"] = 1;
    moment.fleet.controllers["enrolled"] = 3;
    moment.tally.count(tapline::gateway::Refusal::device);
    moment.tally.requests_refused["oversized"] = 1;
    moment.certificate_end_s = 1'795'197'600;
    const std::string text = metrics.text(moment);
    // Exposition formats, "Text-based format".
    const std::regex comment(R"(# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+)");
    const std::regex sample(
        R"re([a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="([^"\\]|\\["\\n])*",?)+\})? [-+0-9.e]+|.*\+Inf"\} \d+)re"
    );
    std::istringstream lines(text);
    std::set<std::string> families;
    for (std::string line; std::getline(lines, line);) {
        INFO(line);
        CHECK(std::regex_match(line, line.starts_with('#') ? comment : sample));
        if (line.starts_with("# TYPE ")) {
            CHECK(families.insert(line.substr(7, line.find(' ', 7) - 7)).second);
        }
    }
    CHECK(text.ends_with('\n'));
    CHECK(families.size() >= 28);
    CHECK(line_of(text, "tapline_connections_refused_total{reason=\"device\"}").ends_with(" 1"));
    const auto end = line_of(text, "tapline_tls_certificate_end_timestamp_seconds");
    CHECK(end.ends_with(" 1795197600"));
}

TEST_CASE("Metrics: a database that is away is said, and the rest is told") {
    Listening listening;
    const std::string answer =
        listening.get("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(answer.starts_with("HTTP/1.1 200"));
    CHECK(answer.find("Content-Type: text/plain; version=0.0.4") != std::string::npos);
    CHECK(line_of(answer, "tapline_database_up").ends_with(" 0"));
    CHECK(answer.find("tapline_fleet_depth_pours") == std::string::npos);
    CHECK(line_of(answer, "process_open_fds ").size() > 17);
}

TEST_CASE("Metrics: that socket has nothing else, and takes nothing") {
    const Listening listening;
    CHECK(listening.get("GET /v1/hello HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 404"));
    CHECK(listening.get("POST /metrics HTTP/1.0\r\n\r\n").starts_with("HTTP/1.0 405"));
}

TEST_CASE("Metrics: beyond the loopback nobody can ask, and the fleet's socket doesn't know") {
    boost::asio::io_context io;
    const Metrics metrics;
    tapline::metrics::FleetNumbers fleet("postgresql://nobody@127.0.0.1:1/none");
    CHECK_THROWS_AS(
        tapline::metrics::Listener(io.get_executor(), "0.0.0.0", 0, metrics, fleet), tapline::Error
    );
    const tapline::test::Gateway gateway;
    RawClient client(gateway.server.port());
    client.say("GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    CHECK(client.hear().starts_with("HTTP/1.1 404"));
}

TEST_CASE("Routes: what a request counts as is one of a closed set") {
    using tapline::gateway::route_of;
    CHECK(route_of("/v1/hello") == "hello");
    CHECK(route_of("/v1/enroll?x=1") == "enroll");
    CHECK(route_of("/healthz") == "healthz");
    CHECK(route_of("/v1/journals/any/1/pours") == "pours");
    CHECK(route_of("/v1/journals/any/epochs") == "epochs");
    for (const auto* path :
         {"/hello",
          "/v1/healthz",
          "/v1",
          "",
          "/",
          "*",
          "/v1/hello/x",
          "/v2/x",
          "/v1/journals/any/pours"}) {
        CHECK(route_of(path) == "other");
    }
}
