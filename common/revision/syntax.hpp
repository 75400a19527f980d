// Shared by the parts of the revision file's parser; nobody else includes it.
#pragma once

#include <string>
#include <string_view>

#include "common/revision/dialect.hpp"

namespace tapline::revision {

/// What the parts of one parse have in common. name must outlive it.
struct Source {
    std::string_view name;  ///< of the file, for messages
    Dialect dialect = Dialect::postgres;
};

/// Throws Error{usage, "revision_syntax"}: "<file>:<line>: expected <expected>; <found>".
[[noreturn]] void syntax_error(
    const Source& source, int line, std::string_view expected, std::string_view found
);

/// Without spaces, tabs and line ends around it.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// ASCII letters only.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// A letter or _, then letters, digits and _.
[[nodiscard]] bool is_plain_name(std::string_view text) noexcept;

/// UTF-8 checked, no NUL, no BOM, LF line ends. Throws revision_syntax.
[[nodiscard]] std::string normalise(const Source& source, std::string_view bytes);

}  // namespace tapline::revision
