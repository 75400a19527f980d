// Rules of a table that only its CREATE text tells: SQLite has no pragma for them.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace tapline::journal {

/// "check (status in ('a','b'))", "collate nocase", "references t", "on conflict replace":
/// lower case, without needless spaces, IN lists in order, so that spelling makes no difference.
[[nodiscard]] std::set<std::string> rules_of_create(std::string_view create_sql);

/// The whole statement in that spelling; equal for statements that mean the same.
[[nodiscard]] std::string normal_sql(std::string_view sql);

}  // namespace tapline::journal
