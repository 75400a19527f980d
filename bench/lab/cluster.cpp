#include "bench/lab/cluster.hpp"

#include <csignal>
#include <fstream>

#include <unistd.h>

#include <fmt/format.h>

#include "bench/lab/postgres.hpp"
#include "central/pg/process.hpp"
#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;

constexpr int port = 5432;  // names the socket file only
constexpr std::chrono::seconds start_limit{60};

std::string percent_encoded(const std::string& path) {
    std::string result;
    for (const char c : path) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        result += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return result;
}

}  // namespace

std::string Cluster::settings() {
    // Checkpoints happen between runs, by command: a timed one would land in one side of a pair.
    return "shared_buffers = 256MB\n"
           "max_wal_size = 8GB\n"
           "checkpoint_timeout = 1h\n"
           "max_connections = 40\n";
}

Cluster::Cluster(const fs::path& directory) : directory_(directory) {
    const pg::Account account = pg::postgres_account();
    const fs::path programs = pg::postgres_programs("15");
    fs::create_directories(directory_);
    if (chown(directory_.c_str(), account.uid, account.gid) != 0) {
        throw Error(
            ErrorKind::storage, "chown", directory_.string() + " can't be given to postgres"
        );
    }
    const fs::path data = directory_ / "data";
    Command initdb;
    initdb.arguments = {programs / "initdb", "-D", data, "-U", "tapline", "-A", "trust"};
    initdb.arguments.insert(initdb.arguments.end(), {"-E", "UTF8", "--locale=C.UTF-8"});
    initdb.log = directory_.parent_path() / "initdb.log";
    initdb.user = User{account.uid, account.gid};
    Child(initdb).require_success(start_limit);
    std::ofstream conf(data / "postgresql.conf", std::ios::app);
    conf << "listen_addresses = ''\nunix_socket_directories = '" << directory_.string() << "'\n"
         << "port = " << port << "\n"
         << settings() << std::flush;
    if (!conf) {
        throw Error(ErrorKind::storage, "write_failed", "can't write postgresql.conf");
    }
    Command start;
    start.arguments = {programs / "postgres", "-D", data};
    start.log = directory_.parent_path() / "postgres.log";
    start.user = initdb.user;
    start.death_signal = SIGQUIT;
    server_ = std::make_unique<Child>(start);
    const auto answers = [this] {
        try {
            PgConnection probe(url("postgres"));
            return true;
        } catch (const Error&) {
            // Not up yet; one that ended says why in its log.
            if (!server_->running()) {
                server_->require_success(std::chrono::seconds(0));
            }
            return false;
        }
    };
    wait_until(answers, start_limit, "PostgreSQL answers");
}

Cluster::~Cluster() {
    if (server_) {
        server_->stop(SIGINT);
    }
}

std::string Cluster::url(const std::string& database) const {
    const std::string host = percent_encoded(directory_.string());
    return fmt::format("postgresql://tapline@/{}?host={}&port={}", database, host, port);
}

Database::Database(const Cluster& cluster, std::string name, const std::string& like)
    : cluster_(cluster), name_(std::move(name)) {
    PgConnection admin(cluster_.url("postgres"));
    admin.exec(fmt::format("CREATE DATABASE \"{}\" TEMPLATE \"{}\"", name_, like));
    // What making it left dirty must not be written during the measurement.
    admin.exec("CHECKPOINT");
}

Database::~Database() {
    try {
        PgConnection admin(cluster_.url("postgres"));
        admin.exec(fmt::format("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", name_));
    } catch (const Error& error) {
        // The whole cluster goes away at the end of the run.
        fmt::print(stderr, "database {} stays until then: {}\n", name_, error.what());
    }
}

}  // namespace tapline::bench
