// A downgrade that drops tables with rows in them loses what no upgrade brings back.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "central/pg/session.hpp"

namespace tapline::revision {

/// Watches the tables outside schema tapline (ours carry guards of their own) through one
/// transaction. Which ones a revision drops is only known once its SQL has run, and by then they
/// can't be looked into any more; so a first run finds the names, and a second one looks into them
/// before it drops them.
class RowGuard {
  public:
    /// Call in the transaction, before the revision's SQL. names: what earlier runs found missing;
    /// those are locked, so that nobody fills them meanwhile.
    /// Throws Error{refused, "rows_would_go"} naming those that hold rows.
    RowGuard(pg::Session& session, const std::set<std::string>& names, const std::string& revision);

    /// Call after the revision's SQL, before COMMIT: tables gone, neither renamed nor made anew,
    /// that had pages and aren't among names. Empty: commit. Otherwise roll back and run again with
    /// these added to names.
    [[nodiscard]] std::set<std::string> unseen_losses();

  private:
    pg::Session& session_;
    std::map<std::string, std::int64_t> before_;  ///< name -> oid
};

}  // namespace tapline::revision
