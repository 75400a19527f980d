#include "central/catalog/names.hpp"

#include <algorithm>

namespace tapline::catalog {

namespace {

bool is_plain(std::string_view name) noexcept {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    return !name.empty() && letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [letter](char c) {
               return letter(c) || (c >= '0' && c <= '9') || c == '$';
           });
}

}  // namespace

std::string quoted(std::string_view name) {
    if (is_plain(name)) {
        return std::string(name);
    }
    std::string text = "\"";
    for (const char c : name) {
        text += c;
        if (c == '"') {
            text += c;
        }
    }
    return text + '"';
}

std::string qualified(std::string_view schema, std::string_view name) {
    if (schema.empty() || schema == "public") {
        return quoted(name);
    }
    return quoted(schema) + "." + quoted(name);
}

std::string without_public(std::string_view types) {
    constexpr std::string_view prefix = "public.";
    std::string text;
    while (!types.empty()) {
        const bool starts_a_name = text.empty() || text.back() == ' ' || text.back() == '(';
        if (starts_a_name && types.starts_with(prefix)) {
            types.remove_prefix(prefix.size());
        }
        if (!types.empty()) {
            text += types.front();
            types.remove_prefix(1);
        }
    }
    return text;
}

}  // namespace tapline::catalog
