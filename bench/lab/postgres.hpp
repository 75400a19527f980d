// Plain libpq, as thin as it gets: the bare side of the drain must not owe anything to our own
// layers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <libpq-fe.h>

namespace tapline::bench {

class PgResult {
  public:
    explicit PgResult(PGresult* result) : result_(result) {}

    [[nodiscard]] int rows() const noexcept { return PQntuples(result_.get()); }

    [[nodiscard]] std::string text(int row, int column) const {
        return PQgetvalue(result_.get(), row, column);
    }

    [[nodiscard]] std::int64_t integer(int row, int column) const;

    [[nodiscard]] PGresult* get() const noexcept { return result_.get(); }

  private:
    struct Clear {
        void operator()(PGresult* result) const noexcept { PQclear(result); }
    };

    std::unique_ptr<PGresult, Clear> result_;
};

/// One connection, blocking. Every failure is Error{pg, "statement_failed"} with the server's
/// words; the benchmark ends then.
class PgConnection {
  public:
    /// Throws Error{unreachable, "connect_failed"}.
    explicit PgConnection(const std::string& url);

    /// Any number of statements without parameters; the result is the last one's.
    PgResult exec(const std::string& sql);
    PgResult exec(const std::string& sql, const std::vector<std::string>& parameters);
    void prepare(const std::string& name, const std::string& sql);
    PgResult run(const std::string& name, const std::vector<std::string>& parameters);

  private:
    struct Finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    };

    PgResult checked(PGresult* result, const std::string& what);

    std::unique_ptr<PGconn, Finish> connection_;
};

}  // namespace tapline::bench
