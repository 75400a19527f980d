// Bytes of a revision file -> Revision. Pure: no file system, no database.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/revision/revision.hpp"

namespace tapline::revision {

/// A file as read: its name without directory, and its bytes.
struct SourceFile {
    std::string name;
    std::string bytes;
};

/// A baseline dump fits; data belongs into the database by other ways.
inline constexpr std::size_t max_file_bytes = 8U << 20U;
/// Per section.
inline constexpr std::size_t max_statements = 10'000;
/// One page is one transaction, and a transaction holds its row locks to the end.
inline constexpr int max_batch_rows = 100'000;
/// Longest time-out or pause that a file may ask for.
inline constexpr int max_duration_hours = 24;

/// What becomes of BEGIN, COMMIT and their kin inside a section: a runner must refuse them, lint
/// reports them with everything else.
enum class TransactionControl { refuse, keep };

/// Checks UTF-8, drops a BOM, turns CRLF into LF, then parses.
/// Throws Error{usage, "revision_syntax"} naming file, line and what was expected, and
/// Error{usage, "transaction_control"} for a section that begins, commits or rolls back by itself.
[[nodiscard]] Revision parse(
    const SourceFile& file, Dialect dialect, TransactionControl control = TransactionControl::refuse
);

/// Whether a `-- tapline: upgrade` or `downgrade` line makes it a revision file. Throws as parse
/// for bytes that aren't text and for directives that nobody knows.
[[nodiscard]] bool has_sections(const SourceFile& file, Dialect dialect);

/// A file of nothing but SQL as one upgrade section, `-- tapline: allow` and `batch` lines
/// included. Errors as parse.
[[nodiscard]] Section parse_plain(
    const SourceFile& file, Dialect dialect, TransactionControl control
);

/// Reads back Section::raw, e.g. a downgrade that a newer program stored in a journal.
/// direction: the marker that the text must begin with. name: what errors call the text.
/// Errors as parse; lines count from the marker = 1.
[[nodiscard]] Section parse_section(
    std::string_view raw, Dialect dialect, Direction direction, std::string_view name
);

/// 4–32 of [0-9A-Za-z_], and none of the words head, heads, base.
[[nodiscard]] bool is_revision_id(std::string_view text) noexcept;

/// 1–64 of [0-9A-Za-z_.-], and none of the words head, heads, base.
[[nodiscard]] bool is_branch_label(std::string_view text) noexcept;

}  // namespace tapline::revision
