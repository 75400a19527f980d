// One connection to PostgreSQL, blocking; the only place that turns what the server says into
// Error. Call it from a worker thread, never from an I/O thread.
//
// Straight on libpq, because libpqxx 6.4 gets in the way of each thing settling needs: its
// transactions abort as a whole at the first failed statement (no savepoints per row), parameters
// and cells are copied, it reconnects by itself, and it leaks the result of a statement during
// which the connection broke.
//
// How to use it:
//
//     constexpr pg::Statement find_keg{"find_keg", "SELECT keg_id, status FROM kegs WHERE keg_id =
//     ANY($1)"};
//
//     pg::Session session(pg::ConnectOptions{.url = url, .application_name = "tapline settle"});
//     pg::Transaction transaction(session);             // BEGIN; rolled back unless commit()
//     returned const pg::Result kegs = session.exec(find_keg, ids.literal()); for (const pg::Row
//     row : kegs) use(row.text(0), row.text(1)); transaction.commit(); // may throw Error code
//     "in_doubt"
//
// Errors of every call here (kind, code):
//   unreachable  connect_failed   no connection came about (server away, wrong password, …)
//   unreachable  connection_lost  it broke; the open transaction is gone. Make a new Session
//   unreachable  in_doubt         it broke during COMMIT: committed or not, nobody here can tell.
//                                 The session must not be used again; only repeat what is
//                                 idempotent
//   unreachable  stale_plan       a table was altered beside a prepared statement. Make a new
//   Session pg           lock_timeout | canceled | deadlock | serialization | disk_full | read_only
//   |
//                insufficient_privilege | statement_unfit | statement_failed
//                                 (the two before the last: the statement itself names what this
//                                 role may not or the database hasn't got; no row's fault)
//                                 the server refused; sqlstate() is set, the transaction (or the
//                                 Savepoint) must be rolled back, the session stays usable
//   data         nul_byte         a text parameter holds a zero byte, which PostgreSQL can't store
//   bug          result_type      a cell read as what it isn't
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "central/pg/array.hpp"

namespace tapline::pg {

/// Prepared on its session at the first use and run by name from then on. name: unique per text
/// within the program.
struct Statement {
    std::string_view name;
    std::string_view sql;
};

class Result;

/// A row of a Result, which must outlive it. Columns count from 0 in the order of the SELECT list.
class Row {
  public:
    Row(const Result& result, int row) noexcept : result_(&result), row_(row) {}

    [[nodiscard]] bool is_null(int column) const;
    /// The server's text; valid as long as the Result. NULL reads as "".
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::optional<std::string> optional_text(int column) const;
    /// smallint, integer, bigint. NULL is Error{bug, "result_type"}.
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::optional<std::int64_t> optional_integer(int column) const;
    [[nodiscard]] bool boolean(int column) const;
    /// bytea, decoded. NULL reads as "".
    [[nodiscard]] std::string bytes(int column) const;

  private:
    const Result* result_;
    int row_;
};

/// The rows of one statement, whole in memory; cheap to copy (shared).
class Result {
  public:
    Result() = default;

    [[nodiscard]] int rows() const noexcept { return rows_; }

    [[nodiscard]] int columns() const noexcept { return columns_; }

    [[nodiscard]] bool empty() const noexcept { return rows_ == 0; }

    /// Rows that INSERT, UPDATE or DELETE touched.
    [[nodiscard]] std::int64_t affected() const noexcept { return affected_; }

    [[nodiscard]] Row operator[](int row) const noexcept { return {*this, row}; }

    /// Name of a column, as the statement calls it.
    [[nodiscard]] std::string_view column_name(int column) const;

    class Iterator {
      public:
        Iterator(const Result& result, int row) noexcept : result_(&result), row_(row) {}

        Row operator*() const noexcept { return {*result_, row_}; }

        Iterator& operator++() noexcept {
            ++row_;
            return *this;
        }

        bool operator==(const Iterator& other) const noexcept { return row_ == other.row_; }

      private:
        const Result* result_;
        int row_;
    };

    [[nodiscard]] Iterator begin() const noexcept { return {*this, 0}; }

    [[nodiscard]] Iterator end() const noexcept { return {*this, rows_}; }

  private:
    friend class Session;
    friend class Row;
    [[nodiscard]] const char* cell(int row, int column, std::size_t& size) const;

    std::shared_ptr<const void> data_;
    int rows_ = 0;
    int columns_ = 0;
    std::int64_t affected_ = 0;
};

/// Parameters of one call. Text given as an lvalue is borrowed and must outlive the call: nothing
/// is copied before libpq writes it into its send buffer.
class Params {
  public:
    void add(std::nullptr_t) { values_.push_back(nullptr); }

    void add(const std::string& borrowed) { values_.push_back(checked(borrowed)); }

    void add(std::string&& owned) {
        values_.push_back(checked(owned_.emplace_back(std::move(owned))));
    }

    void add(const char* borrowed) { values_.push_back(borrowed); }

    void add(std::string_view copied) { add(std::string(copied)); }

    void add(bool value) { values_.push_back(value ? "t" : "f"); }

    void add(int value) { add(std::to_string(value)); }

    void add(std::int64_t value) { add(std::to_string(value)); }

    /// An array: `builder` must outlive the call.
    void add(ArrayBuilder& builder) { values_.push_back(builder.literal().c_str()); }

    template <typename T>
    void add(const std::optional<T>& value) {
        if (value) {
            add(*value);
        } else {
            add(nullptr);
        }
    }

    [[nodiscard]] const char* const* values() const noexcept { return values_.data(); }

    [[nodiscard]] int count() const noexcept { return static_cast<int>(values_.size()); }

  private:
    [[nodiscard]] static const char* checked(const std::string& text);

    std::vector<const char*> values_;
    std::deque<std::string> owned_;
};

struct ConnectOptions {
    /// A libpq URI or "key=value" string; several hosts allowed (see central/pg/url.hpp).
    std::string url;
    /// Shown in pg_stat_activity; at most 63 bytes reach the server.
    std::string application_name = "tapline-central";
    /// Per host; libpq rounds to whole seconds and never waits less than 2.
    std::chrono::seconds connect_timeout{5};
    /// How long sent data may stay unacknowledged before the kernel gives the connection up.
    std::chrono::milliseconds tcp_user_timeout{15'000};
};

/// Whether a server answers there and takes connections, whatever it thinks of the user: false
/// while it is away, starting up or shutting down. Blocks for connect_timeout at most, per host.
[[nodiscard]] bool accepts_connections(const ConnectOptions& options);

class Session {
  public:
    /// Connects. TimeZone is UTC, client_encoding UTF8, DateStyle ISO, bytea_output hex, and
    /// search_path as the database has it; nothing else is set on the session.
    explicit Session(const ConnectOptions& options);
    ~Session();
    Session(Session&& other) noexcept;
    Session& operator=(Session&& other) noexcept;

    /// Prepared; the hot path. Arguments: see Params::add.
    template <typename... Args>
    Result exec(const Statement& statement, Args&&... args) {
        Params params;
        (params.add(std::forward<Args>(args)), ...);
        return exec_prepared(statement, params);
    }

    /// Unprepared, one statement.
    template <typename... Args>
    Result query(std::string_view sql, Args&&... args) {
        Params params;
        (params.add(std::forward<Args>(args)), ...);
        return exec_params(sql, params);
    }

    Result exec_prepared(const Statement& statement, const Params& params);
    Result exec_params(std::string_view sql, const Params& params);
    /// Simple protocol: one or several statements without parameters; the last one's result.
    /// Outside a Transaction several statements are one implicit transaction.
    Result run(std::string_view sql);

    /// Limits for the current transaction (SET LOCAL); 0 switches a limit off. A statement that
    /// waits or runs longer fails with code "lock_timeout" or "canceled".
    void set_local_timeouts(std::chrono::milliseconds lock, std::chrono::milliseconds statement);

    /// Asks the server to stop the statement that runs now; it then fails with code "canceled" in
    /// its own thread. The one member that another thread may call. Best effort, never throws.
    void cancel() noexcept;

    /// False once the connection broke, as far as this side knows; costs nothing.
    [[nodiscard]] bool is_open() const noexcept;
    /// Asks the server. Only between transactions. Never throws.
    [[nodiscard]] bool is_alive() noexcept;
    /// True between BEGIN and COMMIT or ROLLBACK, also when the transaction has failed.
    [[nodiscard]] bool in_transaction() const noexcept;
    [[nodiscard]] int backend_pid() const noexcept;
    /// 150004 for 15.4.
    [[nodiscard]] int server_version() const noexcept;
    [[nodiscard]] const std::string& application_name() const noexcept;

  private:
    friend class Transaction;
    class Impl;
    void commit();
    std::unique_ptr<Impl> impl_;
};

/// BEGIN … COMMIT. One at a time per session.
class Transaction {
  public:
    /// Throws as Session::run.
    explicit Transaction(Session& session);
    /// The same, with more (SET LOCAL …, LOCK …) in the same round trip. Throws as Session::run
    /// when some of it is refused; nothing is open then.
    Transaction(Session& session, std::string_view first);
    /// Rolls back unless commit() was called; a connection that can't is dead and rolls back by
    /// itself.
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    /// Throws Error{unreachable, "in_doubt"} when the answer didn't come; Error{pg,
    /// "statement_failed"} and so on when the server said no, or when an earlier statement failed
    /// (nothing is committed then).
    void commit();
    void rollback();

    /// Of the last statement that the constructor ran.
    [[nodiscard]] const Result& begun() const noexcept { return begun_; }

  private:
    Session& session_;
    Result begun_;
    bool open_ = true;
};

/// A part of a transaction that can be undone alone. They nest by scope.
class Savepoint {
  public:
    explicit Savepoint(Session& session);
    /// Rolls back to it unless release() was called.
    ~Savepoint();
    Savepoint(const Savepoint&) = delete;
    Savepoint& operator=(const Savepoint&) = delete;

    void release();
    void rollback();

  private:
    Session& session_;
    bool open_ = true;
};

}  // namespace tapline::pg
