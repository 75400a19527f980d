// The rules that need more than one statement: what the locks of a transaction do together.
#pragma once

#include "central/lint/statement.hpp"

namespace tapline::lint {

/// Call it after a statement's own rules. Adds its findings and remembers its locks.
void judge_transaction_wide(Statement& statement);

/// A value that ALTER TYPE … ADD VALUE of this transaction has added, used in node (SQLSTATE
/// 55P04).
void judge_enum_use(Statement& statement, Node node);

/// Identifiers beyond NAMEDATALEN - 1 bytes, as written.
void judge_names(Statement& statement, const std::string& sql);

}  // namespace tapline::lint
