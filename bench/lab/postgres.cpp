#include "bench/lab/postgres.hpp"

#include <charconv>

#include "common/error.hpp"

namespace tapline::bench {

namespace {

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
    std::vector<const char*> result;
    result.reserve(texts.size());
    for (const std::string& text : texts) {
        result.push_back(text.c_str());
    }
    return result;
}

}  // namespace

std::int64_t PgResult::integer(int row, int column) const {
    const std::string value = text(row, column);
    std::int64_t number = 0;
    const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
    TAPLINE_CHECK(parsed.ec == std::errc{} && parsed.ptr == value.data() + value.size());
    return number;
}

PgConnection::PgConnection(const std::string& url) : connection_(PQconnectdb(url.c_str())) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
        throw Error(ErrorKind::unreachable, "connect_failed", PQerrorMessage(connection_.get()));
    }
}

PgResult PgConnection::checked(PGresult* result, const std::string& what) {
    PgResult owned(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        const char* code =
            result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
        throw Error(
            ErrorKind::pg,
            "statement_failed",
            what.substr(0, 200) + ": " + PQerrorMessage(connection_.get()),
            {},
            code == nullptr ? "" : code
        );
    }
    return owned;
}

PgResult PgConnection::exec(const std::string& sql) {
    return checked(PQexec(connection_.get(), sql.c_str()), sql);
}

PgResult PgConnection::exec(const std::string& sql, const std::vector<std::string>& parameters) {
    const std::vector<const char*> values = pointers(parameters);
    const int count = static_cast<int>(values.size());
    return checked(
        PQexecParams(
            connection_.get(), sql.c_str(), count, nullptr, values.data(), nullptr, nullptr, 0
        ),
        sql
    );
}

void PgConnection::prepare(const std::string& name, const std::string& sql) {
    checked(PQprepare(connection_.get(), name.c_str(), sql.c_str(), 0, nullptr), name);
}

PgResult PgConnection::run(const std::string& name, const std::vector<std::string>& parameters) {
    const std::vector<const char*> values = pointers(parameters);
    const int count = static_cast<int>(values.size());
    return checked(
        PQexecPrepared(connection_.get(), name.c_str(), count, values.data(), nullptr, nullptr, 0),
        name
    );
}

}  // namespace tapline::bench
