#include "common/revision/placed.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace tapline::revision {

std::size_t statement_after(
    const Source& source,
    std::span<const Token> tokens,
    std::span<const StatementRange> ranges,
    const Directive& directive
) {
    const auto after = std::find_if(ranges.begin(), ranges.end(), [&](const StatementRange& each) {
        return each.last > directive.token;
    });
    if (after == ranges.end()) {
        syntax_error(
            source,
            directive.line,
            fmt::format("a statement after '{}'", directive.verb),
            "the section ends"
        );
    }
    if (after->first < directive.token) {
        syntax_error(
            source,
            directive.line,
            fmt::format("'{}' before its statement", directive.verb),
            fmt::format("it stands inside the one of line {}", tokens[after->first].line)
        );
    }
    return static_cast<std::size_t>(after - ranges.begin());
}

}  // namespace tapline::revision
