// Reading and writing JSON messages with limits. Only the codec's own units include this.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/row_hash.hpp"

namespace tapline::wire {

using Json = nlohmann::json;

inline constexpr int max_depth = 8;
inline constexpr std::size_t max_text_bytes = 1024;

/// Throws Error{protocol, "malformed"}.
[[noreturn]] void malformed(const std::string& what);

/// The body as one JSON object, nested at most max_depth deep.
[[nodiscard]] Json parse_object(std::string_view text);

/// Text that may hold anything becomes valid JSON: bytes that aren't UTF-8 are replaced.
[[nodiscard]] std::string dump(const Json& json);

/// Reads members of one object; a missing one throws unless a default is given.
class Reader {
  public:
    explicit Reader(const Json& json) : json_(json) {
        if (!json.is_object()) {
            malformed("an object is missing where one must stand");
        }
    }

    [[nodiscard]] std::int64_t number(
        const char* name,
        std::int64_t min,
        std::int64_t max = std::numeric_limits<std::int64_t>::max()
    ) const {
        const auto& member = required(name);
        if (!member.is_number_integer() ||
            (member.is_number_unsigned() && member.get<std::uint64_t>() > INT64_MAX)) {
            malformed(fmt::format("{} isn't a whole number", name));
        }
        const auto value = member.get<std::int64_t>();
        if (value < min || value > max) {
            malformed(fmt::format("{} is {}, outside {}..{}", name, value, min, max));
        }
        return value;
    }

    [[nodiscard]] std::int64_t number_or(
        const char* name, std::int64_t fallback, std::int64_t min = 0
    ) const {
        return json_.contains(name) ? number(name, min) : fallback;
    }

    [[nodiscard]] std::string text(const char* name) const {
        const auto& member = required(name);
        if (!member.is_string() || member.get_ref<const std::string&>().size() > max_text_bytes) {
            malformed(fmt::format("{} isn't a text of at most {} bytes", name, max_text_bytes));
        }
        return member.get<std::string>();
    }

    [[nodiscard]] std::string text_or(const char* name, std::string fallback = {}) const {
        return json_.contains(name) ? text(name) : fallback;
    }

    [[nodiscard]] bool flag_or(const char* name, bool fallback) const {
        const auto member = json_.find(name);
        if (member == json_.end()) {
            return fallback;
        }
        if (!member->is_boolean()) {
            malformed(fmt::format("{} isn't true or false", name));
        }
        return member->get<bool>();
    }

    [[nodiscard]] RowHash hash(const char* name) const {
        const auto hash = hash_from_hex(text(name));
        if (!hash) {
            malformed(fmt::format("{} isn't a SHA-256 in hex", name));
        }
        return *hash;
    }

    /// A missing list is an empty one.
    template <typename Item>
    [[nodiscard]] std::vector<Item> list(
        const char* name, std::size_t limit, Item (*read)(const Json&)
    ) const {
        std::vector<Item> items;
        const auto member = json_.find(name);
        if (member == json_.end()) {
            return items;
        }
        if (!member->is_array() || member->size() > limit) {
            malformed(fmt::format("{} isn't a list of at most {} items", name, limit));
        }
        items.reserve(member->size());
        for (const auto& item : *member) {
            items.push_back(read(item));
        }
        return items;
    }

    [[nodiscard]] const Json* child(const char* name) const {
        const auto member = json_.find(name);
        return member == json_.end() ? nullptr : &*member;
    }

  private:
    [[nodiscard]] const Json& required(const char* name) const {
        const auto member = json_.find(name);
        if (member == json_.end()) {
            malformed(fmt::format("{} is missing", name));
        }
        return *member;
    }

    const Json& json_;
};

}  // namespace tapline::wire
