#include "bench/tap_sim/tap.hpp"

#include <stdexcept>
#include <thread>

#include <fmt/format.h>

namespace tapline::tap_sim {
namespace {

using Clock = Latency::Clock;
constexpr std::chrono::milliseconds refusal_retry{50};

std::chrono::milliseconds since(Clock::time_point start) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

}  // namespace

Tap::Tap(const Release& release, TapOptions options, const std::atomic<bool>& stop)
    : release_(release), options_(std::move(options)), stop_(stop) {}

Connection& Tap::connection() {
    if (!connection_) {
        connection_.emplace(options_.journal, options_.busy_timeout_ms);
    }
    return *connection_;
}

void Tap::after_operation() noexcept {
    if (!options_.persistent) {
        connection_.reset();
    }
}

void Tap::create() {
    Connection& open = connection();
    if (release_.wal) {
        open.execute("PRAGMA journal_mode=WAL");
    }
    open.execute(release_.create);
    for (const AddedColumn& column : release_.added) {
        if (!open.pours_has_column(column.name)) {
            open.execute(
                fmt::format("ALTER TABLE pours ADD COLUMN {} {}", column.name, column.declaration)
            );
        }
    }
    after_operation();
}

bool Tap::new_pour_exists() {
    try {
        const bool found = connection().any_new_pour();
        after_operation();
        return found;
    } catch (const SqliteError& error) {
        connection_.reset();
        if (!error.busy() || !options_.retry_busy) {
            throw;
        }
        ++report_.busy;
        return true;
    }
}

bool Tap::wait_until_it_may_pour() {
    if (!options_.refuse_while_new) {
        return !stop_;
    }
    const Clock::time_point start = Clock::now();
    bool refused = false;
    while (new_pour_exists()) {
        if (stop_) {
            break;
        }
        if (since(start) > options_.give_up) {
            throw std::runtime_error(fmt::format(
                "refused to pour for {} s: a pour with status 'new' stays",
                options_.give_up.count() / 1000
            ));
        }
        refused = true;
        std::this_thread::sleep_for(refusal_retry);
    }
    if (refused) {
        ++report_.refusals;
        report_.longest_refusal = std::max(report_.longest_refusal, since(start));
    }
    return !stop_;
}

std::int64_t Tap::store_once(const std::vector<Column>& columns) {
    const Clock::time_point opening = Clock::now();
    Connection& open = connection();
    const Clock::time_point begin = Clock::now();
    open.execute("BEGIN");
    const std::int64_t rowid = open.insert(columns);
    const Clock::time_point commit = Clock::now();
    open.execute("COMMIT");
    const Clock::time_point done = Clock::now();
    after_operation();
    report_.commit.add(done - commit);
    report_.store.add(done - begin);
    report_.operation.add(Clock::now() - opening);
    return rowid;
}

std::optional<std::int64_t> Tap::store(const Pour& pour) {
    const std::vector<Column> columns = columns_for(release_, pour);
    const Clock::time_point start = Clock::now();
    while (true) {
        try {
            const std::int64_t rowid = store_once(columns);
            ++report_.pours;
            return rowid;
        } catch (const SqliteError& error) {
            // A failed statement leaves a persistent connection inside its transaction.
            connection_.reset();
            if (!error.busy()) {
                throw;
            }
            ++report_.busy;
            if (!options_.retry_busy || since(start) > options_.give_up) {
                throw;
            }
            if (stop_) {
                return std::nullopt;
            }
        }
    }
}

}  // namespace tapline::tap_sim
