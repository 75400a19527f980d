// Object words of findings. Pure.
#pragma once

#include <string>
#include <string_view>

namespace tapline::catalog {

/// As it is when it is a plain lower-case identifier, else in double quotes. Key words aren't
/// quoted: these are words for people and programs, not SQL.
[[nodiscard]] std::string quoted(std::string_view name);

/// "pours", "tapline.receipt"; an empty schema and `public` are left out.
[[nodiscard]] std::string qualified(std::string_view schema, std::string_view name);

/// "public.mood, integer" as PostgreSQL prints types -> "mood, integer".
[[nodiscard]] std::string without_public(std::string_view types);

}  // namespace tapline::catalog
