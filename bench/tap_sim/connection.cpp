#include "bench/tap_sim/connection.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace tapline::tap_sim {
namespace {

constexpr std::string_view select_new = "SELECT 1 FROM pours WHERE status = 'new' LIMIT 1";
constexpr std::string_view select_column =
    "SELECT 1 FROM pragma_table_info('pours') WHERE name = ?1";

struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
};

using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

Statement prepare(sqlite3* handle, std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(handle, sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
    return Statement(statement);
}

struct Bind {
    sqlite3_stmt* statement;
    int index;

    int operator()(std::monostate) const { return sqlite3_bind_null(statement, index); }

    int operator()(std::int64_t value) const { return sqlite3_bind_int64(statement, index, value); }

    int operator()(double value) const { return sqlite3_bind_double(statement, index, value); }

    int operator()(const Text& value) const {
        const auto size = static_cast<int>(value.bytes.size());
        return sqlite3_bind_text(statement, index, value.bytes.data(), size, SQLITE_STATIC);
    }

    int operator()(const Blob& value) const {
        const auto size = static_cast<int>(value.bytes.size());
        return sqlite3_bind_blob(statement, index, value.bytes.data(), size, SQLITE_STATIC);
    }
};

std::string insert_sql(const std::vector<Column>& columns) {
    std::string names;
    std::string marks;
    for (const Column& column : columns) {
        names += (names.empty() ? "" : ", ") + column.name;
        marks += marks.empty() ? "?" : ", ?";
    }
    return fmt::format("INSERT INTO pours ({}) VALUES ({})", names, marks);
}

}  // namespace

bool SqliteError::busy() const noexcept {
    return (code_ & 0xff) == SQLITE_BUSY;
}

void Connection::Close::operator()(sqlite3* handle) const noexcept {
    sqlite3_close(handle);
}

Connection::Connection(const std::string& file, int busy_timeout_ms) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open(file.c_str(), &handle);
    handle_.reset(handle);
    if (code != SQLITE_OK) {
        fail("open " + file);
    }
    sqlite3_busy_timeout(handle, busy_timeout_ms);
}

void Connection::fail(std::string_view doing) {
    const int code = sqlite3_extended_errcode(handle_.get());
    throw SqliteError(
        code, fmt::format("{}: {} (SQLite code {})", doing, sqlite3_errmsg(handle_.get()), code)
    );
}

void Connection::execute(std::string_view sql) {
    const std::string text(sql);
    if (sqlite3_exec(handle_.get(), text.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
        fail(text.substr(0, 40));
    }
}

std::int64_t Connection::insert(const std::vector<Column>& columns) {
    const Statement statement = prepare(handle_.get(), insert_sql(columns));
    if (!statement) {
        fail("INSERT INTO pours");
    }
    int index = 0;
    for (const Column& column : columns) {
        ++index;
        if (std::visit(Bind{statement.get(), index}, column.value) != SQLITE_OK) {
            fail("bind " + column.name);
        }
    }
    if (sqlite3_step(statement.get()) != SQLITE_DONE) {
        fail("INSERT INTO pours");
    }
    return sqlite3_last_insert_rowid(handle_.get());
}

bool Connection::has_row(std::string_view sql, std::string_view parameter) {
    const Statement statement = prepare(handle_.get(), sql);
    if (!statement) {
        fail(sql);
    }
    if (!parameter.empty()) {
        sqlite3_bind_text(
            statement.get(), 1, parameter.data(), static_cast<int>(parameter.size()), SQLITE_STATIC
        );
    }
    const int code = sqlite3_step(statement.get());
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        fail(sql);
    }
    return code == SQLITE_ROW;
}

bool Connection::any_new_pour() {
    return has_row(select_new, {});
}

bool Connection::pours_has_column(std::string_view name) {
    return has_row(select_column, name);
}

}  // namespace tapline::tap_sim
