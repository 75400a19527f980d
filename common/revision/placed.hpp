// Which statement a directive is about.
#pragma once

#include <span>

#include "common/revision/directive.hpp"
#include "common/revision/split.hpp"

namespace tapline::revision {

/// Index of the statement that begins after the directive. Throws revision_syntax when none does,
/// or when the directive stands inside one.
[[nodiscard]] std::size_t statement_after(
    const Source& source,
    std::span<const Token> tokens,
    std::span<const StatementRange> ranges,
    const Directive& directive
);

}  // namespace tapline::revision
