// PostgreSQL's access lists as words, relative to the role that owns the schema. Pure.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace tapline::catalog {

/// What stands for the role that owns most of a lineage's objects, whatever it is called here.
inline constexpr std::string_view owner_word = "@owner";

/// "@owner" for that role, else its name.
[[nodiscard]] std::string role_word(std::string_view role, std::string_view owner);

/// Roles that `grants` and `maintainers` gave something; see privileges_text.
using GrantedRoles = std::set<std::string, std::less<>>;

/// acl: aclitems as PostgreSQL prints them ("bar=r*w/bar"), one a line; who granted doesn't count.
/// standard: what a NULL list means, from acldefault(). nullopt when both say the same. Else,
/// sorted:
/// "@owner: insert, select; alice: select with grant option; public: usage"; "none" for an empty
/// list. granted: what these roles have isn't told as long as it is only what `grants` gives: rows,
/// usage, execute, without grant option.
[[nodiscard]] std::optional<std::string> privileges_text(
    std::string_view acl,
    std::string_view standard,
    std::string_view owner,
    const GrantedRoles& granted = {}
);

}  // namespace tapline::catalog
