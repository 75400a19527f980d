// A batch step: one statement over keyset pages, each page with its cursor in one transaction.
#pragma once

#include <functional>
#include <string>

#include "central/pg/session.hpp"
#include "common/revision/revision.hpp"

namespace tapline::revision {

/// Pages of one step. The predicate is scanned from the first key again until no row is left, so
/// that a row that appears behind the cursor isn't missed.
class BatchPages {
  public:
    /// Reads the key's type. Throws Error{usage, "batch_key"} for a table or key that isn't there,
    /// or a key that may be NULL: such rows would never come.
    BatchPages(pg::Session& session, const BatchStep& step, const Statement& statement);

    struct Page {
        std::int64_t rows = 0;  ///< 0: nothing behind the cursor
        std::string last_key;
    };

    /// In a transaction. after: empty for the first key.
    /// Throws Error{usage, "batch_stuck"} when the statement leaves rows of its page to do: it
    /// would never end.
    [[nodiscard]] Page run(const std::string& after);

    /// Rows to do, for the time that is left; counted, so it takes a scan.
    [[nodiscard]] std::int64_t remaining();

  private:
    pg::Session& session_;
    std::string where_;
    std::string first_page_sql_;
    std::string next_page_sql_;
    std::string left_sql_;
    std::string count_sql_;
    std::string statement_sql_;
};

}  // namespace tapline::revision
