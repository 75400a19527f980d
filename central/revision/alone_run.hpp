// What the catalog says of a statement that runs alone: before it, after it, and after a crash.
#pragma once

#include <functional>
#include <string>

#include "central/pg/session.hpp"
#include "central/revision/alone.hpp"

namespace tapline::revision {

/// Outside a transaction, on a session whose search_path is the revision's. Throws as pg::Session.
class AloneProbe {
  public:
    AloneProbe(pg::Session& session, const AloneStatement& statement)
        : session_(session), statement_(statement) {}

    /// To be kept before the statement runs, for happened().
    [[nodiscard]] std::string before();
    /// Whether it did its work: asked after it ran, and by a run that finds it begun.
    [[nodiscard]] bool happened(const std::string& before);
    /// Clears away what an attempt that died or failed has left: invalid indexes. Tells through
    /// say.
    void clear_leftovers(const std::function<void(const std::string&)>& say);
    /// The SQL that is to run now: the statement's own, or what finishes a half-done one.
    [[nodiscard]] std::string sql_now(const std::string& own);
    /// Builds wait for every old snapshot of the database: a lock_timeout would only kill them.
    [[nodiscard]] bool builds_index() const noexcept;

  private:
    [[nodiscard]] bool yes(std::string_view sql, const std::string& a, const std::string& b);
    void drop_index(std::string_view oid, const std::function<void(const std::string&)>& say);

    pg::Session& session_;
    const AloneStatement& statement_;
};

}  // namespace tapline::revision
