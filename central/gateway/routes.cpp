#include "central/gateway/routes.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <vector>

#include "central/fleet/problems.hpp"
#include "central/gateway/one_batch.hpp"
#include "central/gateway/problem.hpp"
#include "common/error.hpp"
#include "common/run_on.hpp"

namespace asio = boost::asio;

namespace tapline::gateway {

namespace {

constexpr std::size_t max_controller_chars = 64;
constexpr std::size_t journal_id_chars = 36;  ///< of a UUID

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
    return std::nullopt;
}

/// What a TLS connection lacks for anything but enrolling; nullopt when it has a certificate that
/// counts. ended: one whose time is over is good enough.
std::optional<wire::Problem> check_certificate(const http::Peer& peer, UtcTime now, bool ended) {
    switch (peer.certificate) {
        case http::Peer::Certificate::none:
            return no_certificate();
        case http::Peer::Certificate::foreign:
            return wrong_authority();
        case http::Peer::Certificate::ours:
            break;
    }
    if (!is_name(peer.name)) {
        return wrong_authority();
    }
    const UtcTime until{std::chrono::milliseconds(peer.not_after_ms)};
    return now > until && !ended ? std::optional(certificate_expired()) : std::nullopt;
}

fleet::Caller caller_of(const http::Peer& peer) {
    fleet::Caller caller;
    caller.name = peer.name;
    caller.serial = peer.serial;
    caller.fingerprint = hash_from_hex(peer.fingerprint).value_or(RowHash{});
    caller.key_hash = hash_from_hex(peer.key_hash).value_or(RowHash{});
    caller.not_after = UtcTime{std::chrono::milliseconds(peer.not_after_ms)};
    return caller;
}

/// The request without its body.
http::Request head_of(const http::Request& request) {
    http::Request head(request.method, request.target);
    head.headers = request.headers;
    head.peer = request.peer;
    return head;
}

http::Response answer_of(const EnrollOutcome& outcome) {
    if (const auto* problem = std::get_if<wire::Problem>(&outcome)) {
        return to_response(*problem);
    }
    return json(wire::encode(std::get<wire::Enrolled>(outcome)));
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
    const bool short_path = v1 && parts.size() == 2;
    const bool known =
        (short_path && (parts[1] == "hello" || parts[1] == "enroll" || parts[1] == "renew")) ||
        (v1 && parts.size() == 5 && parts[1] == "journals" && parts[4] == "pours") ||
        (v1 && parts.size() == 4 && parts[1] == "journals" && parts[3] == "epochs");
    if (!known) {
        co_return to_response(not_found(request.target));
    }
    if (request.method != "POST") {
        co_return refuse_method("POST");
    }
    auto posting = post(std::move(request), parts);
    co_return co_await std::move(posting);
}

asio::awaitable<http::Response> Routes::post(
    http::Request request, std::vector<std::string> parts
) {
    if (const auto problem = check_post(request)) {
        co_return to_response(*problem);
    }
    if (parts[1] == "hello") {
        auto answering = hello(std::move(request));
        co_return co_await std::move(answering);
    }
    if (parts[1] == "enroll") {
        auto answering = enroll(std::move(request));
        co_return co_await std::move(answering);
    }
    if (parts[1] == "renew") {
        auto answering = renew(std::move(request));
        co_return co_await std::move(answering);
    }
    if (parts.size() == 4) {
        auto answering = epoch(std::move(request), parts[2]);
        co_return co_await std::move(answering);
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

/// Without TLS the header says who asks, and only this machine can ask.
asio::awaitable<Routes::Admission> Routes::admit(http::Request request, bool fresh) {
    Admitted admitted;
    if (!request.peer.tls) {
        admitted.controller = http::find(request.headers, "Tapline-Controller");
        if (!is_name(admitted.controller)) {
            co_return no_controller();
        }
        co_return admitted;
    }
    if (auto problem = check_certificate(request.peer, clock_.now_utc(), false)) {
        co_return std::move(*problem);
    }
    admitted.controller = request.peer.name;
    auto asking = backend_.admit(caller_of(request.peer), fresh);
    const AdmitOutcome outcome = co_await std::move(asking);
    if (const auto* problem = std::get_if<wire::Problem>(&outcome)) {
        co_return *problem;
    }
    const auto standing = std::get<fleet::Standing>(outcome);
    if (standing == fleet::Standing::revoked) {
        co_return fleet::problems::revoked(admitted.controller);
    }
    admitted.pending = standing == fleet::Standing::pending;
    co_return admitted;
}

asio::awaitable<http::Response> Routes::enroll(http::Request request) {
    const std::string address = request.peer.address;
    if (!request.peer.tls) {
        co_return to_response(tls_required());
    }
    if (!attempts_.may_try(address, clock_.now_mono())) {
        co_return to_response(too_many_attempts());
    }
    auto decoding = decode_on<wire::EnrollRequest>(
        parsers_, std::move(request.body), &wire::decode_enroll_request
    );
    auto decoded = co_await std::move(decoding);
    if (const auto* problem = std::get_if<wire::Problem>(&decoded)) {
        co_return to_response(*problem);
    }
    auto message = std::get<wire::EnrollRequest>(std::move(decoded));
    auto asking = backend_.enroll(std::move(message), address);
    const EnrollOutcome outcome = co_await std::move(asking);
    const auto* problem = std::get_if<wire::Problem>(&outcome);
    if (problem != nullptr && problem->status < 500) {
        attempts_.failed(address, clock_.now_mono());
    }
    co_return answer_of(outcome);
}

asio::awaitable<http::Response> Routes::renew(http::Request request) {
    if (!request.peer.tls) {
        co_return to_response(tls_required());
    }
    if (const auto problem = check_certificate(request.peer, clock_.now_utc(), true)) {
        co_return to_response(*problem);
    }
    auto decoding = decode_on<wire::RenewRequest>(
        parsers_, std::move(request.body), &wire::decode_renew_request
    );
    auto decoded = co_await std::move(decoding);
    if (const auto* problem = std::get_if<wire::Problem>(&decoded)) {
        co_return to_response(*problem);
    }
    auto message = std::get<wire::RenewRequest>(std::move(decoded));
    auto asking = backend_.renew(caller_of(request.peer), std::move(message));
    const EnrollOutcome outcome = co_await std::move(asking);
    co_return answer_of(outcome);
}

asio::awaitable<http::Response> Routes::hello(http::Request request) {
    auto admitting = admit(head_of(request), true);
    const Admission admission = co_await std::move(admitting);
    if (const auto* problem = std::get_if<wire::Problem>(&admission)) {
        co_return to_response(*problem);
    }
    const auto& admitted = std::get<Admitted>(admission);
    std::string controller = admitted.controller;
    auto decoding = decode_on<wire::Hello>(parsers_, std::move(request.body), &wire::decode_hello);
    auto decoded = co_await std::move(decoding);
    if (const auto* problem = std::get_if<wire::Problem>(&decoded)) {
        co_return to_response(*problem);
    }
    auto message = std::get<wire::Hello>(std::move(decoded));
    message.controller = controller;
    if (message.journal_id.size() == journal_id_chars) {
        if (const auto wait = pace_.ask(message.journal_id, clock_.now_mono())) {
            co_return to_response(not_your_turn(*wait));
        }
    }
    auto asking = backend_.hello(std::move(controller), std::move(message));
    HelloOutcome outcome = co_await std::move(asking);
    if (const auto* problem = std::get_if<wire::Problem>(&outcome)) {
        co_return to_response(*problem);
    }
    auto& reply = std::get<wire::HelloReply>(outcome);
    const std::int64_t heartbeat_s = rules_.heartbeat.count();
    // While something is held back an agent is wanted back sooner.
    reply.directives.heartbeat_s =
        reply.directives.hold ? std::min(reply.directives.heartbeat_s, heartbeat_s) : heartbeat_s;
    if (admitted.pending) {
        reply.directives.hold = true;
        reply.directives.hold_reason = fleet::problems::pending_words(admitted.controller);
    }
    co_return json(wire::encode(reply));
}

asio::awaitable<http::Response> Routes::pours(
    http::Request request, std::string journal_id, std::int64_t epoch
) {
    auto admitting = admit(head_of(request), false);
    const Admission admission = co_await std::move(admitting);
    if (const auto* problem = std::get_if<wire::Problem>(&admission)) {
        co_return to_response(*problem);
    }
    const auto& admitted = std::get<Admitted>(admission);
    if (admitted.pending) {
        co_return to_response(fleet::problems::pending(admitted.controller));
    }
    const OneBatch only(settling_, journal_id);
    if (!only) {
        co_return to_response(journal_busy());
    }
    std::string controller = admitted.controller;
    auto decoding = decode_on<wire::Batch>(parsers_, std::move(request.body), &wire::decode_batch);
    auto decoded = co_await std::move(decoding);
    if (const auto* problem = std::get_if<wire::Problem>(&decoded)) {
        co_return to_response(*problem);
    }
    auto batch = std::get<wire::Batch>(std::move(decoded));
    batch.journal_id = std::move(journal_id);
    batch.epoch = epoch;
    const std::size_t rows = batch.rows.size();
    const auto began = std::chrono::steady_clock::now();
    auto settling = backend_.pours(std::move(controller), std::move(batch));
    const settle::Outcome outcome = co_await std::move(settling);
    if (observer_) {
        observer_(rows, outcome, std::chrono::steady_clock::now() - began);
    }
    if (const auto* problem = std::get_if<wire::Problem>(&outcome)) {
        co_return to_response(*problem);
    }
    co_return json(wire::encode(std::get<wire::Ack>(outcome)));
}

asio::awaitable<http::Response> Routes::epoch(http::Request request, std::string journal_id) {
    auto admitting = admit(head_of(request), true);
    const Admission admission = co_await std::move(admitting);
    if (const auto* problem = std::get_if<wire::Problem>(&admission)) {
        co_return to_response(*problem);
    }
    const auto& admitted = std::get<Admitted>(admission);
    if (admitted.pending) {
        co_return to_response(fleet::problems::pending(admitted.controller));
    }
    if (!is_uuid(journal_id)) {
        co_return to_response(malformed("the path must hold the journal's UUID in lower case"));
    }
    std::string controller = admitted.controller;
    auto decoding = decode_on<wire::EpochRequest>(
        parsers_, std::move(request.body), &wire::decode_epoch_request
    );
    auto decoded = co_await std::move(decoding);
    if (const auto* problem = std::get_if<wire::Problem>(&decoded)) {
        co_return to_response(*problem);
    }
    auto message = std::get<wire::EpochRequest>(std::move(decoded));
    auto asking = backend_.epoch(std::move(controller), std::move(journal_id), std::move(message));
    const EpochOutcome outcome = co_await std::move(asking);
    if (const auto* problem = std::get_if<wire::Problem>(&outcome)) {
        co_return to_response(*problem);
    }
    co_return json(wire::encode(std::get<wire::EpochGrant>(outcome)));
}

}  // namespace tapline::gateway
