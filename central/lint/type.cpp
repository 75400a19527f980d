#include "central/lint/type.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tapline::lint {

namespace {

enum class Family { integer, exact, floating, text, moment, json, network, other };

struct Known {
    std::string_view name;
    Family family;
    int width;  ///< within the family: a narrower one can't hold all values of a wider one
};

constexpr std::array known_types = {
    Known{"int2", Family::integer, 1},
    Known{"int4", Family::integer, 2},
    Known{"int8", Family::integer, 3},
    Known{"numeric", Family::exact, 1},
    Known{"float4", Family::floating, 1},
    Known{"float8", Family::floating, 2},
    Known{"varchar", Family::text, 1},
    Known{"text", Family::text, 1},
    Known{"bpchar", Family::text, 1},
    Known{"citext", Family::text, 1},
    Known{"name", Family::text, 0},
    Known{"date", Family::moment, 1},
    Known{"timestamp", Family::moment, 2},
    Known{"timestamptz", Family::moment, 2},
    Known{"json", Family::json, 1},
    Known{"jsonb", Family::json, 1},
    Known{"cidr", Family::network, 1},
    Known{"inet", Family::network, 2},
};

Known lookup(const Type& type) {
    const auto found = std::find_if(known_types.begin(), known_types.end(), [&](const Known& each) {
        return !type.array && each.name == type.name;
    });
    return found == known_types.end() ? Known{"", Family::other, 0} : *found;
}

/// -1: no limit.
std::int64_t limit(const Type& type) {
    return type.modifiers.empty() ? -1 : type.modifiers.front();
}

bool narrower(std::int64_t from, std::int64_t to) {
    return to >= 0 && (from < 0 || to < from);
}

Conversion convert_numeric(const Type& from, const Type& to) {
    Conversion result;
    if (to.modifiers.empty() || from.modifiers == to.modifiers) {
        return result;
    }
    const auto scale = [](const Type& type) {
        return type.modifiers.size() > 1 ? type.modifiers[1] : 0;
    };
    if (from.modifiers.empty()) {
        return {.rewrites = true, .may_fail = true, .lossy = true};
    }
    const std::int64_t whole_before = limit(from) - scale(from);
    const std::int64_t whole_after = limit(to) - scale(to);
    result.rewrites = scale(from) != scale(to) || whole_after < whole_before;
    result.may_fail = whole_after < whole_before;
    result.lossy = scale(to) < scale(from);
    return result;
}

/// The same type with another length, precision or scale.
Conversion convert_modifiers(const Type& from, const Type& to) {
    if (from.modifiers == to.modifiers) {
        return {};
    }
    if (from.array || to.array) {
        return {.rewrites = true, .may_fail = true};
    }
    if (from.name == "numeric") {
        return convert_numeric(from, to);
    }
    const bool cuts = narrower(limit(from), limit(to));
    if (from.name == "varchar" || from.name == "varbit") {
        return {.rewrites = cuts, .may_fail = cuts};
    }
    if (from.name == "bpchar" || from.name == "bit") {
        return {.rewrites = true, .may_fail = cuts};
    }
    // timestamp(3), time(0), interval …: values are rounded
    return {.rewrites = cuts, .lossy = cuts};
}

Conversion convert_text(const Type& from, const Type& to) {
    const auto plain = [](const Type& type) {
        return type.name == "text" || type.name == "varchar";
    };
    Conversion result;
    const bool unlimited = to.modifiers.empty();
    result.rewrites = !plain(from) || !plain(to) || !unlimited;
    result.may_fail = narrower(limit(from), limit(to));
    if (to.name == "name") {
        result.lossy = true;
    }
    return result;
}

/// Types whose values are the same bytes (pg_cast with castmethod 'b').
bool binary_compatible(const Type& from, const Type& to) {
    constexpr std::array<std::array<std::string_view, 2>, 5> pairs = {{
        {"int4", "oid"},
        {"oid", "int4"},
        {"cidr", "inet"},
        {"bit", "varbit"},
        {"xml", "text"},
    }};
    return !from.array && !to.array && to.modifiers.empty() &&
           std::any_of(pairs.begin(), pairs.end(), [&](const auto& pair) {
               return pair[0] == from.name && pair[1] == to.name;
           });
}

}  // namespace

Type type_of(Node node) {
    Type type;
    std::vector<std::string> names = node["names"].strings();
    if (names.size() > 1 && (names.front() == "pg_catalog" || names.front() == "public")) {
        names.erase(names.begin());
    }
    type.name = fmt::format("{}", fmt::join(names, "."));
    for (const Node each : node["typmods"].items()) {
        type.modifiers.push_back(each["ival"]["ival"].number());
    }
    type.array = !node["arrayBounds"].items().empty();
    if (type.name == "interval") {
        type.modifiers.clear();  // fields and precision in PostgreSQL's own coding
    }
    return type;
}

std::string to_string(const Type& type) {
    const std::string modifiers =
        type.modifiers.empty() ? "" : fmt::format("({})", fmt::join(type.modifiers, ","));
    return type.name + modifiers + (type.array ? "[]" : "");
}

bool is_serial(const Type& type) noexcept {
    constexpr std::array<std::string_view, 6> names = {
        "serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"};
    return std::find(names.begin(), names.end(), type.name) != names.end();
}

Conversion convert(const Type& from, const Type& to) {
    if (from.name == to.name && from.array == to.array) {
        return convert_modifiers(from, to);
    }
    if (binary_compatible(from, to)) {
        return {.rebuilds_indexes = from.name != "cidr"};
    }
    const Known before = lookup(from);
    const Known after = lookup(to);
    if (before.family == Family::text && after.family == Family::text) {
        return convert_text(from, to);
    }
    if (before.family == after.family && before.family != Family::other) {
        Conversion result{.rewrites = true};
        result.may_fail = after.width < before.width && before.family != Family::moment;
        result.lossy = after.width < before.width && before.family == Family::moment;
        result.changes_meaning = before.family == Family::json;
        return result;
    }
    Conversion result{.rewrites = true, .may_fail = true, .changes_meaning = true};
    if (after.family == Family::text) {
        result.may_fail = !to.modifiers.empty();
    } else if (before.family == Family::integer && after.family == Family::exact) {
        result.may_fail = !to.modifiers.empty();
        result.changes_meaning = false;
    } else if (before.family == Family::integer && after.family == Family::floating) {
        result.may_fail = false;
    } else if (before.family == Family::exact || before.family == Family::floating) {
        result.lossy = after.family == Family::integer || after.family == Family::floating;
    } else if (from.name == "bool" || to.name == "bool") {
        result.may_fail = before.family == Family::text;
    }
    return result;
}

}  // namespace tapline::lint
