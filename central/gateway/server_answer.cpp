// From a whole request to its answer: the one line that is logged of it.
#include <chrono>

#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "central/gateway/problem.hpp"
#include "central/gateway/server_impl.hpp"
#include "common/log.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;

namespace tapline::gateway {

asio::awaitable<bool> Server::Impl::answer(Place session, Request message) {
    const bool keep = message.keep_alive();
    const bool head = message.method() == beast::http::verb::head;
    const unsigned version = message.version();
    http::Request request(std::string(message.method_string()), std::string(message.target()));
    for (const auto& field : message) {
        http::Header header;
        header.name = std::string(field.name_string());
        header.value = std::string(field.value());
        request.headers.push_back(std::move(header));
    }
    request.body = std::move(message.body());
    request.peer = session->peer;
    auto handling = handle(std::move(request));
    http::Response response = co_await std::move(handling);
    if (head) {
        response.body.clear();
    }
    auto writing = write(session, std::move(response), version, keep);
    co_return co_await std::move(writing);
}

/// One request: the only line that it logs, and the only place that its failure can reach.
asio::awaitable<http::Response> Server::Impl::handle(http::Request request) {
    const std::string what = printable(fmt::format("{} {}", request.method, request.target));
    const auto started = std::chrono::steady_clock::now();
    http::Response response;
    std::string why;
    try {
        auto handling = handler_(std::move(request));
        response = co_await std::move(handling);
    } catch (const std::exception& failure) {
        why = failure.what();
        response = to_response(internal());
    }
    const auto took = std::chrono::steady_clock::now() - started;
    const auto took_ms = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
    if (!why.empty()) {
        spdlog::error("{}: {}", what, printable(why));
    } else if (response.status >= 400) {
        spdlog::info(
            "{}: {} in {} ms: {}", what, response.status, took_ms, printable(response.body)
        );
    } else {
        spdlog::debug("{}: {} in {} ms", what, response.status, took_ms);
    }
    co_return response;
}

}  // namespace tapline::gateway
