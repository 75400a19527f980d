#include "central/metrics/listener.hpp"

#include "central/gateway/problem.hpp"

namespace asio = boost::asio;

namespace tapline::metrics {

namespace {

constexpr std::size_t max_collectors = 16;
constexpr std::size_t max_body_bytes = 1'024;

gateway::ServerOptions options_for(std::string address, std::uint16_t port) {
    gateway::ServerOptions options;
    options.address = std::move(address);
    options.port = port;
    options.option = "--metrics";
    options.max_connections = max_collectors;
    options.max_body_bytes = max_body_bytes;
    return options;
}

}  // namespace

Listener::Listener(
    asio::any_io_executor io,
    std::string address,
    std::uint16_t port,
    const Metrics& metrics,
    FleetNumbers& fleet
)
    : metrics_(metrics),
      fleet_(fleet),
      server_(std::move(io), options_for(std::move(address), port), [this](http::Request request) {
          return handle(std::move(request));
      }) {}

asio::awaitable<http::Response> Listener::handle(http::Request request) {
    if (request.target != "/metrics") {
        co_return gateway::to_response(gateway::not_found(request.target));
    }
    if (request.method != "GET" && request.method != "HEAD") {
        auto refused = gateway::to_response(gateway::method_not_allowed("GET"));
        refused.headers.push_back(http::Header{"Allow", "GET"});
        co_return refused;
    }
    auto asking = fleet_.get();
    FleetView fleet = co_await std::move(asking);
    Moment moment = look_ ? look_() : Moment{};
    moment.fleet = std::move(fleet);
    http::Response response(200);
    response.headers.push_back(http::Header{
        "Content-Type", "text/plain; version=0.0.4; charset=utf-8"});
    response.body = metrics_.text(moment);
    co_return response;
}

}  // namespace tapline::metrics
