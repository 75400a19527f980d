// A table of SQLite gets another definition. See run_section.hpp.
#pragma once

#include <string>

#include "agent/journal/database.hpp"
#include "common/revision/revision.hpp"

namespace tapline::journal {

/// create: the CREATE TABLE of the new definition, under the table's own name. In the caller's
/// transaction.
void rebuild_table(Database& database, const revision::Rebuild& rebuild, const std::string& create);

}  // namespace tapline::journal
