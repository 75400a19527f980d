#include "central/revision/blockers.hpp"

#include <optional>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::revision {

namespace {

constexpr std::chrono::milliseconds look_pause{500};

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

std::string BlockerWatch::last_seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
}

void BlockerWatch::watch() {
    std::optional<pg::Session> session;
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, look_pause, [this] { return stop_; })) {
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
        if (!found.empty()) {
            seen_ = std::move(found);
        }
    }
}

}  // namespace tapline::revision
