// A migration tried on a copy, with what the tap's program sends before and after it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "agent/journal/database.hpp"
#include "agent/journal/writer_statements.hpp"

namespace tapline::journal {

/// Upgrades the copy to `target`, which may be where it is already. Throws
///   refused/"breaks_writer"       a statement of a release, or a registered one, worked before and
///                                 doesn't after: it fails, or reaches no row
///   FileError{"unknown_shape"}    the upgrade doesn't go through, or the newest release can't
///   write
///   refused/"writer_sql_forbidden", "writer_sql_slow"   a registered statement does what it may
///                                 not, or takes too long (fence.hpp)
/// Every statement runs in a transaction of the copy and is rolled back. Returns what is to be said
/// of the registered ones though it stops nothing: an INSERT without its columns, a statement that
/// works neither before nor after.
std::vector<Difference> rehearse(
    Database& copy, std::string_view target, const std::vector<WriterStatement>& registered
);

/// The same for a file of ours that is open: on a VACUUM INTO copy of it.
std::vector<Difference> rehearse_open(
    Database& live, std::string_view target, const std::vector<WriterStatement>& registered
);

}  // namespace tapline::journal
