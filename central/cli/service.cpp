#include "central/cli/service.hpp"

#include <charconv>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "central/access/grants.hpp"
#include "central/cli/gateway_run.hpp"
#include "central/cli/start_checks.hpp"
#include "central/gateway/pg_backend.hpp"
#include "central/pg/embedded.hpp"
#include "central/revision/execute.hpp"
#include "central/settle/settler.hpp"
#include "common/error.hpp"
#include "common/secret_file.hpp"

namespace tapline::cli {

namespace {

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

/// True when the role that `serve` logs in with may do more than serve.
bool check_database(const revision::LineageSet& set, const std::string& url) {
    revision::RunOptions options;
    options.connect.url = url;
    revision::Runner runner(set, options);
    check_at_head(set, runner.applied());
    check_pours_columns(runner.session());
    spdlog::info("the database's environment is {}", environment_of(runner.session()));
    return access::may_change_schema(runner.session());
}

bool is_loopback(const ListenAddress& address) {
    return address.host == "::1" || address.host.starts_with("127.");
}

ListenAddress parse_address(const std::string& text, const std::string& where, int example) {
    const std::size_t colon = text.rfind(':');
    ListenAddress address{text.substr(0, colon == std::string::npos ? 0 : colon), 0};
    const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
    const auto [end, failure] =
        std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (failure != std::errc{} || end != port.data() + port.size() || address.host.empty()) {
        throw Error(
            ErrorKind::usage,
            "listen_address",
            fmt::format("{}: '{}' isn't HOST:PORT with a port up to 65535", where, text),
            fmt::format("write it as 127.0.0.1:{}", example)
        );
    }
    if (address.host == "localhost") {
        address.host = "127.0.0.1";
    }
    if (address.host.starts_with('[') && address.host.ends_with(']')) {
        address.host = address.host.substr(1, address.host.size() - 2);
    }
    return address;
}

}  // namespace

ListenAddress parse_listen(const std::string& text, bool tls, const std::string& where) {
    ListenAddress address = parse_address(text, where, 8080);
    if (!tls && !is_loopback(address)) {
        throw Error(
            ErrorKind::refused,
            "listen_beyond_loopback",
            fmt::format("{}: '{}' can be reached from other machines, without TLS", where, text),
            "make certificates with `tapline-central tls init --name HOST` and serve with --tls "
            "DIR, or listen on 127.0.0.1 or [::1]"
        );
    }
    return address;
}

ListenAddress parse_metrics(const std::string& text, const std::string& where) {
    ListenAddress address = parse_address(text, where, 9464);
    if (!is_loopback(address)) {
        throw Error(
            ErrorKind::refused,
            "metrics_beyond_loopback",
            fmt::format("{}: '{}' can be reached from other machines", where, text),
            "metrics are given on the loopback only, with TLS or without: write 127.0.0.1:9464, "
            "and collect them on this machine"
        );
    }
    return address;
}

void serve(const ServeOptions& options) {
    forbid_core_dumps();
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
        if (check_database(set, url) && !embedded) {
            spdlog::warn(
                "this role may change the schema, which serving doesn't need: "
                "`tapline-central grants --gateway-role ROLE` makes one that can't"
            );
        }
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
            GatewayRun gateway(options, material, GatewayParts{settler, backend, url});
            gateway.run();
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
