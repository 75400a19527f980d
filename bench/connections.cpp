#include "bench/connections.hpp"

#include <array>
#include <fstream>
#include <list>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nlohmann/json.hpp>
#include <openssl/ssl.h>

#include "bench/lab/proc_stat.hpp"
#include "bench/lab/statistics.hpp"
#include "central/trust/files.hpp"
#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds start_limit{60};
constexpr std::chrono::seconds quiet{2};
constexpr int spare_files = 500;

[[noreturn]] void failed(const std::string& what) {
    throw Error(ErrorKind::unreachable, "connections", what, "see central's log with --keep");
}

/// central with TLS and limits that don't get in the way.
class TlsCentral {
  public:
    TlsCentral(const Lab& lab, const std::string& database_url, int connections)
        : port_(free_port()), directory_(lab.directory() / "tls") {
        fs::create_directories(directory_);
        const SystemClock clock;
        material_ = trust::init(directory_, {"127.0.0.1"}, clock.now_utc());
        const fs::path config = lab.directory() / "connections.toml";
        std::ofstream(config) << fmt::format(
            "[gateway]\nmax_connections = {0}\nmax_connections_per_address = {0}\n"
            "max_connections_per_device = {0}\nidle_ms = 600000\nread_ms = 600000\n",
            connections + spare_files
        );
        const int metrics = free_port();
        Command command;
        command.arguments = {
            lab.programs().directory / "tapline-central",
            "serve",
            "--listen",
            fmt::format("127.0.0.1:{}", port_),
            "--metrics",
            fmt::format("127.0.0.1:{}", metrics),
            "--tls",
            directory_,
            "--config",
            config};
        command.environment = lab.programs().environment;
        command.environment["DATABASE_URL"] = database_url;
        command.log = lab.log("connections-central");
        child_ = std::make_unique<Child>(command);
        const auto ready = [this, metrics] {
            if (!child_->running()) {
                child_->require_success(std::chrono::seconds(0));
            }
            return http_status(metrics, "/metrics") == 200;
        };
        wait_until(ready, start_limit, "tapline-central is ready");
    }

    [[nodiscard]] int port() const noexcept { return port_; }

    [[nodiscard]] pid_t pid() const noexcept { return child_->pid(); }

    [[nodiscard]] const trust::Material& material() const noexcept { return material_; }

  private:
    int port_;
    fs::path directory_;
    trust::Material material_;
    std::unique_ptr<Child> child_;
};

/// One device's side, blocking.
class Device {
  public:
    Device(SSL_CTX* context, int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<std::uint16_t>(port));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const auto* to = reinterpret_cast<const sockaddr*>(&address);
        if (fd_ < 0 || ::connect(fd_, to, sizeof address) != 0) {
            failed("no connection to central came about");
        }
        // As agents do; else each handshake waits for a delayed acknowledgement.
        const int yes = 1;
        ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        tls_.reset(SSL_new(context));
        SSL_set_fd(tls_.get(), fd_);
        if (SSL_connect(tls_.get()) != 1) {
            failed("central ended a handshake");
        }
    }

    ~Device() { ::close(fd_); }

    Device(const Device&) = delete;
    Device& operator=(const Device&) = delete;

    /// The status of the answer.
    std::string ask(const std::string& request) {
        std::array<char, 4'096> answer{};
        if (SSL_write(tls_.get(), request.data(), static_cast<int>(request.size())) <= 0) {
            failed("central takes no request");
        }
        const int got = SSL_read(tls_.get(), answer.data(), static_cast<int>(answer.size()));
        if (got < 12) {
            failed("central gave no answer");
        }
        return {answer.data() + 9, 3};
    }

  private:
    struct Free {
        void operator()(SSL* tls) const noexcept { SSL_free(tls); }
    };

    int fd_;
    std::unique_ptr<SSL, Free> tls_;
};

struct FreeContext {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};

std::unique_ptr<SSL_CTX, FreeContext> device_context(const trust::Material& material) {
    const SystemClock clock;
    const auto key = pki::Key::generate();
    const auto request = pki::Request::from_pem(pki::Request::make(key));
    const auto lifetime = std::chrono::hours(24);
    const auto certificate =
        trust::issue_client(*material.authority, request, "bench", clock.now_utc(), lifetime);
    std::unique_ptr<SSL_CTX, FreeContext> context(SSL_CTX_new(TLS_client_method()));
    const std::string pem = key.pem();
    std::unique_ptr<BIO, decltype(&BIO_free_all)> text(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free_all
    );
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> loaded(
        PEM_read_bio_PrivateKey(text.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free
    );
    if (SSL_CTX_use_certificate(context.get(), certificate.handle()) != 1 ||
        SSL_CTX_use_PrivateKey(context.get(), loaded.get()) != 1) {
        failed("the device's certificate can't be used");
    }
    return context;
}

Json per_connection(const Memory& before, const Memory& after, int connections) {
    const auto bytes = [&](std::int64_t from, std::int64_t to) {
        return (to - from) * 1'024 / connections;
    };
    return {
        {"rss_bytes_per_connection", bytes(before.rss_kib, after.rss_kib)},
        {"anonymous_bytes_per_connection", bytes(before.anonymous_kib, after.anonymous_kib)},
        {"rss_mib", rounded(static_cast<double>(after.rss_kib) / 1'024, 1)}};
}

}  // namespace

Json measure_connections(const Lab& lab, const ConnectionOptions& options) {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const Database database = lab.fresh_database("connections");
    const TlsCentral central(lab, database.url(), options.connections);
    const auto context = device_context(central.material());
    const std::string small = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    const std::string body(static_cast<std::size_t>(options.body_bytes), ' ');
    const std::string large = fmt::format(
        "POST /v1/hello HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Content-Length: {}\r\n\r\n{}",
        body.size(),
        body
    );
    {
        Device first(context.get(), central.port());  // what is allocated once
        static_cast<void>(first.ask(large));
    }
    pause_for(quiet);
    const Memory empty = memory_of(central.pid());
    const double cpu_before = cpu_seconds(central.pid());
    const auto began = std::chrono::steady_clock::now();
    say(fmt::format("{} TLS connections at once", options.connections));
    std::list<Device> devices;
    for (int i = 0; i < options.connections; ++i) {
        throw_if_interrupted();
        devices.emplace_back(context.get(), central.port());
        if (devices.back().ask(small) != "200") {
            failed("central isn't well");
        }
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const double cpu = cpu_seconds(central.pid()) - cpu_before;
    Json json;
    json["connections"] = options.connections;
    json["handshakes_per_s"] = rounded(options.connections / took.count(), 0);
    json["central_cpu_us_per_handshake"] = rounded(cpu * 1e6 / options.connections, 0);
    pause_for(quiet);
    json["idle_after_a_small_request"] =
        per_connection(empty, memory_of(central.pid()), options.connections);
    for (auto& device : devices) {
        throw_if_interrupted();
        static_cast<void>(device.ask(large));
    }
    pause_for(quiet);
    json["body_bytes"] = options.body_bytes;
    json["idle_after_a_large_request"] =
        per_connection(empty, memory_of(central.pid()), options.connections);
    return json;
}

}  // namespace tapline::bench
