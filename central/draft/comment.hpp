// SQL and words as comments of a draft.
#pragma once

#include <string>

#include "central/draft/draft.hpp"

namespace tapline::draft {

/// One line, and no directive whatever the object is called.
[[nodiscard]] std::string plain(std::string text);
/// Comment lines of at most 96 columns.
[[nodiscard]] std::string wrapped(const std::string& text);
/// Each line behind `-- | `.
[[nodiscard]] std::string commented(const std::string& sql);
/// `-- DECIDE: …` and the SQL behind `-- | `.
[[nodiscard]] std::string proposal(const Item& item);

}  // namespace tapline::draft
