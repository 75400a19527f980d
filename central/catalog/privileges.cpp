#include "central/catalog/privileges.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tapline::catalog {

namespace {

struct Privilege {
    char letter;
    std::string_view word;
};

// PostgreSQL 15, 5.7 Privileges; m is 17's.
constexpr Privilege known[] = {
    {'r', "select"},
    {'w', "update"},
    {'a', "insert"},
    {'d', "delete"},
    {'D', "truncate"},
    {'x', "references"},
    {'t', "trigger"},
    {'X', "execute"},
    {'U', "usage"},
    {'C', "create"},
    {'c', "connect"},
    {'T', "temporary"},
    {'s', "set"},
    {'A', "alter system"},
    {'m', "maintain"},
};

std::string word_of(char letter) {
    for (const Privilege& privilege : known) {
        if (privilege.letter == letter) {
            return std::string(privilege.word);
        }
    }
    return std::string("privilege ") + letter;
}

/// Takes the grantee off the front of an item; it is quoted when it isn't plain.
std::string take_grantee(std::string_view& item) {
    std::string name;
    if (!item.starts_with('"')) {
        const std::size_t end = item.find('=');
        name = item.substr(0, end);
        item.remove_prefix(end == std::string_view::npos ? item.size() : end + 1);
        return name;
    }
    item.remove_prefix(1);
    while (!item.empty()) {
        const char c = item.front();
        item.remove_prefix(1);
        if (c == '"') {
            if (!item.starts_with('"')) {
                break;
            }
            item.remove_prefix(1);
        }
        name += c;
    }
    item.remove_prefix(item.empty() ? 0 : 1);
    return name;
}

using Grants = std::map<std::string, std::set<std::string>>;

Grants parse(std::string_view acl, std::string_view owner) {
    Grants grants;
    while (!acl.empty()) {
        const std::size_t end = acl.find('\n');
        std::string_view item = acl.substr(0, end);
        acl.remove_prefix(end == std::string_view::npos ? acl.size() : end + 1);
        const std::string grantee = take_grantee(item);
        std::set<std::string>& words =
            grants[grantee.empty() ? std::string("public") : role_word(grantee, owner)];
        item = item.substr(0, item.find('/'));
        for (std::size_t i = 0; i < item.size(); ++i) {
            const bool may_grant = i + 1 < item.size() && item[i + 1] == '*';
            words.insert(word_of(item[i]) + (may_grant ? " with grant option" : ""));
            i += may_grant ? 1 : 0;
        }
    }
    return grants;
}

void leave_out(Grants& grants, const GrantedRoles& granted) {
    const std::set<std::string> given{"select", "insert", "update", "delete", "usage", "execute"};
    std::erase_if(grants, [&](const auto& each) {
        const auto& [grantee, words] = each;
        return granted.contains(grantee) &&
               std::includes(given.begin(), given.end(), words.begin(), words.end());
    });
}

}  // namespace

std::string role_word(std::string_view role, std::string_view owner) {
    return std::string(role == owner ? owner_word : role);
}

std::optional<std::string> privileges_text(
    std::string_view acl,
    std::string_view standard,
    std::string_view owner,
    const GrantedRoles& granted
) {
    Grants grants = parse(acl, owner);
    leave_out(grants, granted);
    if (grants == parse(standard, owner)) {
        return std::nullopt;
    }
    std::string text;
    for (const auto& [grantee, words] : grants) {
        text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", grantee, fmt::join(words, ", "));
    }
    return text.empty() ? "none" : text;
}

}  // namespace tapline::catalog
