#include "central/gateway/routes.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "central/gateway/problem.hpp"
#include "common/error.hpp"
#include "common/run_on.hpp"

namespace asio = boost::asio;

namespace tapline::gateway {

namespace {

constexpr std::size_t max_controller_chars = 64;

http::Response json(std::string body) {
    http::Response response(200);
    response.headers.push_back(http::Header{"Content-Type", "application/json"});
    response.body = std::move(body);
    return response;
}

http::Response plain(int status, std::string body) {
    http::Response response(status);
    response.headers.push_back(http::Header{"Content-Type", "text/plain; charset=utf-8"});
    response.body = std::move(body);
    return response;
}

http::Response refuse_method(const std::string& allowed) {
    auto response = to_response(method_not_allowed(allowed));
    response.headers.push_back(http::Header{"Allow", allowed});
    return response;
}

bool is_name(std::string_view name) {
    const auto fits = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '.' || c == '_' || c == '-';
    };
    return !name.empty() && name.size() <= max_controller_chars &&
           std::all_of(name.begin(), name.end(), fits);
}

/// Lower case, as agents write it: one journal has one spelling.
bool is_uuid(std::string_view text) {
    if (text.size() != 36) {
        return false;
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const bool hex = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (dash ? text[i] != '-' : !hex) {
            return false;
        }
    }
    return true;
}

std::optional<std::int64_t> positive(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || end != text.data() + text.size() || value < 1) {
        return std::nullopt;
    }
    return value;
}

/// "application/json", with or without parameters.
bool is_json(std::string_view content_type) {
    const std::string_view wanted = "application/json";
    const auto type = content_type.substr(0, content_type.find(';'));
    const auto end = type.find_last_not_of(" \t");
    const auto trimmed = type.substr(0, end == std::string_view::npos ? 0 : end + 1);
    return std::equal(
        trimmed.begin(),
        trimmed.end(),
        wanted.begin(),
        wanted.end(),
        [](char a, char b) {
            return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
        }
    );
}

std::vector<std::string> split_path(std::string_view target) {
    const auto path = target.substr(0, target.find('?'));
    std::vector<std::string> parts;
    std::size_t start = 1;
    while (start <= path.size()) {
        const auto slash = std::min(path.find('/', start), path.size());
        parts.emplace_back(path.substr(start, slash - start));
        start = slash + 1;
    }
    return parts;
}

/// What every request with a body must have; nullopt when it has it.
std::optional<wire::Problem> check_post(const http::Request& request) {
    if (!is_json(http::find(request.headers, "Content-Type"))) {
        return unsupported_media_type();
    }
    if (!is_name(http::find(request.headers, "Tapline-Controller"))) {
        return no_controller();
    }
    return std::nullopt;
}

/// The decoded body, or the problem that it has.
template <typename Message>
using Decoded = std::variant<Message, wire::Problem>;

template <typename Message>
Decoded<Message> decode(const std::string& body, Message (*decoder)(std::string_view)) {
    try {
        return decoder(body);
    } catch (const Error& failure) {
        if (failure.kind() != ErrorKind::protocol) {
            throw;
        }
        return malformed(failure.what());
    }
}

template <typename Message>
asio::awaitable<Decoded<Message>> decode_on(
    asio::any_io_executor parsers, std::string body, Message (*decoder)(std::string_view)
) {
    if (body.size() <= parse_here_bytes) {
        co_return decode(body, decoder);
    }
    auto job = [body = std::move(body), decoder] { return decode(body, decoder); };
    auto running = run_on(parsers, std::move(job));
    co_return co_await std::move(running);
}

}  // namespace

asio::awaitable<http::Response> Routes::handle(http::Request request) {
    const auto parts = split_path(request.target);
    const bool get = request.method == "GET";
    const bool post = request.method == "POST";
    if (parts.size() == 1 && parts[0] == "healthz") {
        co_return get ? plain(200, "ok\n") : refuse_method("GET");
    }
    if (parts.size() == 1 && parts[0] == "readyz") {
        if (!get) {
            co_return refuse_method("GET");
        }
        auto looking = backend_.obstacle();
        const auto obstacle = co_await std::move(looking);
        co_return obstacle ? to_response(*obstacle) : plain(200, "ready\n");
    }
    const bool v1 = parts.size() >= 2 && parts[0] == "v1";
    if (v1 && parts.size() == 2 && parts[1] == "hello") {
        if (!post) {
            co_return refuse_method("POST");
        }
        auto answering = hello(std::move(request));
        co_return co_await std::move(answering);
    }
    if (v1 && parts.size() == 5 && parts[1] == "journals" && parts[4] == "pours") {
        if (!post) {
            co_return refuse_method("POST");
        }
        const auto epoch = positive(parts[3]);
        if (!is_uuid(parts[2]) || !epoch) {
            co_return to_response(
                malformed("the path must hold the journal's UUID in lower case and its epoch")
            );
        }
        auto answering = pours(std::move(request), parts[2], *epoch);
        co_return co_await std::move(answering);
    }
    co_return to_response(not_found(request.target));
}

asio::awaitable<http::Response> Routes::hello(http::Request request) {
    if (const auto problem = check_post(request)) {
        co_return to_response(*problem);
    }
    std::string controller(http::find(request.headers, "Tapline-Controller"));
    auto decoding = decode_on<wire::Hello>(parsers_, std::move(request.body), &wire::decode_hello);
    auto decoded = co_await std::move(decoding);
    if (const auto* problem = std::get_if<wire::Problem>(&decoded)) {
        co_return to_response(*problem);
    }
    auto message = std::get<wire::Hello>(std::move(decoded));
    message.controller = controller;
    auto asking = backend_.hello(std::move(controller), std::move(message));
    const HelloOutcome outcome = co_await std::move(asking);
    if (const auto* problem = std::get_if<wire::Problem>(&outcome)) {
        co_return to_response(*problem);
    }
    co_return json(wire::encode(std::get<wire::HelloReply>(outcome)));
}

asio::awaitable<http::Response> Routes::pours(
    http::Request request, std::string journal_id, std::int64_t epoch
) {
    if (const auto problem = check_post(request)) {
        co_return to_response(*problem);
    }
    std::string controller(http::find(request.headers, "Tapline-Controller"));
    auto decoding = decode_on<wire::Batch>(parsers_, std::move(request.body), &wire::decode_batch);
    auto decoded = co_await std::move(decoding);
    if (const auto* problem = std::get_if<wire::Problem>(&decoded)) {
        co_return to_response(*problem);
    }
    auto batch = std::get<wire::Batch>(std::move(decoded));
    batch.journal_id = std::move(journal_id);
    batch.epoch = epoch;
    auto settling = backend_.pours(std::move(controller), std::move(batch));
    const settle::Outcome outcome = co_await std::move(settling);
    if (const auto* problem = std::get_if<wire::Problem>(&outcome)) {
        co_return to_response(*problem);
    }
    co_return json(wire::encode(std::get<wire::Ack>(outcome)));
}

}  // namespace tapline::gateway
