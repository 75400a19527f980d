#include "central/cli/gateway_run.hpp"

#include <algorithm>
#include <csignal>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include "common/error.hpp"

namespace tapline::cli {

namespace {

namespace asio = boost::asio;

constexpr std::chrono::hours warn_before_end{30 * 24};

/// Which route took how long.
asio::awaitable<http::Response> measured(
    gateway::Routes& routes, metrics::Metrics& metrics, http::Request request
) {
    const auto route = gateway::route_of(request.target);
    const auto began = std::chrono::steady_clock::now();
    auto handling = routes.handle(std::move(request));
    http::Response response = co_await std::move(handling);
    metrics.request(route, response.status, std::chrono::steady_clock::now() - began);
    co_return response;
}

gateway::ServerTls server_tls(const trust::Material& material) {
    return {material.server_key, material.server_chain, material.roots};
}

std::shared_ptr<const fleet::Issuer> issuer_of(
    const TlsOptions& options, const trust::Material& material
) {
    if (!material.authority) {
        return nullptr;
    }
    return std::make_shared<const fleet::Issuer>(fleet::Issuer{
        *material.authority, material.roots, options.lifetime, options.grace});
}

}  // namespace

GatewayRun::GatewayRun(
    const ServeOptions& options, const std::optional<trust::Material>& material, GatewayParts parts
)
    : options_(options),
      parts_(std::move(parts)),
      routes_(parts_.backend, parsers_.get_executor(), options.routes),
      fleet_(parts_.database_url),
      server_(
          io_.get_executor(),
          server_options(material),
          [this](http::Request request) { return measured(routes_, metrics_, std::move(request)); }
      ),
      signals_(io_, SIGTERM, SIGINT),
      hangups_(io_) {
    routes_.watch(
        [this](std::size_t rows, const settle::Outcome& outcome, std::chrono::nanoseconds took) {
            metrics_.batch(rows, outcome, took);
        }
    );
    if (material) {
        use(*material);
        hangups_.add(SIGHUP);
        reload_on_signal();
    }
    if (options_.metrics) {
        start_metrics();
    }
}

gateway::ServerOptions GatewayRun::server_options(const std::optional<trust::Material>& material) {
    gateway::ServerOptions made;
    static_cast<gateway::ServerLimits&>(made) = options_.limits;
    made.address = options_.listen.host;
    made.port = options_.listen.port;
    // A connection outlives the pause between two heartbeats, or each would cost a handshake.
    made.idle_timeout =
        std::max<std::chrono::milliseconds>(made.idle_timeout, options_.routes.heartbeat * 3 / 2);
    if (material) {
        made.tls = server_tls(*material);
    }
    return made;
}

/// What of the certificates isn't the listening socket's.
void GatewayRun::use(const trust::Material& material) {
    parts_.backend.use(issuer_of(*options_.tls, material));
    const auto end = pki::Certificate::from_pem(material.server_chain).not_after();
    certificate_end_s_ =
        std::chrono::duration_cast<std::chrono::seconds>(end.time_since_epoch()).count();
    const SystemClock clock;
    if (end < clock.now_utc() + warn_before_end) {
        spdlog::warn(
            "the server's certificate ends at {}: tapline-central tls renew", format_utc(end)
        );
    }
}

void GatewayRun::reload_on_signal() {
    hangups_.async_wait([this](const boost::system::error_code& cancelled, int) {
        if (cancelled) {
            return;
        }
        try {
            const auto material = trust::load(options_.tls->paths);
            server_.use(server_tls(material));
            use(material);
            spdlog::info("SIGHUP: new connections get the certificates that are there now");
        } catch (const Error& failure) {
            spdlog::error("SIGHUP: the certificates stay as they were: {}", failure.what());
        }
        reload_on_signal();
    });
}

void GatewayRun::start_metrics() {
    const auto& at = *options_.metrics;
    listener_.emplace(io_.get_executor(), at.host, at.port, metrics_, fleet_);
    listener_->use([this] {
        metrics::Moment moment;
        moment.tally = server_.tally();
        moment.load = server_.load();
        moment.settle_queue = parts_.settler.waiting();
        moment.question_queue = parts_.backend.waiting();
        moment.certificate_end_s = certificate_end_s_;
        return moment;
    });
    spdlog::info("metrics at http://{}:{}/metrics", at.host, listener_->port());
}

void GatewayRun::spawn(asio::awaitable<void> running) {
    ++running_;
    asio::co_spawn(io_, std::move(running), [this](std::exception_ptr failure) {
        if (failure) {
            failed_ = std::move(failure);
            stop();
        }
        if (--running_ == 0) {
            signals_.cancel();
        }
    });
}

void GatewayRun::stop() {
    server_.stop();
    if (listener_) {
        listener_->stop();
    }
    hangups_.cancel();
}

void GatewayRun::run() {
    signals_.async_wait([this](const boost::system::error_code& failure, int signal) {
        if (!failure) {
            spdlog::info("signal {}: answering what is in flight, then stopping", signal);
            stop();
        }
    });
    spawn(server_.run());
    if (listener_) {
        spawn(listener_->run());
    }
    spdlog::info(
        "listening on {}:{}{}",
        options_.listen.host,
        server_.port(),
        options_.tls ? " with TLS" : ""
    );
    io_.run();
    parsers_.join();
    if (failed_) {
        std::rethrow_exception(failed_);
    }
}

}  // namespace tapline::cli
