// The statements with which a tap's own program works on `pours`, as somebody registered them:
// writer_statements in agent.toml, `--writer-sql FILE`.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/journal/difference.hpp"

namespace tapline::journal {

inline constexpr std::size_t max_writer_statements = 32;
inline constexpr std::size_t max_writer_statement_bytes = 4096;

struct WriterStatement {
    enum class Kind { insert, update, select };
    std::string name;  ///< "registered statement 2", "gen5 INSERT"
    std::string sql;
    Kind kind = Kind::select;
    bool registered = false;  ///< by somebody, so it may be anything
    bool positional = false;  ///< an INSERT without a column list
    /// For each parameter the column that it is for, "limit", or "" where the text doesn't tell.
    std::vector<std::string> columns;
};

/// An INSERT, UPDATE or SELECT on pours. Throws usage/"writer_sql" for anything else.
[[nodiscard]] WriterStatement read_statement(const std::string& name, const std::string& sql);

/// At most max_writer_statements. Throws as read_statement.
[[nodiscard]] std::vector<WriterStatement> read_statements(const std::vector<std::string>& texts);

/// The text of a file, cut at its semicolons.
[[nodiscard]] std::vector<std::string> split_statements(std::string_view text);

/// Every positional INSERT, as a finding: it breaks when a revision adds a column.
[[nodiscard]] std::vector<Difference> positional_inserts(
    const std::vector<WriterStatement>& statements
);

}  // namespace tapline::journal
