#include "central/cli/service.hpp"

#include <charconv>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "central/cli/start_checks.hpp"
#include "central/gateway/pg_backend.hpp"
#include "central/gateway/routes.hpp"
#include "central/gateway/server.hpp"
#include "central/pg/embedded.hpp"
#include "central/revision/execute.hpp"
#include "central/settle/settler.hpp"
#include "common/error.hpp"

namespace tapline::cli {

namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds supervise_pause{1};
constexpr std::chrono::seconds start_patience{30};
constexpr std::chrono::milliseconds start_pause{500};

/// Brings the private PostgreSQL back when it dies, on a thread of its own.
class Supervisor {
  public:
    explicit Supervisor(pg::EmbeddedServer& server)
        : server_(server), thread_([this] { watch(); }) {}

    ~Supervisor() {
        {
            const std::lock_guard lock(mutex_);
            stop_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }

    Supervisor(const Supervisor&) = delete;
    Supervisor& operator=(const Supervisor&) = delete;

  private:
    void watch() {
        std::unique_lock lock(mutex_);
        while (!wake_.wait_for(lock, supervise_pause, [this] { return stop_; })) {
            lock.unlock();
            server_.ensure_running();
            lock.lock();
        }
    }

    pg::EmbeddedServer& server_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stop_ = false;
    std::thread thread_;
};

void upgrade_new(const revision::LineageSet& set, const std::string& url) {
    revision::RunOptions options;
    options.connect.url = url;
    options.say = [](const std::string& line) { spdlog::info("{}", line); };
    revision::Runner runner(set, options);
    runner.upgrade("heads");
    mark_as_dev(runner.session());
}

/// After a power cut both come up at the same time, and PostgreSQL has its log to replay.
void wait_for_database(const std::string& url) {
    pg::ConnectOptions options;
    options.url = url;
    const auto begin = std::chrono::steady_clock::now();
    bool told = false;
    while (!pg::accepts_connections(options) &&
           std::chrono::steady_clock::now() - begin < start_patience) {
        if (!told) {
            told = true;
            spdlog::warn(
                "PostgreSQL doesn't answer; waiting up to {} s for it", start_patience.count()
            );
        }
        std::this_thread::sleep_for(start_pause);
    }
}

void check_database(const revision::LineageSet& set, const std::string& url) {
    revision::RunOptions options;
    options.connect.url = url;
    revision::Runner runner(set, options);
    check_at_head(set, runner.applied());
    check_pours_columns(runner.session());
    spdlog::info("the database's environment is {}", environment_of(runner.session()));
}

constexpr std::chrono::hours warn_before_end{30 * 24};

gateway::ServerTls server_tls(const trust::Material& material) {
    const SystemClock clock;
    const auto end = pki::Certificate::from_pem(material.server_chain).not_after();
    if (end < clock.now_utc() + warn_before_end) {
        spdlog::warn(
            "the server's certificate ends at {}: tapline-central tls renew", format_utc(end)
        );
    }
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

/// Waits for SIGHUP and reads the certificates again; bad ones are refused and the old ones stay.
void reload_on_signal(
    asio::signal_set& signals,
    const TlsOptions& options,
    gateway::Server& server,
    gateway::PgBackend& backend
) {
    signals.async_wait([&](const boost::system::error_code& cancelled, int) {
        if (cancelled) {
            return;
        }
        try {
            const auto material = trust::load(options.paths);
            server.use(server_tls(material));
            backend.use(issuer_of(options, material));
            spdlog::info("SIGHUP: new connections get the certificates that are there now");
        } catch (const Error& failure) {
            spdlog::error("SIGHUP: the certificates stay as they were: {}", failure.what());
        }
        reload_on_signal(signals, options, server, backend);
    });
}

/// Runs until a signal. The io_context has one thread: this one.
void run_gateway(
    const ServeOptions& options,
    const std::optional<trust::Material>& material,
    gateway::PgBackend& backend
) {
    asio::io_context io(1);
    asio::thread_pool parsers(1);
    gateway::Routes routes(backend, parsers.get_executor(), options.routes);
    gateway::ServerOptions server_options{options.limits};
    server_options.address = options.listen.host;
    server_options.port = options.listen.port;
    // A connection outlives the pause between two heartbeats, or each would cost a handshake.
    server_options.idle_timeout = std::max<std::chrono::milliseconds>(
        server_options.idle_timeout, options.routes.heartbeat * 3 / 2
    );
    if (material) {
        server_options.tls = server_tls(*material);
        backend.use(issuer_of(*options.tls, *material));
    }
    gateway::Server server(io.get_executor(), server_options, [&routes](http::Request request) {
        return routes.handle(std::move(request));
    });
    asio::signal_set signals(io, SIGTERM, SIGINT);
    asio::signal_set hangups(io);
    if (material) {
        hangups.add(SIGHUP);
        reload_on_signal(hangups, *options.tls, server, backend);
    }
    signals.async_wait([&](const boost::system::error_code& failure, int signal) {
        if (!failure) {
            spdlog::info("signal {}: answering what is in flight, then stopping", signal);
            server.stop();
            hangups.cancel();
        }
    });
    std::exception_ptr failed;
    asio::co_spawn(io, server.run(), [&](std::exception_ptr failure) {
        failed = std::move(failure);
        signals.cancel();
        hangups.cancel();
    });
    spdlog::info(
        "listening on {}:{}{}", options.listen.host, server.port(), material ? " with TLS" : ""
    );
    io.run();
    parsers.join();
    if (failed) {
        std::rethrow_exception(failed);
    }
}

}  // namespace

ListenAddress parse_listen(const std::string& text, bool tls) {
    const std::size_t colon = text.rfind(':');
    ListenAddress address{text.substr(0, colon == std::string::npos ? 0 : colon), 0};
    const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
    const auto [end, failure] =
        std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (failure != std::errc{} || end != port.data() + port.size() || address.host.empty()) {
        throw Error(
            ErrorKind::usage,
            "listen_address",
            fmt::format("'{}' isn't HOST:PORT", text),
            "write --listen 127.0.0.1:8080"
        );
    }
    if (address.host == "localhost") {
        address.host = "127.0.0.1";
    }
    if (address.host.starts_with('[') && address.host.ends_with(']')) {
        address.host = address.host.substr(1, address.host.size() - 2);
    }
    if (!tls && address.host != "::1" && !address.host.starts_with("127.")) {
        throw Error(
            ErrorKind::refused,
            "listen_beyond_loopback",
            fmt::format("'{}' can be reached from other machines, and there is no TLS", text),
            "make certificates with `tapline-central tls init --name HOST` and serve with --tls "
            "DIR, or listen on 127.0.0.1 or [::1]"
        );
    }
    return address;
}

void serve(const ServeOptions& options) {
    std::unique_ptr<pg::EmbeddedServer> embedded;
    std::string url = options.database_url;
    const revision::LineageSet set = revision::load_lineages({});
    std::optional<trust::Material> material;
    if (options.tls) {
        material = trust::load(options.tls->paths);
    }
    if (options.embedded) {
        embedded = std::make_unique<pg::EmbeddedServer>(*options.embedded);
        url = embedded->url();
        if (embedded->is_new()) {
            upgrade_new(set, url);
            embedded->setup_done();
        }
    }
    try {
        wait_for_database(url);
        check_database(set, url);
        const std::unique_ptr<Supervisor> supervisor =
            embedded ? std::make_unique<Supervisor>(*embedded) : nullptr;
        settle::SettleOptions settle_options;
        settle_options.database_url = url;
        settle_options.price_from_journal = options.price_from_journal;
        settle::Settler settler(settle_options);
        {
            gateway::PgBackendOptions backend_options;
            backend_options.database_url = url;
            backend_options.schema_check = [&set](pg::Session& session) {
                return obstacle_in_schema(set, session);
            };
            gateway::PgBackend backend(settler, std::move(backend_options));
            run_gateway(options, material, backend);
        }
        settler.stop();
    } catch (...) {
        if (embedded) {
            embedded->stop();
        }
        throw;
    }
    if (embedded) {
        embedded->stop();
    }
    spdlog::info("stopped");
}

}  // namespace tapline::cli
