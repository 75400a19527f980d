#include "central/gateway/problem.hpp"

#include <fmt/format.h>

#include "common/log.hpp"

namespace tapline::gateway {

namespace {

using namespace std::chrono_literals;

wire::Problem make(int status, const char* code, const char* title, const char* action) {
    wire::Problem problem;
    problem.status = status;
    problem.code = code;
    problem.title = title;
    problem.action = action;
    return problem;
}

wire::Problem with_detail(wire::Problem problem, std::string detail) {
    problem.detail = std::move(detail);
    return problem;
}

}  // namespace

http::Response to_response(const wire::Problem& problem) {
    http::Response response(problem.status);
    response.headers.push_back(http::Header{"Content-Type", "application/problem+json"});
    if (problem.retry_after) {
        const auto seconds = std::to_string(problem.retry_after->count());
        response.headers.push_back(http::Header{"Retry-After", seconds});
    }
    response.body = wire::encode(problem);
    return response;
}

wire::Problem malformed(const std::string& detail) {
    auto problem = make(400, "malformed", "the request isn't what docs/wire.md describes", "wait");
    return with_detail(std::move(problem), printable(detail));
}

wire::Problem bad_http(const std::string& detail) {
    return with_detail(make(400, "bad_http", "this isn't HTTP/1.1", "wait"), printable(detail));
}

wire::Problem no_controller() {
    return with_detail(
        make(400, "no_controller", "the request doesn't say which controller makes it", "wait"),
        "send the header Tapline-Controller: 1 to 64 of A-Z a-z 0-9 . _ -"
    );
}

wire::Problem not_found(const std::string& target) {
    return with_detail(
        make(404, "not_found", "there is nothing at this path", "wait"), printable(target, 100)
    );
}

wire::Problem method_not_allowed(const std::string& allowed) {
    return with_detail(
        make(405, "method_not_allowed", "this path doesn't take that method", "wait"),
        fmt::format("use {}", allowed)
    );
}

wire::Problem oversized(std::size_t limit_bytes) {
    return with_detail(
        make(413, "oversized", "the body is too large", "split"),
        fmt::format("at most {} bytes are read", limit_bytes)
    );
}

wire::Problem unsupported_media_type() {
    return with_detail(
        make(415, "unsupported_media_type", "the body must be JSON", "wait"),
        "send Content-Type: application/json"
    );
}

wire::Problem header_too_large(std::size_t limit_bytes) {
    return with_detail(
        make(431, "header_too_large", "the header is too large", "wait"),
        fmt::format("at most {} bytes are read", limit_bytes)
    );
}

wire::Problem no_certificate() {
    return with_detail(
        make(403, "no_certificate", "this device shows no certificate", "wait"),
        "enrol it: tapline-agent enroll URL, with the token that an operator prints"
    );
}

wire::Problem wrong_authority() {
    return with_detail(
        make(403, "wrong_authority", "this certificate isn't of central's authority", "wait"),
        "the device was enrolled elsewhere, or central has another authority now; enrol it again"
    );
}

wire::Problem certificate_expired() {
    return with_detail(
        make(403, "certificate_expired", "the device's certificate has ended", "renew"),
        "POST /v1/renew takes it for a while yet; agents do that by themselves"
    );
}

wire::Problem tls_required() {
    return with_detail(
        make(403, "tls_required", "certificates are given over TLS only", "wait"),
        "use the https address of central"
    );
}

wire::Problem too_many_attempts() {
    auto problem =
        make(429, "too_many_attempts", "too many wrong codes came from this address", "retry");
    problem.retry_after = 60s;
    return problem;
}

wire::Problem no_authority() {
    return with_detail(
        make(501, "no_authority", "this central can't issue certificates", "wait"),
        "the authority's key isn't here; see docs/trust.md"
    );
}

wire::Problem internal() {
    auto problem =
        make(500, "internal", "central failed at this request; its log says why", "retry");
    problem.retry_after = 5s;
    return problem;
}

wire::Problem not_ready() {
    auto problem =
        make(503, "not_ready", "central has no working connection to PostgreSQL", "retry");
    problem.retry_after = 1s;
    return problem;
}

wire::Problem wrong_schema(const std::string& detail) {
    auto problem =
        make(503, "wrong_schema", "the database isn't at the revision that is needed", "retry");
    problem.retry_after = 5s;
    return with_detail(std::move(problem), printable(detail));
}

wire::Problem too_many_connections() {
    auto problem =
        make(503, "too_many_connections", "central serves as many connections as it may", "retry");
    problem.retry_after = 5s;
    return problem;
}

wire::Problem not_your_turn(std::chrono::seconds wait) {
    auto problem = make(503, "not_your_turn", "the fleet comes back one after the other", "retry");
    problem.retry_after = wait;
    return with_detail(
        std::move(problem), fmt::format("this journal's turn is in {} s", wait.count())
    );
}

wire::Problem too_many_requests(std::chrono::seconds later) {
    auto problem = make(503, "overloaded", "central has as much to do as it may take on", "retry");
    problem.retry_after = later;
    return problem;
}

wire::Problem journal_busy() {
    auto problem = make(503, "busy", "the last batch of this journal isn't answered yet", "retry");
    problem.retry_after = 1s;
    return with_detail(std::move(problem), "one batch of a journal is settled at a time");
}

}  // namespace tapline::gateway
