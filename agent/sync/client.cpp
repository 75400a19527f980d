#include "agent/sync/client.hpp"

#include <fmt/format.h>

namespace asio = boost::asio;

namespace tapline::sync {

namespace {

/// A proxy's problem may lack Retry-After in its body; the header counts then.
wire::Problem problem_of(const http::Response& response) {
    wire::Problem problem = wire::decode_problem(response.status, response.body);
    const std::string_view header = http::find(response.headers, "Retry-After");
    if (!problem.retry_after && !header.empty() && header.size() <= 6 &&
        header.find_first_not_of("0123456789") == std::string_view::npos) {
        problem.retry_after = std::chrono::seconds(std::stoi(std::string(header)));
    }
    return problem;
}

}  // namespace

std::string pours_target(const std::string& journal_id, std::int64_t epoch) {
    return fmt::format("/v1/journals/{}/{}/pours", journal_id, epoch);
}

asio::awaitable<http::Response> Client::post(
    std::string target, std::string body, std::chrono::milliseconds deadline
) {
    http::Request request("POST", std::move(target));
    request.headers.push_back(http::Header{"Content-Type", "application/json"});
    request.headers.push_back(http::Header{"Tapline-Controller", controller_});
    request.headers.push_back(http::Header{"User-Agent", user_agent_});
    request.body = std::move(body);
    auto sending = transport_.send(std::move(request), deadline);
    co_return co_await std::move(sending);
}

asio::awaitable<HelloAnswer> Client::hello(wire::Hello hello, std::chrono::milliseconds deadline) {
    std::string target = "/v1/hello";
    std::string body = wire::encode(hello);
    auto posting = post(std::move(target), std::move(body), deadline);
    const http::Response response = co_await std::move(posting);
    if (response.status == 200) {
        co_return wire::decode_hello_reply(response.body);
    }
    co_return problem_of(response);
}

asio::awaitable<EpochAnswer> Client::epoch(
    std::string journal_id, wire::EpochRequest request, std::chrono::milliseconds deadline
) {
    std::string target = fmt::format("/v1/journals/{}/epochs", journal_id);
    std::string body = wire::encode(request);
    auto posting = post(std::move(target), std::move(body), deadline);
    const http::Response response = co_await std::move(posting);
    if (response.status == 200) {
        co_return wire::decode_epoch_grant(response.body);
    }
    co_return problem_of(response);
}

asio::awaitable<EnrollAnswer> Client::enroll(
    wire::EnrollRequest request, std::chrono::milliseconds deadline
) {
    auto asking = ask_certificate("/v1/enroll", wire::encode(request), deadline);
    co_return co_await std::move(asking);
}

asio::awaitable<EnrollAnswer> Client::renew(
    wire::RenewRequest request, std::chrono::milliseconds deadline
) {
    auto asking = ask_certificate("/v1/renew", wire::encode(request), deadline);
    co_return co_await std::move(asking);
}

asio::awaitable<EnrollAnswer> Client::ask_certificate(
    std::string target, std::string body, std::chrono::milliseconds deadline
) {
    auto posting = post(std::move(target), std::move(body), deadline);
    const http::Response response = co_await std::move(posting);
    if (response.status == 200) {
        co_return wire::decode_enrolled(response.body);
    }
    co_return problem_of(response);
}

asio::awaitable<PoursAnswer> Client::pours(
    std::string target, std::string body, std::chrono::milliseconds deadline
) {
    auto posting = post(std::move(target), std::move(body), deadline);
    const http::Response response = co_await std::move(posting);
    if (response.status == 200) {
        co_return wire::decode_ack(response.body);
    }
    co_return problem_of(response);
}

}  // namespace tapline::sync
