// Column types, and what ALTER COLUMN … TYPE does with the rows that are there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "central/lint/node.hpp"

namespace tapline::lint {

struct Type {
    std::string name;                     ///< as in pg_type ("int4", "bpchar"), or "schema.mood"
    std::vector<std::int64_t> modifiers;  ///< (10, 2) of numeric(10,2); empty: none given
    bool array = false;

    [[nodiscard]] bool known() const noexcept { return !name.empty(); }

    friend bool operator==(const Type&, const Type&) = default;
};

/// node: a TypeName.
[[nodiscard]] Type type_of(Node node);

/// "int4", "numeric(10,2)".
[[nodiscard]] std::string to_string(const Type& type);

/// smallserial, serial, bigserial: an integer, a sequence and a default.
[[nodiscard]] bool is_serial(const Type& type) noexcept;

/// What a change from one base type to another means. Checked against PostgreSQL 15
/// (ATColumnChange- RequiresRewrite): only a relabelling or a wider length coercion leaves the rows
/// alone.
struct Conversion {
    bool rewrites = false;
    bool may_fail = false;          ///< a value may not fit or not be readable as the new type
    bool lossy = false;             ///< values are rounded or cut silently
    bool changes_meaning = false;   ///< clients' comparisons and parameters meet another type
    bool rebuilds_indexes = false;  ///< though the rows stay: another operator class
};

[[nodiscard]] Conversion convert(const Type& from, const Type& to);

}  // namespace tapline::lint
