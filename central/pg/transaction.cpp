#include <fmt/format.h>

#include "central/pg/session.hpp"
#include "common/error.hpp"

namespace tapline::pg {

Transaction::Transaction(Session& session) : session_(session) {
    TAPLINE_CHECK(!session.in_transaction());
    session_.run("BEGIN");
}

Transaction::Transaction(Session& session, std::string_view first) : session_(session) {
    TAPLINE_CHECK(!session.in_transaction());
    try {
        begun_ = session_.run(fmt::format("BEGIN; {}", first));
    } catch (const Error&) {
        if (session_.is_open()) {
            session_.run("ROLLBACK");
        }
        throw;
    }
}

Transaction::~Transaction() {
    if (!open_) {
        return;
    }
    try {
        rollback();
    } catch (const Error&) {
        // The connection is gone and PostgreSQL rolls back by itself; the caller is already
        // unwinding from the reason.
    }
}

void Transaction::commit() {
    TAPLINE_CHECK(open_);
    session_.commit();
    open_ = false;
}

void Transaction::rollback() {
    open_ = false;
    if (session_.is_open() && session_.in_transaction()) {
        session_.run("ROLLBACK");
    }
}

// PostgreSQL lets names repeat: the newest one of a name is meant, which is how these nest.
Savepoint::Savepoint(Session& session) : session_(session) {
    session_.run("SAVEPOINT tapline");
}

Savepoint::~Savepoint() {
    if (!open_) {
        return;
    }
    try {
        rollback();
    } catch (const Error&) {
        // As above: without a connection there is nothing left to roll back.
    }
}

void Savepoint::release() {
    TAPLINE_CHECK(open_);
    session_.run("RELEASE SAVEPOINT tapline");
    open_ = false;
}

void Savepoint::rollback() {
    open_ = false;
    if (session_.is_open() && session_.in_transaction()) {
        session_.run("ROLLBACK TO SAVEPOINT tapline; RELEASE SAVEPOINT tapline");
    }
}

}  // namespace tapline::pg
