// One SQLite connection as Python's sqlite3 module makes it. Plain C API on purpose: the tap's
// program shares no code with the agent, so neither may what imitates it.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "common/pour.hpp"

struct sqlite3;

namespace tapline::tap_sim {

class SqliteError : public std::runtime_error {
  public:
    SqliteError(int code, const std::string& what) : std::runtime_error(what), code_(code) {}

    /// SQLITE_BUSY or one of its extended codes.
    [[nodiscard]] bool busy() const noexcept;

  private:
    int code_;
};

class Connection {
  public:
    Connection(const std::string& file, int busy_timeout_ms);

    void execute(std::string_view sql);
    /// Inserts one row into pours; returns its rowid.
    std::int64_t insert(const std::vector<Column>& columns);
    [[nodiscard]] bool any_new_pour();
    [[nodiscard]] bool pours_has_column(std::string_view name);

  private:
    struct Close {
        void operator()(sqlite3* handle) const noexcept;
    };

    [[nodiscard]] bool has_row(std::string_view sql, std::string_view parameter);
    [[noreturn]] void fail(std::string_view doing);

    std::unique_ptr<sqlite3, Close> handle_;
};

}  // namespace tapline::tap_sim
