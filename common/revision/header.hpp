// The comment lines before a revision's first section; used by the parser only.
#pragma once

#include <span>

#include "common/revision/revision.hpp"
#include "common/revision/syntax.hpp"
#include "common/revision/tokens.hpp"

namespace tapline::revision {

/// Everything of a Revision except its sections, dialect and slug. end_line: where the first
/// section begins. Throws revision_syntax.
[[nodiscard]] Revision read_header(
    const Source& source, std::span<const Token> preamble, int end_line
);

}  // namespace tapline::revision
