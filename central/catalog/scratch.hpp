// A database of one's own on somebody's server, for as long as this object lives: revisions are run
// there to see what they make. Never holds anybody's rows.
#pragma once

#include <chrono>
#include <string>

#include "central/pg/session.hpp"

namespace tapline::catalog {

/// Left behind by a killed program for longer than this: swept by the next one.
inline constexpr std::chrono::seconds scratch_lifetime{3'600};

class ScratchDatabase {
  public:
    /// server: a database on that server to which the role may connect; a new database with its
    /// encoding and locale is made from template0. Throws Error{refused, "scratch_database"} when
    /// the role may not create databases, else as pg::Session.
    explicit ScratchDatabase(const pg::ConnectOptions& server);
    /// Drops it, sessions and all. Says on stderr when it can't; never throws.
    ~ScratchDatabase();
    ScratchDatabase(const ScratchDatabase&) = delete;
    ScratchDatabase& operator=(const ScratchDatabase&) = delete;

    /// tapline_scratch_<seconds since 1970 by the server's clock>_<random>
    [[nodiscard]] const std::string& name() const noexcept { return name_; }

    [[nodiscard]] pg::ConnectOptions connect() const;

  private:
    pg::ConnectOptions server_;
    std::string name_;
};

}  // namespace tapline::catalog
