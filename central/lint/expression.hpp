// What an expression of the parse tree says without being evaluated.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "central/lint/catalog.hpp"
#include "central/lint/node.hpp"

namespace tapline::lint {

/// Last part of each ColumnRef: "a" for t.a.
[[nodiscard]] std::set<std::string> columns_in(Node expression);
/// "a" for a ColumnRef; "" for anything else and for `*`.
[[nodiscard]] std::string column_of(Node expression);
/// Literals as text, numbers too.
[[nodiscard]] std::set<std::string> constants_in(Node expression);
/// Columns c with `c IS NOT NULL` joined by AND at the top.
[[nodiscard]] std::set<std::string> never_null_in(Node condition);

/// Whether its value differs from row to row, so that ADD COLUMN … DEFAULT has to write each row. A
/// function that isn't known counts: VOLATILE is the default of CREATE FUNCTION.
[[nodiscard]] bool is_volatile(Node expression, const Catalog& catalog);

/// The text of a constant, also through casts, || and format() of constants; nullopt: it is only
/// known at run time.
[[nodiscard]] std::optional<std::string> constant_text(Node expression);

/// A literal, a parameter, or an expression of these without columns or sub-selects.
[[nodiscard]] bool is_fixed(Node expression);
[[nodiscard]] bool is_null_constant(Node expression);

/// Name of a called function without schema; "" for anything else.
[[nodiscard]] std::string function_of(Node expression);

/// Every table named below node, without the names of WITH.
[[nodiscard]] std::set<std::string> tables_in(Node node);

}  // namespace tapline::lint
