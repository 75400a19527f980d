// `-- tapline: <verb> <arguments>` lines of a revision file, and their arguments.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/syntax.hpp"
#include "common/revision/tokens.hpp"

namespace tapline::revision {

struct Directive {
    std::string_view verb;
    std::string_view arguments;  ///< trimmed
    std::size_t token = 0;       ///< index of its comment
    int line = 0;
};

/// In order. Throws revision_syntax for one that shares its line with SQL, which only `allow` may,
/// or an unknown verb.
[[nodiscard]] std::vector<Directive> find_directives(
    const Source& source, std::span<const Token> tokens
);

/// `key=value key="value with ""quotes"""`; values may not be empty.
/// Throws revision_syntax for another shape, a key twice, or a key that isn't one of known.
[[nodiscard]] std::map<std::string, std::string, std::less<>> parse_arguments(
    const Source& source, const Directive& directive, std::span<const std::string_view> known
);

/// "500ms", "2s", "5min", "1h", up to max_duration_hours; nullopt: not one of these.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace tapline::revision
