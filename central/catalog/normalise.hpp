// Whether two printed definitions mean the same to PostgreSQL's parser. Pure.
//
// A database restored from its own dump prints some expressions differently, because the parser
// doesn't take its own output back word for word:
//
//   printed at first                                 after dump and restore
//   (a)::text = ANY ((ARRAY['x'::varchar])::text[])  (a)::text = ANY (ARRAY[('x'::varchar)::text])
//   ((a >= 1) AND (a <= 9)) AND b                    (a >= 1) AND (a <= 9) AND b
//
// So what differs as text is compared as parse trees without positions, after the rules that the
// server itself applies when it reads such a text:
//   - a cast of ARRAY[…] to T[] is a cast of each element to T (parse_expr.c, transformArrayExpr)
//   - casting twice to the same type is casting once
//   - a string literal cast to varchar without a length and then to text is that literal as text
// A cast of a column or of a function's result is never dropped: it may change the meaning.
#pragma once

#include <string>
#include <string_view>

namespace tapline::catalog {

/// The tree of an expression, a query, a whole statement, or a piece of one (the text of a
/// constraint, a function's arguments or SQL body, a partition key or bound), as JSON text. Empty
/// when libpg_query can't read it as any of these.
[[nodiscard]] std::string normalised(std::string_view definition);

/// Equal texts are equal at once; texts that can't be parsed are compared by their words.
[[nodiscard]] bool same_definition(std::string_view a, std::string_view b);

}  // namespace tapline::catalog
