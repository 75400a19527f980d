// A revision: one schema step, as its file says it. docs/revision-file.md is the format's page.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/dialect.hpp"

namespace tapline::revision {

enum class Direction { upgrade, downgrade };

/// contract takes something away that running clients may still use; the fleet gates it.
enum class Phase { expand, migrate, contract };

[[nodiscard]] std::string_view to_string(Direction direction) noexcept;
[[nodiscard]] std::string_view to_string(Phase phase) noexcept;

/// One SQL statement, from its first token to its last, without the final semicolon. Comments and
/// line breaks inside it are kept.
struct Statement {
    std::string text;
    int line = 0;  ///< of its first token in the file, from 1
};

/// `-- tapline: batch …`: the statement after it runs over keyset pages, in transactions of its
/// own. A runner without batch steps must refuse the section; running the statement once isn't the
/// same.
struct BatchStep {
    std::string table;                   ///< name or schema.name, as written
    std::string key;                     ///< the one column that orders the pages
    int rows = 0;                        ///< page size, 1 … max_batch_rows
    std::chrono::milliseconds pause{0};  ///< between two pages
    std::string until;                   ///< predicate of the rows still to do
    std::size_t statement = 0;           ///< index into Section::statements
    int line = 0;
};

/// `-- tapline: rebuild …` (SQLite): the CREATE TABLE after it is the table's new definition. Rows,
/// rowids, indexes, triggers and AUTOINCREMENT's memory are kept; columns that the new one lacks
/// must be named in drop=.
struct Rebuild {
    std::string table;
    std::vector<std::string> drops;
    std::size_t statement = 0;   ///< index into Section::statements
    std::size_t name_at = 0;     ///< where the table's name stands in the statement, bytes
    std::size_t name_bytes = 0;  ///< of the name there, quotes included
    int line = 0;
};

/// `-- tapline: allow <hazard>: <reason>`; lint reads it, it isn't part of the digest.
struct Allowance {
    std::string hazard;
    std::string reason;
    int line = 0;
};

/// One direction of a revision.
struct Section {
    bool transaction = true;  ///< false: `transaction=off`, each statement commits by itself
    std::optional<std::chrono::milliseconds> lock_timeout;       ///< unset: the runner's default
    std::optional<std::chrono::milliseconds> statement_timeout;  ///< unset: the runner's default
    std::vector<Statement> statements;                           ///< in order; may be empty
    std::vector<BatchStep> batches;                              ///< in order of their statements
    std::vector<Rebuild> rebuilds;                               ///< the same
    std::vector<Allowance> allowances;
    /// From the `-- tapline: upgrade|downgrade` line, included, to the section's end, with LF line
    /// ends: complete in itself. parse_section reads it back, so a journal may store it.
    std::string raw;
    int line = 0;  ///< of the marker, from 1; 0 when the file has no such section
};

struct Revision {
    std::string id;                    ///< 4–32 of [0-9A-Za-z_]
    std::string slug;                  ///< rest of the file name; empty for `<id>.sql`
    std::string message;               ///< first comment line, else the slug
    std::vector<std::string> revises;  ///< parents; none: a base; several: a merge
    std::string create_date;           ///< as written; informative
    Phase phase = Phase::expand;
    std::string requires_journal;  ///< PostgreSQL, contract only; empty: nothing required
    std::string requires_central;  ///< SQLite only; empty: nothing required
    std::vector<std::string> branch_labels;
    std::vector<std::string> depends_on;
    std::optional<std::string> irreversible;  ///< why there is no way back; then downgrade is empty
    Section upgrade;
    Section downgrade;
    Dialect dialect = Dialect::postgres;
    std::string file;  ///< name without directory
    int line = 0;      ///< of `Revision ID`, from 1

    [[nodiscard]] const Section& section(Direction direction) const noexcept {
        return direction == Direction::upgrade ? upgrade : downgrade;
    }
};

}  // namespace tapline::revision
