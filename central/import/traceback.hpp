// Why a run of Alembic failed, from what Python and Alembic print. Pure.
#pragma once

#include <string>
#include <vector>

#include "central/import/child.hpp"

namespace tapline::alembic {

[[nodiscard]] std::vector<std::string> lines_of(const std::string& text);

/// The exception's own line after the last frame; else what stands behind Alembic's `FAILED:`, else
/// the last words.
[[nodiscard]] std::string exception_line(const ChildEnd& end);

/// The same, with the line of the revision's file (path) where it came from; one printable line.
[[nodiscard]] std::string reason_of(const ChildEnd& end, const std::string& path);

/// Whether the revision's own `raise` ended it: the author says that there is no way.
[[nodiscard]] bool raised_by_author(const ChildEnd& end, const std::string& path);

}  // namespace tapline::alembic
