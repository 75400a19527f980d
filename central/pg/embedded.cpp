#include "central/pg/embedded.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <libpq-fe.h>
#include <spdlog/spdlog.h>

#include "central/pg/embedded_directory.hpp"
#include "central/pg/session.hpp"
#include "common/error.hpp"

namespace tapline::pg {

namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr const char* role = "tapline";
constexpr const char* database = "tapline";
constexpr seconds start_limit{120};
constexpr seconds stop_limit{60};
constexpr seconds orphan_patience{5};
constexpr seconds orphan_limit{20};
constexpr seconds max_start_pause{30};
constexpr milliseconds poll_pause{50};
constexpr std::uintmax_t max_log_bytes = 10U << 20U;

constexpr std::string_view has_database_sql = "SELECT 1 FROM pg_database WHERE datname = 'tapline'";
constexpr std::string_view create_database_sql = "CREATE DATABASE tapline";

std::string first_line(const fs::path& file) {
    std::ifstream in(file);
    std::string line;
    std::getline(in, line);
    return line;
}

bool answers(const std::string& url) {
    return PQping(url.c_str()) == PQPING_OK;
}

}  // namespace

EmbeddedServer::EmbeddedServer(const fs::path& directory)
    : directory_(fs::absolute(directory).lexically_normal()), account_(postgres_account()) {
    if (!directory_.has_filename()) {
        directory_ = directory_.parent_path();
    }
    try {
        prepare_directory();
        take_lock();
        socket_ = socket_directory_for(directory_, port_, account_);
        make_private_directory(socket_, account_);
        url_ = url_for(database);
        if (!fs::exists(data_ / "PG_VERSION")) {
            make_cluster();
        }
        is_new_ = fs::exists(directory_ / "setup_pending");
        programs_ = postgres_programs(first_line(data_ / "PG_VERSION"));
        start();
        make_database();
        write_private_file(directory_ / "database_url", url_ + "\n");
    } catch (...) {
        if (lock_fd_ >= 0) {
            close(lock_fd_);
        }
        throw;
    }
}

EmbeddedServer::~EmbeddedServer() {
    if (lock_fd_ >= 0) {
        close(lock_fd_);
    }
}

void EmbeddedServer::prepare_directory() {
    std::error_code failure;
    fs::create_directories(directory_, failure);
    if (failure) {
        refuse_directory(
            fmt::format("can't make {}: {}", directory_.string(), failure.message()),
            "give --embedded a directory that this user may write to"
        );
    }
    directory_ = fs::canonical(directory_);
    const bool ours = fs::exists(directory_ / "lock") || fs::exists(directory_ / "data") ||
                      fs::exists(directory_ / "data.new");
    if (!ours && !fs::is_empty(directory_)) {
        refuse_directory(
            fmt::format("{} isn't empty, and what is in it isn't ours", directory_.string()),
            "give --embedded a new directory"
        );
    }
    check_parents(directory_, account_);
    data_ = directory_ / "data";
    log_ = directory_ / "postgres.log";
    port_ = port_for(directory_);
    if (fs::exists(log_, failure) && fs::file_size(log_, failure) > max_log_bytes) {
        fs::rename(log_, directory_ / "postgres.log.1", failure);
    }
}

void EmbeddedServer::take_lock() {
    const fs::path file = directory_ / "lock";
    lock_fd_ = open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock_fd_ < 0) {
        refuse_directory(
            fmt::format("can't write {}: {}", file.string(), std::strerror(errno)),
            "run as the user that owns the directory"
        );
    }
    if (flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
        throw Error(
            ErrorKind::refused,
            "embedded_in_use",
            fmt::format("another tapline-central serves with {}", directory_.string()),
            "stop it first, or use what DIR/database_url says in DATABASE_URL"
        );
    }
}

void EmbeddedServer::make_cluster() {
    const fs::path fresh = directory_ / "data.new";
    std::error_code ignored;
    fs::remove_all(fresh, ignored);
    make_private_directory(fresh, account_);
    std::ofstream(directory_ / "setup_pending").close();
    programs_ = postgres_programs();
    spdlog::info("making a new PostgreSQL cluster in {}", data_.string());
    const Spawn initdb{
        {(programs_ / "initdb").string(),
         "--pgdata=" + fresh.string(),
         std::string("--username=") + role,
         "--auth=trust",  // the socket's directory is the gate: mode 0700
         "--encoding=UTF8",
         "--locale=C.UTF-8",
         "--data-checksums",
         "--no-instructions"},
        log_,
        SIGKILL};
    if (run(initdb, account_) != 0) {
        throw Error(
            ErrorKind::storage,
            "embedded_initdb",
            fmt::format("initdb failed in {}: {}", fresh.string(), tail(log_)),
            fmt::format("see {}; is the disk full?", log_.string())
        );
    }
    fs::rename(fresh, data_);
}

std::string EmbeddedServer::url_for(const std::string& name) const {
    std::string host;
    for (const char c : socket_.string()) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        host += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return fmt::format("postgresql://{}@{}:{}/{}", role, host, port_, name);
}

pid_t EmbeddedServer::postmaster_pid() const {
    const std::string line = first_line(data_ / "postmaster.pid");
    pid_t pid = 0;
    std::from_chars(line.data(), line.data() + line.size(), pid);
    if (pid <= 1) {
        return 0;
    }
    // The number may belong to anything by now; a postmaster works in its data directory.
    std::error_code unreadable;
    const fs::path link = fs::path("/proc") / std::to_string(pid) / "cwd";
    return fs::read_symlink(link, unreadable) == data_ ? pid : 0;
}

bool EmbeddedServer::running() const {
    return postmaster_pid() != 0;
}

pid_t EmbeddedServer::launch() const {
    const auto setting = [](std::string_view text) { return fmt::format("--{}", text); };
    const Spawn server{
        {(programs_ / "postgres").string(),
         "-D",
         data_.string(),
         "-k",
         socket_.string(),
         "-p",
         std::to_string(port_),
         setting("listen_addresses="),
         setting("unix_socket_permissions=0700"),
         setting("fsync=on"),
         setting("full_page_writes=on"),
         setting("synchronous_commit=on"),
         setting("timezone=UTC"),
         setting("log_timezone=UTC"),
         setting("log_line_prefix=%m [%p] "),
         setting("logging_collector=off"),
         setting("max_connections=50"),
         setting("shared_buffers=128MB"),
         setting("cluster_name=tapline")},
        log_,
        0};
    return spawn(server, account_);
}

/// A killed postmaster's children live until they notice; they hold the shared memory, and with it
/// the right to write to the files.
void EmbeddedServer::wait_for_orphans() const {
    const auto begin = steady_clock::now();
    bool told = false;
    for (std::vector<pid_t> left = processes_in(data_); !left.empty(); left = processes_in(data_)) {
        const auto waited = steady_clock::now() - begin;
        if (waited > orphan_limit) {
            throw Error(
                ErrorKind::unreachable,
                "embedded_start",
                fmt::format(
                    "process {} of the server before still works in {}",
                    left.front(),
                    data_.string()
                ),
                fmt::format("see what it does; kill -QUIT {} ends it without loss", left.front())
            );
        }
        if (waited > orphan_patience && !told) {
            told = true;
            for (const pid_t pid : left) {
                kill(pid, SIGQUIT);
            }
        }
        std::this_thread::sleep_for(poll_pause);
    }
}

bool EmbeddedServer::start_once(std::string& why) {
    wait_for_orphans();
    // Nobody works in the directory. Locks that are left would still keep the server from starting
    // while their number belongs to another program, or to a dead process that nobody has reaped.
    std::error_code ignored;
    fs::remove(data_ / "postmaster.pid", ignored);
    fs::remove(socket_ / fmt::format(".s.PGSQL.{}.lock", port_), ignored);
    child_ = launch();
    const auto begin = steady_clock::now();
    while (steady_clock::now() - begin < start_limit) {
        int status = 0;
        if (waitpid(child_, &status, WNOHANG) == child_) {
            child_ = 0;
            why = tail(log_);
            return false;
        }
        if (answers(url_for("postgres"))) {
            return true;
        }
        std::this_thread::sleep_for(poll_pause);
    }
    why = fmt::format("no answer within {} s; {}", start_limit.count(), tail(log_));
    return false;
}

void EmbeddedServer::start() {
    if (running()) {
        spdlog::info("attaching to the PostgreSQL that runs already, process {}", postmaster_pid());
        const auto begin = steady_clock::now();
        while (running() && steady_clock::now() - begin < start_limit) {
            if (answers(url_for("postgres"))) {
                return;
            }
            std::this_thread::sleep_for(poll_pause);
        }
    }
    std::string why;
    for (int attempt = 0; attempt < 3; ++attempt) {
        if (start_once(why)) {
            spdlog::info("PostgreSQL runs, process {}", postmaster_pid());
            return;
        }
        std::this_thread::sleep_for(seconds(1));
    }
    throw Error(
        ErrorKind::unreachable,
        "embedded_start",
        fmt::format("the embedded PostgreSQL doesn't start: {}", why),
        fmt::format("see {}", log_.string())
    );
}

void EmbeddedServer::make_database() {
    Session session(ConnectOptions{url_for("postgres")});
    if (session.run(has_database_sql).empty()) {
        session.run(create_database_sql);
    }
}

void EmbeddedServer::setup_done() {
    std::error_code ignored;
    fs::remove(directory_ / "setup_pending", ignored);
    is_new_ = false;
}

EmbeddedServer::State EmbeddedServer::ensure_running() {
    reap();
    if (running()) {
        failed_starts_ = 0;
        return State::running;
    }
    const auto now = steady_clock::now();
    if (now < next_start_) {
        return State::down;
    }
    spdlog::warn("the embedded PostgreSQL is gone; starting it again");
    std::string why;
    try {
        if (start_once(why)) {
            failed_starts_ = 0;
            spdlog::info("PostgreSQL runs again, process {}", postmaster_pid());
            return State::restarted;
        }
    } catch (const Error& error) {
        why = error.what();
    }
    const auto pause = std::min(max_start_pause, seconds(1 << std::min(failed_starts_, 5)));
    ++failed_starts_;
    next_start_ = steady_clock::now() + pause;
    spdlog::error("PostgreSQL doesn't start, next try in {} s: {}", pause.count(), why);
    return State::down;
}

void EmbeddedServer::stop() {
    const pid_t pid = postmaster_pid();
    if (pid == 0) {
        return;
    }
    kill(pid, SIGINT);
    const auto begin = steady_clock::now();
    // Its lock file goes a moment before the last process does.
    while (!processes_in(data_).empty() && steady_clock::now() - begin < stop_limit) {
        std::this_thread::sleep_for(poll_pause);
    }
    reap();
    if (!processes_in(data_).empty()) {
        spdlog::warn("PostgreSQL, process {}, still shuts down; leaving it to that", pid);
    }
}

void EmbeddedServer::reap() noexcept {
    if (child_ > 0 && waitpid(child_, nullptr, WNOHANG) == child_) {
        child_ = 0;
    }
}

}  // namespace tapline::pg
