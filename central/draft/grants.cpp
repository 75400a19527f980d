#include "central/draft/grants.hpp"

#include <map>
#include <set>

#include <fmt/format.h>

#include "central/catalog/privileges.hpp"
#include "central/draft/name.hpp"
#include "central/draft/options.hpp"

namespace tapline::draft {

namespace {

using Rights = std::map<std::string, std::set<std::string>>;

// acldefault() of PostgreSQL 15.
Rights standard(const std::string& kind) {
    const std::string owner(catalog::owner_word);
    if (kind == "function" || kind == "procedure" || kind == "aggregate") {
        return {{owner, {"execute"}}, {"public", {"execute"}}};
    }
    if (kind == "type" || kind == "domain") {
        return {{owner, {"usage"}}, {"public", {"usage"}}};
    }
    if (kind == "schema") {
        return {{owner, {"create", "usage"}}};
    }
    if (kind == "sequence") {
        return {{owner, {"select", "update", "usage"}}};
    }
    if (kind == "column") {
        return {};
    }
    return {{owner, {"delete", "insert", "references", "select", "trigger", "truncate", "update"}}};
}

/// "@owner: insert, select; alice: select with grant option"
Rights read(const std::string& kind, const std::string& text) {
    if (text.empty()) {
        return standard(kind);
    }
    Rights rights;
    std::string_view left = text == "none" ? std::string_view() : std::string_view(text);
    while (!left.empty()) {
        const std::size_t end = std::min(left.find("; "), left.size());
        const std::string_view one = left.substr(0, end);
        left.remove_prefix(std::min(end + 2, left.size()));
        const std::size_t colon = one.rfind(": ");
        if (colon != std::string_view::npos) {
            const auto words = split_list(one.substr(colon + 2));
            rights[std::string(one.substr(0, colon))].insert(words.begin(), words.end());
        }
    }
    return rights;
}

struct Right {
    std::string word;
    bool may_grant = false;
};

Right right_of(const std::string& text) {
    const std::size_t with = text.find(" with grant option");
    return {upper(text.substr(0, with)), with != std::string::npos};
}

}  // namespace

Grants grants_between(
    const std::string& kind,
    const std::string& target,
    const std::string& part,
    const std::string& before,
    const std::string& after
) {
    Rights had = read(kind, before);
    Rights gets = read(kind, after);
    const std::string column = part.empty() ? "" : " (" + identifier(part) + ")";
    Grants grants;
    std::set<std::string> roles;
    for (const auto* side : {&had, &gets}) {
        for (const auto& [role, words] : *side) {
            roles.insert(role);
        }
    }
    for (const std::string& role : roles) {
        const bool owner = role == catalog::owner_word;
        const std::string who = owner              ? "CURRENT_USER"
                                : role == "public" ? "PUBLIC"
                                                   : identifier(role);
        for (const std::string& text : gets[role]) {
            if (had[role].contains(text)) {
                continue;
            }
            const Right right = right_of(text);
            const std::string grant = fmt::format(
                "GRANT {}{} ON {} TO {}{};",
                right.word,
                column,
                target,
                who,
                right.may_grant ? " WITH GRANT OPTION" : ""
            );
            // With a grant option beside: the plain right was there and stays.
            const bool had_plain =
                right.may_grant && had[role].erase(text.substr(0, text.find(" with"))) > 0;
            if (owner) {
                grants.proposed.push_back(grant);
                continue;
            }
            grants.give.push_back(grant);
            grants.back.push_back(fmt::format(
                "REVOKE {}{}{} ON {} FROM {};",
                had_plain ? "GRANT OPTION FOR " : "",
                right.word,
                column,
                target,
                who
            ));
        }
        for (const std::string& text : had[role]) {
            if (!gets[role].contains(text)) {
                const Right right = right_of(text);
                const bool keeps =
                    right.may_grant && gets[role].contains(text.substr(0, text.find(" with")));
                grants.proposed.push_back(fmt::format(
                    "REVOKE {}{}{} ON {} FROM {};",
                    keeps ? "GRANT OPTION FOR " : "",
                    right.word,
                    column,
                    target,
                    who
                ));
            }
        }
    }
    return grants;
}

}  // namespace tapline::draft
