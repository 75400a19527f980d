// One section of a revision file; used by the parser only.
#pragma once

#include <span>

#include "common/revision/directive.hpp"
#include "common/revision/file.hpp"
#include "common/revision/revision.hpp"
#include "common/revision/syntax.hpp"
#include "common/revision/tokens.hpp"

namespace tapline::revision {

/// tokens: all of the section, the first one being the marker's comment.
/// Throws revision_syntax and transaction_control.
[[nodiscard]] Section read_section(
    const Source& source, std::span<const Token> tokens, TransactionControl control
);

/// The same without a marker: all tokens are its SQL.
[[nodiscard]] Section read_plain(
    const Source& source, std::span<const Token> tokens, TransactionControl control
);

/// Throws revision_syntax for the first token that runs to the end of the text.
void check_terminated(const Source& source, std::span<const Token> tokens);

}  // namespace tapline::revision
