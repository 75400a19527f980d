// WAL mode, which a file keeps (https://sqlite.org/wal.html, 3.3).
#pragma once

#include "agent/journal/database.hpp"

namespace tapline::journal {

/// Another connection may be in the middle of something, and the switch needs the file for itself:
/// tried for two seconds. Throws storage_busy/"busy"; nothing has changed then.
void switch_to_wal(Database& database);

}  // namespace tapline::journal
