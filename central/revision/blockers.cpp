#include "central/revision/blockers.hpp"

#include <optional>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::revision {

namespace {

// Blocks while the table is read, lines of the sort afterwards.
constexpr std::string_view build_sql =
    "SELECT p.phase, CASE WHEN p.blocks_total > 0 THEN (100 * p.blocks_done / p.blocks_total) "
    "WHEN p.tuples_total > 0 THEN (100 * p.tuples_done / p.tuples_total) END::bigint "
    "FROM pg_stat_progress_create_index p WHERE p.pid = $1::int";
constexpr std::chrono::milliseconds build_pause{3'000};
constexpr std::chrono::milliseconds look_pause{100};
constexpr std::chrono::milliseconds look_after{300};

constexpr std::string_view blockers_sql =
    "SELECT pid, usename, application_name, state, "
    "floor(extract(epoch FROM now() - coalesce(xact_start, query_start, backend_start)))::bigint "
    "FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids($1::int)) ORDER BY pid LIMIT 5";
constexpr std::string_view queue_sql =
    "SELECT count(*) FROM pg_stat_activity WHERE $1::int = ANY (pg_blocking_pids(pid))";

}  // namespace

std::string describe_blockers(pg::Session& session, int pid) {
    std::string text;
    const pg::Result rows = session.query(blockers_sql, pid);
    for (const pg::Row row : rows) {
        text += text.empty() ? "" : "; ";
        text += fmt::format(
            "process {} (user {}, application {}, {}, {} s)",
            row.text(0),
            printable(std::string(row.text(1))),
            printable(std::string(row.text(2))),
            row.text(3),
            row.integer(4)
        );
    }
    if (!text.empty()) {
        text += fmt::format("; {} queue behind us", session.query(queue_sql, pid)[0].integer(0));
    }
    return text;
}

BlockerWatch::BlockerWatch(pg::ConnectOptions connect, int pid)
    : connect_(std::move(connect)), pid_(pid), thread_([this] { watch(); }) {}

BlockerWatch::~BlockerWatch() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void BlockerWatch::begin() {
    const std::lock_guard lock(mutex_);
    tried_since_ = std::chrono::steady_clock::now();
    seen_.clear();
}

void BlockerWatch::end() {
    const std::lock_guard lock(mutex_);
    tried_since_.reset();
}

std::string BlockerWatch::last_seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
}

bool BlockerWatch::is_time() const {
    return tried_since_ && std::chrono::steady_clock::now() - *tried_since_ >= look_after;
}

void BlockerWatch::watch() {
    std::optional<pg::Session> session;
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, look_pause, [this] { return stop_; })) {
        if (!is_time()) {
            continue;
        }
        const auto looked_at = tried_since_;
        lock.unlock();
        std::string found;
        try {
            if (!session) {
                session.emplace(connect_);
            }
            found = describe_blockers(*session, pid_);
        } catch (const Error& error) {
            // A thread of our own: nothing above it would catch. The wait itself is reported
            // anyway.
            found = fmt::format("unknown, because looking failed: {}", error.what());
            session.reset();
        }
        lock.lock();
        if (!found.empty() && looked_at == tried_since_) {
            seen_ = std::move(found);
        }
    }
}

BuildWatch::BuildWatch(
    pg::ConnectOptions connect, int pid, std::function<void(const std::string& line)> say
)
    : connect_(std::move(connect)), pid_(pid), say_(std::move(say)) {
    if (say_) {
        thread_ = std::thread([this] { watch(); });
    }
}

BuildWatch::~BuildWatch() {
    if (!thread_.joinable()) {
        return;
    }
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

std::string BuildWatch::look(pg::Session& session) const {
    std::string text;
    const pg::Result build = session.query(build_sql, pid_);
    if (!build.empty()) {
        text = fmt::format("  {}", build[0].text(0));
        if (!build[0].is_null(1)) {
            text += fmt::format(", {} %", build[0].integer(1));
        }
    }
    const std::string blockers = describe_blockers(session, pid_);
    if (!blockers.empty()) {
        text += fmt::format("{} waits for {}", text.empty() ? " " : ";", blockers);
    }
    return text;
}

void BuildWatch::watch() {
    std::optional<pg::Session> session;
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, build_pause, [this] { return stop_; })) {
        lock.unlock();
        try {
            if (!session) {
                session.emplace(connect_);
            }
            if (const std::string line = look(*session); !line.empty()) {
                say_(line);
            }
        } catch (const Error& error) {
            say_(fmt::format("  how far it is can't be told: {}", error.what()));
            session.reset();
        }
        lock.lock();
    }
}

}  // namespace tapline::revision
