#include "central/pg/session.hpp"

#include <charconv>
#include <map>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "central/pg/connection.hpp"
#include "common/error.hpp"

namespace tapline::pg {

namespace {

constexpr std::string_view session_defaults_sql =
    "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET bytea_output = 'hex'; "
    "SET standard_conforming_strings = on; SET default_transaction_isolation = 'read committed'";
constexpr std::string_view ping_sql = "SELECT 1";

struct Code {
    std::string_view sqlstate;
    std::string_view code;
    std::string_view hint;
};

// PostgreSQL 15, Appendix A.
constexpr Code codes[] = {
    {"55P03",
     "lock_timeout",
     "another session holds the lock; see pg_stat_activity, then run it again"},
    {"57014",
     "canceled",
     "the statement ran into its time limit or somebody stopped it; run it again"},
    {"40P01", "deadlock", "run it again"},
    {"40001", "serialization", "run it again"},
    {"53100", "disk_full", "make room on the database server's disk"},
    {"25006", "read_only", "the server is a standby or set read-only; connect to the primary"},
    {"42501", "insufficient_privilege", "connect as a role that may do this, or grant it"},
};

/// The server is going away, not ready or has no place for us: nothing is wrong with the statement.
bool means_lost(std::string_view sqlstate) noexcept {
    return sqlstate.starts_with("08") || sqlstate.starts_with("57P") || sqlstate == "53300";
}

std::string trimmed(std::string_view text) {
    constexpr std::size_t max_message_bytes = 4'000;
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
        text.remove_suffix(1);
    }
    return std::string(text.substr(0, max_message_bytes));
}

std::string_view field_of(const PGresult* answer, int field) {
    const char* text = answer == nullptr ? nullptr : PQresultErrorField(answer, field);
    return text == nullptr ? std::string_view{} : std::string_view(text);
}

/// The statement itself names what isn't there or isn't allowed: no value in a row can be at fault.
/// What a trigger's own SQL runs into carries a context (PL/pgSQL function …).
bool statement_itself(const PGresult* answer, std::string_view sqlstate) {
    const bool named = sqlstate == "42501" || sqlstate == "42P01" || sqlstate == "42703" ||
                       sqlstate == "42883" || sqlstate == "42704" || sqlstate == "3F000";
    return named && field_of(answer, PG_DIAG_CONTEXT).empty();
}

Error stale_plan(const std::string& message, const std::string& sqlstate) {
    return {
        ErrorKind::unreachable,
        "stale_plan",
        "a table was altered beside a prepared statement: " + message,
        "try again on a new connection, which prepares it anew",
        sqlstate};
}

Error unfit(const std::string& message, const std::string& sqlstate) {
    return {
        ErrorKind::pg,
        "statement_unfit",
        message,
        "the database hasn't got what this program needs; `tapline-central current` tells where it "
        "is",
        sqlstate};
}

Error refused(const std::string& message, const std::string& sqlstate) {
    for (const Code& known : codes) {
        if (known.sqlstate == sqlstate) {
            return {
                ErrorKind::pg, std::string(known.code), message, std::string(known.hint), sqlstate};
        }
    }
    return {
        ErrorKind::pg,
        "statement_failed",
        message,
        "the message above is PostgreSQL's own; the transaction was rolled back",
        sqlstate};
}

Error lost(const std::string& message, const std::string& sqlstate) {
    return {
        ErrorKind::unreachable,
        "connection_lost",
        "the connection to PostgreSQL broke: " + message,
        "what was not committed is gone; try again when the server is back",
        sqlstate};
}

/// The one place where what PostgreSQL said becomes an Error.
[[noreturn]] void fail(PGconn* connection, const PGresult* answer) {
    std::string message =
        trimmed(answer == nullptr ? PQerrorMessage(connection) : PQresultErrorMessage(answer));
    const char* field = answer == nullptr ? nullptr : PQresultErrorField(answer, PG_DIAG_SQLSTATE);
    const std::string sqlstate = field == nullptr ? "" : field;
    if (PQstatus(connection) != CONNECTION_OK || means_lost(sqlstate)) {
        throw lost(message, sqlstate);
    }
    // PostgreSQL's plancache.c; nothing else of class 0A comes from there.
    if (sqlstate == "0A000" &&
        field_of(answer, PG_DIAG_SOURCE_FUNCTION) == "RevalidateCachedQuery") {
        throw stale_plan(message, sqlstate);
    }
    const bool itself = statement_itself(answer, sqlstate);
    if (itself && sqlstate != "42501") {
        throw unfit(message, sqlstate);
    }
    Error error = refused(message, sqlstate);
    if (sqlstate == "42501" && !itself) {
        throw Error(error.kind(), "statement_failed", error.what(), error.hint(), sqlstate);
    }
    throw error;
}

[[noreturn]] void wrong_type(int column, const std::string& wanted, std::string_view found) {
    throw Error(
        ErrorKind::bug,
        "result_type",
        fmt::format(
            "column {} of a result should be {} but is '{}'", column, wanted, found.substr(0, 40)
        ),
        "report this; it is a mistake in tapline"
    );
}

int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

// --- results -------------------------------------------------------------------------------------

const char* Result::cell(int row, int column, std::size_t& size) const {
    TAPLINE_CHECK(row >= 0 && row < rows_ && column >= 0 && column < columns_);
    const PGresult* result = static_cast<const PGresult*>(data_.get());
    if (PQgetisnull(result, row, column) != 0) {
        size = 0;
        return nullptr;
    }
    size = static_cast<std::size_t>(PQgetlength(result, row, column));
    return PQgetvalue(result, row, column);
}

std::string_view Result::column_name(int column) const {
    TAPLINE_CHECK(column >= 0 && column < columns_);
    return PQfname(static_cast<const PGresult*>(data_.get()), column);
}

bool Row::is_null(int column) const {
    std::size_t size = 0;
    return result_->cell(row_, column, size) == nullptr;
}

std::string_view Row::text(int column) const {
    std::size_t size = 0;
    const char* bytes = result_->cell(row_, column, size);
    return bytes == nullptr ? std::string_view{} : std::string_view(bytes, size);
}

std::optional<std::string> Row::optional_text(int column) const {
    std::size_t size = 0;
    const char* bytes = result_->cell(row_, column, size);
    return bytes == nullptr ? std::nullopt : std::optional<std::string>(std::in_place, bytes, size);
}

std::optional<std::int64_t> Row::optional_integer(int column) const {
    std::size_t size = 0;
    const char* bytes = result_->cell(row_, column, size);
    if (bytes == nullptr) {
        return std::nullopt;
    }
    std::int64_t value = 0;
    const auto [end, failure] = std::from_chars(bytes, bytes + size, value);
    if (failure != std::errc{} || end != bytes + size) {
        wrong_type(column, "an integer", {bytes, size});
    }
    return value;
}

std::int64_t Row::integer(int column) const {
    const std::optional<std::int64_t> value = optional_integer(column);
    if (!value) {
        wrong_type(column, "an integer", "NULL");
    }
    return *value;
}

bool Row::boolean(int column) const {
    const std::string_view value = text(column);
    if (value != "t" && value != "f") {
        wrong_type(column, "a boolean", value);
    }
    return value == "t";
}

std::string Row::bytes(int column) const {
    const std::string_view value = text(column);
    if (value.empty()) {
        return {};
    }
    if (!value.starts_with("\\x") || value.size() % 2 != 0) {
        wrong_type(column, "a bytea", value);
    }
    std::string decoded;
    decoded.resize(value.size() / 2 - 1);
    for (std::size_t i = 0; i < decoded.size(); ++i) {
        const int high = hex_digit(value[2 * i + 2]);
        const int low = hex_digit(value[2 * i + 3]);
        if (high < 0 || low < 0) {
            wrong_type(column, "a bytea", value);
        }
        decoded[i] = static_cast<char>(high * 16 + low);
    }
    return decoded;
}

const char* Params::checked(const std::string& text) {
    if (text.find('\0') != std::string::npos) {
        throw Error(
            ErrorKind::data,
            "nul_byte",
            "a text for PostgreSQL holds a zero byte, which its text types can't store"
        );
    }
    return text.c_str();
}

// --- session -------------------------------------------------------------------------------------

class Session::Impl {
  public:
    explicit Impl(const ConnectOptions& options)
        : connection_(options), application_name_(options.application_name) {
        run(session_defaults_sql);
    }

    Result exec_prepared(const Statement& statement, const Params& params) {
        const std::string& name = prepare(statement);
        return take(PQexecPrepared(
            handle(), name.c_str(), params.count(), params.values(), nullptr, nullptr, text_format
        ));
    }

    Result exec_params(std::string_view sql, const Params& params) {
        return take(PQexecParams(
            handle(),
            std::string(sql).c_str(),
            params.count(),
            nullptr,
            params.values(),
            nullptr,
            nullptr,
            text_format
        ));
    }

    Result run(std::string_view sql) { return take(PQexec(handle(), std::string(sql).c_str())); }

    [[nodiscard]] Connection& connection() noexcept { return connection_; }

    [[nodiscard]] PGconn* handle() const noexcept { return connection_.handle(); }

    [[nodiscard]] const std::string& application_name() const noexcept { return application_name_; }

  private:
    static constexpr int text_format = 0;

    const std::string& prepare(const Statement& statement) {
        auto known = prepared_.find(statement.name);
        if (known == prepared_.end()) {
            const std::string name(statement.name);
            take(PQprepare(handle(), name.c_str(), std::string(statement.sql).c_str(), 0, nullptr));
            known = prepared_.emplace(name, statement.sql).first;
        }
        TAPLINE_CHECK(known->second == statement.sql);
        return known->first;
    }

    /// Owns what libpq returned; anything but success throws.
    Result take(PGresult* answer) {
        const std::shared_ptr<const PGresult> owned(answer, [](PGresult* gone) { PQclear(gone); });
        const ExecStatusType status = PQresultStatus(answer);
        if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT) {
            // Nobody here feeds or drains a COPY, and the session is stuck in it.
            connection_.close();
            throw refused("COPY with STDIN or STDOUT isn't possible here", "0A000");
        }
        if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK &&
            status != PGRES_EMPTY_QUERY) {
            fail(handle(), answer);
        }
        Result result;
        result.rows_ = PQntuples(answer);
        result.columns_ = PQnfields(answer);
        const std::string_view touched = PQcmdTuples(answer);
        std::from_chars(touched.data(), touched.data() + touched.size(), result.affected_);
        result.data_ = owned;
        return result;
    }

    Connection connection_;
    std::map<std::string, std::string_view, std::less<>> prepared_;
    std::string application_name_;
};

Session::Session(const ConnectOptions& options) : impl_(std::make_unique<Impl>(options)) {}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;

Result Session::exec_prepared(const Statement& statement, const Params& params) {
    return impl_->exec_prepared(statement, params);
}

Result Session::exec_params(std::string_view sql, const Params& params) {
    return impl_->exec_params(sql, params);
}

Result Session::run(std::string_view sql) {
    return impl_->run(sql);
}

void Session::set_local_timeouts(
    std::chrono::milliseconds lock, std::chrono::milliseconds statement
) {
    run(fmt::format(
        "SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {}",
        lock.count(),
        statement.count()
    ));
}

void Session::commit() {
    if (PQtransactionStatus(impl_->handle()) == PQTRANS_INERROR) {
        throw Error(
            ErrorKind::pg,
            "statement_failed",
            "an earlier statement of the transaction failed, so it can't be committed",
            "",
            "25P02"
        );
    }
    try {
        impl_->run("COMMIT");
    } catch (const Error& error) {
        // The server's refusal counts only from a session that lives on and is idle: a shutdown can
        // end a session after its commit record was written, with an error of class 57P.
        if (is_open() && !in_transaction()) {
            throw;
        }
        throw Error(
            ErrorKind::unreachable,
            "in_doubt",
            fmt::format("nobody here knows whether the COMMIT happened in which {}", error.what()),
            "look at the data when the server is back; only work that may be repeated is repeated"
        );
    }
}

void Session::cancel() noexcept {
    impl_->connection().cancel();
}

bool Session::is_open() const noexcept {
    return impl_ && PQstatus(impl_->handle()) == CONNECTION_OK;
}

bool Session::is_alive() noexcept {
    if (!is_open() || in_transaction()) {
        return is_open();
    }
    try {
        impl_->run(ping_sql);
        return true;
    } catch (const Error&) {
        return false;
    }
}

bool Session::in_transaction() const noexcept {
    const PGTransactionStatusType status = PQtransactionStatus(impl_->handle());
    return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

int Session::backend_pid() const noexcept {
    return PQbackendPID(impl_->handle());
}

int Session::server_version() const noexcept {
    return PQserverVersion(impl_->handle());
}

const std::string& Session::application_name() const noexcept {
    return impl_->application_name();
}

}  // namespace tapline::pg
