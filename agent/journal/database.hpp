// A connection to one SQLite file: the only place where SQLite's errors become ours.
//
// Rules that every connection of ours keeps: it never checkpoints by itself, not on close either
// (checkpoint.hpp says why), never maps the file into memory, writes only in BEGIN IMMEDIATE, and
// syncs by NORMAL: what the agent writes is a cache of what central knows.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/pour.hpp"

struct sqlite3;

namespace SQLite {
class Database;
class Statement;
}  // namespace SQLite

namespace tapline::journal {

/// The writer's own patience is 5 s (Python's default); ours may be as long.
inline constexpr std::chrono::milliseconds default_busy_timeout{5000};

class Connection;

/// A prepared statement. Must not outlive its Database.
class Statement {
  public:
    Statement(std::shared_ptr<Connection> connection, std::string_view sql);
    ~Statement();
    Statement(Statement&&) noexcept;
    Statement& operator=(Statement&&) noexcept;

    /// Places count from 1.
    Statement& bind(int place, std::int64_t value);
    Statement& bind(int place, std::string_view text);
    Statement& bind(int place, const Blob& blob);
    /// In its own storage class; the column's affinity may still change it.
    Statement& bind(int place, const Value& value);

    /// True when there is a row to read.
    bool step();
    /// For statements without rows: runs to the end, makes ready for the next run, and tells how
    /// many rows it changed.
    std::int64_t run();
    /// Ends the read transaction that an open SELECT holds.
    void reset() noexcept;

    /// Columns count from 0; NULL reads as 0 or "".
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] Value value(int column) const;
    [[nodiscard]] bool is_null(int column) const;

  private:
    std::shared_ptr<Connection> connection_;
    std::unique_ptr<SQLite::Statement> statement_;
};

/// Resets a statement at the end of a scope, so that no read transaction stays open.
class ResetAtExit {
  public:
    explicit ResetAtExit(Statement& statement) noexcept : statement_(statement) {}

    ~ResetAtExit() { statement_.reset(); }

    ResetAtExit(const ResetAtExit&) = delete;
    ResetAtExit& operator=(const ResetAtExit&) = delete;

  private:
    Statement& statement_;
};

struct OpenOptions {
    bool create = false;
    std::chrono::milliseconds busy_timeout = default_busy_timeout;
    /// Errors name this file instead: a copy's own name tells a technician nothing.
    std::optional<std::filesystem::path> shown_as;
    /// Whatever stands in the file, it counts as an empty database
    /// (SQLITE_DBCONFIG_RESET_DATABASE): the only way to open one whose header is broken. For
    /// overwrite() only.
    bool as_empty = false;
};

class Database {
  public:
    /// The file as it is: whoever runs must be its owner already (owner.hpp).
    explicit Database(const std::filesystem::path& file, const OpenOptions& options = {});
    /// A scratch database in memory.
    [[nodiscard]] static Database scratch();
    ~Database();
    Database(Database&&) noexcept;
    Database& operator=(Database&&) noexcept;

    /// One or several statements without parameters.
    void exec(std::string_view sql);
    [[nodiscard]] Statement prepare(std::string_view sql);
    /// First column of the first row; 0 or "" when there is no row.
    [[nodiscard]] std::int64_t integer(std::string_view sql);
    [[nodiscard]] std::string text(std::string_view sql);

    [[nodiscard]] bool in_transaction() const noexcept;
    [[nodiscard]] const std::filesystem::path& file() const noexcept;

    /// After this point in time every running statement fails with storage_busy/"deadline".
    void set_deadline(std::optional<std::chrono::steady_clock::time_point> deadline);
    /// Statements that run now fail with storage_busy/"deadline". From any thread while this lives;
    /// also where a deadline isn't looked at: an integrity check is one step per b-tree in SQLite
    /// before 3.42.
    void interrupt() noexcept;
    void set_busy_timeout(std::chrono::milliseconds timeout);

    /// Puts all of `source` in place of what is here, in one transaction of SQLite's own backup:
    /// the file stays the one that the tap's program may have open, and a kill leaves the old
    /// content or the new. `go` is asked once the write lock is held; when it says no, nothing
    /// changes and this returns false. Both have the same page size. Throws storage_busy/"busy"
    /// and, when it takes longer than `limit` under the lock (nullopt: any time),
    /// storage_busy/"deadline"; nothing has changed then.
    [[nodiscard]] bool overwrite(
        Database& source,
        const std::function<bool()>& go,
        std::optional<std::chrono::milliseconds> limit
    );

    /// How long the longest Transaction so far kept other writers out.
    [[nodiscard]] std::chrono::milliseconds longest_lock() const noexcept;
    [[nodiscard]] std::chrono::milliseconds last_lock() const noexcept;

    struct WalState {
        std::int64_t pages = 0;   ///< in the WAL
        std::int64_t copied = 0;  ///< of these, back in the file
    };

    /// nullopt when somebody checkpoints. Only checkpoint.cpp calls it.
    [[nodiscard]] std::optional<WalState> checkpoint_passive();
    /// What the wal-index says (https://sqlite.org/walformat.html#the_wal_index_file_format).
    /// While a transaction of this connection is open; nullopt when there is no wal-index.
    [[nodiscard]] std::optional<WalState> wal_index();

  private:
    friend class Transaction;
    friend class Fence;
    Database() = default;
    [[nodiscard]] sqlite3* handle() const noexcept;
    void note_lock(std::chrono::steady_clock::time_point since) noexcept;
    std::shared_ptr<Connection> connection_;
};

/// BEGIN IMMEDIATE; rolled back unless committed. Its time under the lock counts for longest_lock.
class Transaction {
  public:
    explicit Transaction(Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

  private:
    Database& database_;
    std::chrono::steady_clock::time_point locked_at_;
    bool done_ = false;
};

/// "a" -> "\"a\"": a name from the file's own schema inside SQL.
[[nodiscard]] std::string quote_name(std::string_view name);
/// The same for a text literal.
[[nodiscard]] std::string quote_text(std::string_view text);

}  // namespace tapline::journal
