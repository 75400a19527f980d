// The libpq connection of a session: one connect, never again by itself. Private to central/pg.
#pragma once

#include <memory>

#include <libpq-fe.h>

#include "central/pg/session.hpp"

namespace tapline::pg {

class Connection {
  public:
    /// Throws Error{unreachable, "connect_failed"} with libpq's message.
    explicit Connection(const ConnectOptions& options);

    /// nullptr after close(); libpq's functions take that for a lost connection.
    [[nodiscard]] PGconn* handle() const noexcept { return handle_.get(); }

    void close() noexcept { handle_.reset(); }

    /// Safe from another thread while this object lives.
    void cancel() noexcept;

  private:
    struct Finish {
        void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
    };

    struct FreeCancel {
        void operator()(PGcancel* cancel) const noexcept { PQfreeCancel(cancel); }
    };

    std::unique_ptr<PGconn, Finish> handle_;
    std::unique_ptr<PGcancel, FreeCancel> cancel_;
};

}  // namespace tapline::pg
