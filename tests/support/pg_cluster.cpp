#include "tests/support/pg_cluster.hpp"

#include <charconv>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "central/pg/process.hpp"
#include "central/revision/execute.hpp"

namespace tapline::test {

namespace {

namespace fs = std::filesystem;

constexpr const char* prefix = "tapline-pg-test-";
constexpr std::chrono::seconds start_limit{60};
constexpr std::chrono::milliseconds poll_pause{20};

fs::path base_directory() {
    return access("/dev/shm", W_OK) == 0 ? fs::path("/dev/shm") : fs::temp_directory_path();
}

/// Directories of test programs that were killed.
void sweep(const fs::path& base) {
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(base, ignored)) {
        const std::string name = entry.path().filename().string();
        pid_t owner = 0;
        if (name.starts_with(prefix)) {
            const char* digits = name.data() + std::string_view(prefix).size();
            std::from_chars(digits, name.data() + name.size(), owner);
        }
        if (owner > 0 && kill(owner, 0) != 0 && pg::processes_in(entry.path() / "data").empty()) {
            fs::remove_all(entry.path(), ignored);
        }
    }
}

void make_cluster(const fs::path& directory, const pg::Account& account) {
    const pg::Spawn initdb{
        {(pg::postgres_programs() / "initdb").string(),
         "--pgdata=" + (directory / "data").string(),
         "--username=tapline",
         "--auth=trust",
         "--encoding=UTF8",
         "--locale=C.UTF-8",
         "--no-sync",
         "--no-instructions"},
        directory / "log",
        SIGKILL};
    if (pg::run(initdb, account) != 0) {
        throw std::runtime_error("initdb failed: " + pg::tail(directory / "log"));
    }
}

std::string fresh_name() {
    static int count = 0;
    return fmt::format("test_{}_{}", getpid(), ++count);
}

}  // namespace

PgCluster& PgCluster::shared() {
    static PgCluster cluster;
    return cluster;
}

PgCluster::PgCluster() {
    sweep(base_directory());
    const pg::Account account = pg::postgres_account();
    directory_ = base_directory() / fmt::format("{}{}", prefix, getpid());
    fs::remove_all(directory_);
    if (mkdir(directory_.c_str(), 0700) != 0 ||
        chown(directory_.c_str(), account.uid, account.gid) != 0) {
        throw std::runtime_error("can't make " + directory_.string());
    }
    make_cluster(directory_, account);
    start();
}

PgCluster::~PgCluster() {
    kill(server_, SIGQUIT);
    wait_until_gone();
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
}

void PgCluster::wait_until_gone() const {
    waitpid(server_, nullptr, 0);
}

void PgCluster::start() {
    const fs::path data = directory_ / "data";
    server_ = pg::spawn(
        {{(pg::postgres_programs() / "postgres").string(),
          "-D",
          data.string(),
          "-k",
          directory_.string(),
          "-p",
          "5432",
          "--listen_addresses=",
          "--fsync=off",
          "--full_page_writes=off",
          "--synchronous_commit=off",
          "--max_connections=100",
          "--shared_buffers=64MB",
          "--max_wal_size=256MB",
          "--timezone=Europe/Berlin",
          "--log_line_prefix=%m [%p] "},
         directory_ / "log",
         SIGQUIT},
        pg::postgres_account()
    );
    const auto begin = std::chrono::steady_clock::now();
    while (PQping(url("postgres").c_str()) != PQPING_OK) {
        if (waitpid(server_, nullptr, WNOHANG) == server_ ||
            std::chrono::steady_clock::now() - begin > start_limit) {
            throw std::runtime_error("PostgreSQL doesn't start: " + pg::tail(directory_ / "log"));
        }
        std::this_thread::sleep_for(poll_pause);
    }
}

void PgCluster::crash_and_restart() {
    kill(server_, SIGQUIT);
    wait_until_gone();
    while (!pg::processes_in(directory_ / "data").empty()) {
        std::this_thread::sleep_for(poll_pause);
    }
    start();
}

std::string PgCluster::url(const std::string& database) const {
    return fmt::format("host={} port=5432 user=tapline dbname={}", directory_.string(), database);
}

pg::Session PgCluster::connect(const std::string& database) const {
    return pg::Session({.url = url(database), .application_name = "test"});
}

const std::string& PgCluster::template_at_head() {
    if (template_.empty()) {
        const std::string name = fresh_name() + "_template";
        connect("postgres").run("CREATE DATABASE " + name);
        const revision::LineageSet lineages = revision::load_lineages({});
        revision::RunOptions options;
        options.connect.url = url(name);
        revision::Runner(lineages, options).upgrade("heads");
        template_ = name;
    }
    return template_;
}

TestDatabase::TestDatabase(Schema schema) : name_(fresh_name()) {
    PgCluster& cluster = PgCluster::shared();
    const std::string source =
        schema == Schema::empty ? std::string("template0") : cluster.template_at_head();
    cluster.connect("postgres").run(fmt::format("CREATE DATABASE {} TEMPLATE {}", name_, source));
}

TestDatabase::~TestDatabase() {
    try {
        PgCluster::shared()
            .connect("postgres")
            .run(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name_));
    } catch (const std::exception& error) {
        fmt::print(stderr, "{} stays behind: {}\n", name_, error.what());
    }
}

std::string TestDatabase::url() const {
    return PgCluster::shared().url(name_);
}

pg::Session TestDatabase::connect() const {
    return PgCluster::shared().connect(name_);
}

}  // namespace tapline::test
