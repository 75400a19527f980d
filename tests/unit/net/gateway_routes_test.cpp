#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <catch2/catch.hpp>

#include "central/gateway/routes.hpp"
#include "common/error.hpp"
#include "tests/support/fake_backend.hpp"

namespace http = tapline::http;
namespace wire = tapline::wire;

namespace {

const std::string journal_id = "11111111-2222-4333-8444-555555555555";

http::Request post(std::string target, std::string body) {
    http::Request request("POST", std::move(target));
    request.headers.push_back(http::Header{"content-type", "application/json; charset=utf-8"});
    request.headers.push_back(http::Header{"tapline-controller", "tap-1"});
    request.body = std::move(body);
    return request;
}

http::Request pours(std::string body) {
    return post("/v1/journals/" + journal_id + "/1/pours", std::move(body));
}

wire::Batch batch(std::size_t rows) {
    wire::Batch batch;
    batch.revision = "j0001";
    batch.first_seq = 1;
    for (std::size_t i = 1; i <= rows; ++i) {
        tapline::RawPour row;
        row.seq = static_cast<tapline::Seq>(i);
        row.columns = {{"volume_ml", std::int64_t{250}}};
        batch.rows.push_back(std::move(row));
    }
    batch.last_seq = static_cast<tapline::Seq>(rows);
    return batch;
}

wire::Hello hello() {
    wire::Hello hello;
    hello.journal_id = journal_id;
    hello.revision = "j0001";
    return hello;
}

struct Gateway {
    explicit Gateway(tapline::gateway::RouteRules with = {}) : rules(with) {}

    http::Response ask(http::Request request) {
        http::Response response;
        boost::asio::co_spawn(
            io,
            routes.handle(std::move(request)),
            [&](std::exception_ptr failure, http::Response answer) {
                if (failure) {
                    std::rethrow_exception(failure);
                }
                response = std::move(answer);
            }
        );
        io.restart();
        io.run();
        return response;
    }

    boost::asio::io_context io;
    boost::asio::thread_pool parsers{1};
    tapline::test::FakeBackend backend;
    tapline::gateway::RouteRules rules;
    tapline::gateway::Routes routes{backend, parsers.get_executor(), rules};
};

void check_problem(
    const http::Response& response, int status, const std::string& code, const std::string& action
) {
    CHECK(response.status == status);
    CHECK(http::find(response.headers, "Content-Type") == "application/problem+json");
    const auto problem = wire::decode_problem(response.status, response.body);
    CHECK(problem.code == code);
    CHECK(problem.action == action);
}

}  // namespace

TEST_CASE("Routes: a batch reaches the backend with what path and header say") {
    Gateway gateway;
    const auto rows =
        GENERATE(std::size_t{1}, std::size_t{400});  // parsed here, parsed on the pool
    const auto response = gateway.ask(pours(wire::encode(batch(rows))));
    REQUIRE(response.status == 200);
    CHECK(wire::decode_ack(response.body).acked_through == static_cast<tapline::Seq>(rows));
    CHECK(gateway.backend.controller == "tap-1");
    CHECK(gateway.backend.batch.journal_id == journal_id);
    CHECK(gateway.backend.batch.epoch == 1);
    CHECK(gateway.backend.batch.rows.size() == rows);
}

TEST_CASE("Routes: an idle agent is told the configured heartbeat, a held one at most a minute") {
    Gateway gateway({.pace = {}, .heartbeat = std::chrono::seconds(300)});
    const auto idle = gateway.ask(post("/v1/hello", wire::encode(hello())));
    CHECK(wire::decode_hello_reply(idle.body).directives.heartbeat_s == 300);
    gateway.backend.hold = true;
    const auto held = gateway.ask(post("/v1/hello", wire::encode(hello())));
    CHECK(wire::decode_hello_reply(held.body).directives.heartbeat_s == 60);
}

TEST_CASE("Routes: a fleet that comes at once is told when its turns are") {
    Gateway gateway({.pace = {.per_second = 1, .burst = {}}, .heartbeat = std::chrono::seconds(60)}
    );
    CHECK(gateway.ask(post("/v1/hello", wire::encode(hello()))).status == 200);
    auto other = hello();
    other.journal_id.back() = '6';
    const auto refused = gateway.ask(post("/v1/hello", wire::encode(other)));
    check_problem(refused, 503, "not_your_turn", "retry");
    CHECK(wire::decode_problem(503, refused.body).retry_after == std::chrono::seconds(1));
    CHECK(gateway.ask(post("/v1/hello", wire::encode(hello()))).status == 200);
}

TEST_CASE("Routes: hello reaches the backend with the name of the header") {
    Gateway gateway;
    const auto response = gateway.ask(post("/v1/hello", wire::encode(hello())));
    REQUIRE(response.status == 200);
    CHECK(wire::decode_hello_reply(response.body).cursor == 7);
    CHECK(gateway.backend.said.controller == "tap-1");
    CHECK(gateway.backend.said.journal_id == journal_id);
}

TEST_CASE("Routes: a request for an epoch reaches the backend with its journal") {
    Gateway gateway;
    wire::EpochRequest request;
    request.epoch = 4;
    request.reason = "fork";
    const auto target = "/v1/journals/" + journal_id + "/epochs";
    const auto answer = gateway.ask(post(target, wire::encode(request)));
    CHECK(answer.status == 200);
    CHECK(wire::decode_epoch_grant(answer.body).epoch == 5);
    CHECK(gateway.backend.asked_for == journal_id);
    CHECK(gateway.backend.controller == "tap-1");
    CHECK(gateway.ask(post("/v1/journals/x/epochs", wire::encode(request))).status == 400);
    CHECK(gateway.ask(post(target, "{}")).status == 400);
}

TEST_CASE("Routes: a problem of the backend goes out whole") {
    Gateway gateway;
    wire::Problem gap;
    gap.status = 409;
    gap.code = "gap";
    gap.action = "resync";
    gap.expected_seq = 12;
    gap.retry_after = std::chrono::seconds(3);
    gateway.backend.outcome = gap;
    const auto response = gateway.ask(pours(wire::encode(batch(1))));
    check_problem(response, 409, "gap", "resync");
    CHECK(http::find(response.headers, "Retry-After") == "3");
    CHECK(wire::decode_problem(409, response.body).expected_seq == 12);
}

TEST_CASE("Routes: bodies that aren't a batch are 400 malformed") {
    Gateway gateway;
    const std::string whole = wire::encode(batch(200));
    const auto body = GENERATE_COPY(
        std::string(),
        std::string("[]"),
        std::string("{}"),
        std::string("\xff\xfe"),
        whole.substr(0, 200),
        whole.substr(0, whole.size() - 1),
        std::string(5'000, '[')
    );
    check_problem(gateway.ask(pours(body)), 400, "malformed", "wait");
    check_problem(gateway.ask(post("/v1/hello", body)), 400, "malformed", "wait");
    CHECK(gateway.backend.calls == 0);
}

TEST_CASE("Routes: journal and epoch of the path are checked") {
    Gateway gateway;
    const auto path = GENERATE(
        as<std::string>{},
        "11111111-2222-4333-8444-55555555555/1",
        "11111111-2222-4333-8444-55555555555G/1",
        "AAAAAAAA-2222-4333-8444-555555555555/1",
        "11111111222243338444555555555555/1",
        "11111111-2222-4333-8444-555555555555/0",
        "11111111-2222-4333-8444-555555555555/-1",
        "11111111-2222-4333-8444-555555555555/1x",
        "11111111-2222-4333-8444-555555555555/99999999999999999999",
        "%2e%2e/1"
    );
    const auto response =
        gateway.ask(post("/v1/journals/" + path + "/pours", wire::encode(batch(1))));
    check_problem(response, 400, "malformed", "wait");
    CHECK(gateway.backend.calls == 0);
}

TEST_CASE("Routes: a controller must have a name of at most 64 plain characters") {
    Gateway gateway;
    auto request = pours(wire::encode(batch(1)));
    request.headers[1].value = GENERATE(
        std::string(),
        std::string(65, 'a'),
        std::string("tap 1"),
        std::string("tap/1"),
        std::string("b\xc3\xa4r")
    );
    check_problem(gateway.ask(request), 400, "no_controller", "wait");
    request.headers[1].value = std::string(64, 'a');
    CHECK(gateway.ask(request).status == 200);
    request.headers.pop_back();
    check_problem(gateway.ask(request), 400, "no_controller", "wait");
}

TEST_CASE("Routes: only JSON is taken") {
    Gateway gateway;
    auto request = pours(wire::encode(batch(1)));
    request.headers[0].value =
        GENERATE(as<std::string>{}, "", "text/plain", "application/jsonx", ";");
    check_problem(gateway.ask(request), 415, "unsupported_media_type", "wait");
    request.headers[0].value = "Application/JSON";
    CHECK(gateway.ask(request).status == 200);
}

TEST_CASE("Routes: another method is 405 and names the right one") {
    Gateway gateway;
    auto request = pours("{}");
    request.method = GENERATE(as<std::string>{}, "GET", "PUT", "HEAD", "DELETE", "post");
    auto response = gateway.ask(request);
    check_problem(response, 405, "method_not_allowed", "wait");
    CHECK(http::find(response.headers, "Allow") == "POST");
    response = gateway.ask(http::Request("POST", "/healthz"));
    CHECK(response.status == 405);
    CHECK(http::find(response.headers, "Allow") == "GET");
}

TEST_CASE("Routes: unknown paths are 404") {
    Gateway gateway;
    const auto target = GENERATE(
        as<std::string>{},
        "/",
        "",
        "*",
        "/v1",
        "/v1/",
        "/v2/hello",
        "/v1/hello/",
        "/v1/journals",
        "/v1/journals/x/1",
        "/healthz/",
        "/v1/journals/11111111-2222-4333-8444-555555555555/1/pours/"
    );
    check_problem(gateway.ask(http::Request("GET", target)), 404, "not_found", "wait");
}

TEST_CASE("Routes: health is ours, readiness the backend's") {
    Gateway gateway;
    CHECK(gateway.ask(http::Request("GET", "/healthz")).status == 200);
    CHECK(gateway.ask(http::Request("GET", "/readyz?verbose")).status == 200);
    gateway.backend.is_ready = false;
    CHECK(gateway.ask(http::Request("GET", "/healthz")).status == 200);
    check_problem(gateway.ask(http::Request("GET", "/readyz")), 503, "not_ready", "retry");
}
