// What two catalogs differ in. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "central/catalog/catalog.hpp"

namespace tapline::catalog {

enum class Change { added, removed, changed };

[[nodiscard]] std::string_view to_string(Change change) noexcept;

/// "added": found has it, expected doesn't.
struct Finding {
    std::string object;
    Change change = Change::changed;
    /// Attribute values on each side; of a changed object only those that differ. An attribute that
    /// one side doesn't have is at its default there.
    Attributes expected;
    Attributes found;
    /// Of an added object: SHA-256, hex, over all its parts (a table's columns, indexes, triggers),
    /// which aren't named beside it. Empty: it has none.
    std::string parts{};
    bool operator==(const Finding&) const = default;
};

/// SHA-256, hex, over kind, attribute values and parts: an accepted difference that goes on
/// changing is a new one.
[[nodiscard]] std::string digest(const Finding& finding);

/// Nothing but comments: told, and no drift.
[[nodiscard]] bool is_comment_only(const Finding& finding);

/// (object, digest of the finding) of differences that somebody has accepted.
using AcceptedDifferences = std::set<std::pair<std::string, std::string>>;

/// By object name. A part of an object that was added or removed isn't reported beside it, nor is
/// what a child table merely inherits from a parent that says the same. Expressions are compared as
/// parse trees (normalise.hpp).
[[nodiscard]] std::vector<Finding> compare(
    const Catalog& expected, const Catalog& found, const AcceptedDifferences& accepted = {}
);

/// How many objects differ, each part of an added or removed one too: how near two schemas are.
[[nodiscard]] std::size_t distance(const Catalog& expected, const Catalog& found);

}  // namespace tapline::catalog
