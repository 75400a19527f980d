#include "tests/sim/storm_tap.hpp"

#include <algorithm>
#include <stdexcept>
#include <variant>
#include <vector>

#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/release_inserts.hpp"
#include "common/pour.hpp"

namespace tapline::test {

namespace {

constexpr std::int64_t duration_ms = 2'900;
constexpr std::int64_t price_cents = 375;
constexpr std::int64_t tail_ml = 7;
constexpr double price_per_ml = 0.45;

std::string_view insert_of(std::string_view release) {
    for (const auto& statement : journal::release_statements) {
        if (statement.name == std::string(release) + " INSERT") {
            return statement.sql;
        }
    }
    throw std::runtime_error(fmt::format("release {} has no INSERT", release));
}

/// What each release gives its INSERT, in its order.
std::vector<Value> values_of(std::string_view release, const PourTry& pour, UtcTime utc) {
    std::vector<Value> values{Text{pour.id}};
    if (release >= "gen6") {
        values.emplace_back(Text{pour.id.substr(0, 8)});
    }
    values.emplace_back(Text{fmt::format("card{}", pour.guest)});
    values.emplace_back(std::int64_t{pour.device});
    if (release >= "gen7") {
        values.emplace_back(duration_ms);
    } else {
        values.emplace_back(Text{format_utc(utc - std::chrono::milliseconds(duration_ms))});
        values.emplace_back(Text{format_utc(utc)});
    }
    values.emplace_back(pour.volume_ml);
    if (release >= "gen8") {
        values.emplace_back(std::min(tail_ml, pour.volume_ml));
    }
    values.emplace_back(price_cents);
    if (release >= "gen5") {
        values.emplace_back(price_per_ml);
    }
    return values;
}

void bind_all(sqlite3_stmt* statement, const std::vector<Value>& values) {
    for (int place = 1; const auto& value : values) {
        if (const auto* text = std::get_if<Text>(&value)) {
            sqlite3_bind_text(statement, place, text->bytes.c_str(), -1, SQLITE_TRANSIENT);
        } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
            sqlite3_bind_int64(statement, place, *whole);
        } else {
            sqlite3_bind_double(statement, place, std::get<double>(value));
        }
        ++place;
    }
}

}  // namespace

bool StormTap::connect() {
    if (!connection_) {
        try {
            connection_.emplace(file_);
        } catch (const std::runtime_error&) {  // its card fails: it pours nothing
            return false;
        }
        connection_->run(habit_.full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
    }
    return true;
}

void StormTap::rest() {
    if (!habit_.persistent) {
        connection_.reset();
    }
}

bool StormTap::insert(const PourTry& pour, UtcTime utc) {
    const auto sql = insert_of(habit_.release);
    sqlite3_stmt* statement = nullptr;
    auto* const handle = connection_->handle();
    const auto size = static_cast<int>(sql.size());
    if (sqlite3_prepare_v2(handle, sql.data(), size, &statement, nullptr) != SQLITE_OK) {
        return false;
    }
    bind_all(statement, values_of(habit_.release, pour, utc));
    const int code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    return code == SQLITE_DONE;
}

bool StormTap::pour(const PourTry& pour, UtcTime utc) {
    const bool done = connect() && insert(pour, utc);
    rest();
    return done;
}

bool StormTap::begin(const PourTry& pour, UtcTime utc) {
    if (!connect() || connection_->run("BEGIN IMMEDIATE") != SQLITE_OK) {
        rest();
        return false;
    }
    in_transaction_ = true;
    if (insert(pour, utc)) {
        return true;
    }
    connection_->run("ROLLBACK");
    in_transaction_ = false;
    rest();
    return false;
}

bool StormTap::end() {
    in_transaction_ = false;
    if (!connection_) {
        return false;
    }
    const bool done = connection_->run("COMMIT") == SQLITE_OK;
    if (!done) {
        connection_->run("ROLLBACK");
    }
    rest();
    return done;
}

void StormTap::kill() {
    in_transaction_ = false;
    connection_.reset();
}

}  // namespace tapline::test
