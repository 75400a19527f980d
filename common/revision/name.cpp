#include "common/revision/name.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"

namespace tapline::revision {
namespace {

using Ids = std::vector<std::string>;

/// Alembic doesn't complete shorter names; revision ids are never that short, labels may be.
constexpr std::size_t shortest_completed = 4;
/// A message is one line.
constexpr std::size_t most_listed = 6;

[[noreturn]] void fail(const char* code, const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::usage, code, what, hint);
}

/// "id (file)".
std::string with_file(const Lineage& lineage, const std::string& id) {
    return fmt::format("{} ({})", id, lineage.at(id).file);
}

/// Where the trailing `+N` or `-N` begins; npos: there is none.
std::size_t steps_begin(std::string_view text) {
    const std::size_t last = text.find_last_not_of("0123456789");
    if (last == std::string_view::npos || last + 1 == text.size() ||
        (text[last] != '+' && text[last] != '-')) {
        return std::string_view::npos;
    }
    return last;
}

/// Ids and labels that begin with symbol.
Ids completions(const Lineage& lineage, std::string_view symbol) {
    Ids found;
    for (const Revision& revision : lineage.revisions()) {
        if (revision.id.starts_with(symbol)) {
            found.push_back(revision.id);
        }
    }
    for (auto each = lineage.labels().lower_bound(symbol);
         each != lineage.labels().end() && each->first.starts_with(symbol);
         ++each) {
        if (each->first.size() >= shortest_completed) {
            found.push_back(each->first);
        }
    }
    return found;
}

/// nullopt: neither an id nor a label.
std::optional<std::string> find_exact(const Lineage& lineage, std::string_view symbol) {
    if (lineage.find(symbol) != nullptr) {
        return std::string(symbol);
    }
    const auto label = lineage.labels().find(symbol);
    return label == lineage.labels().end() ? std::nullopt : std::optional(label->second);
}

std::string id_of(const Lineage& lineage, const std::string& id_or_label) {
    return find_exact(lineage, id_or_label).value_or(id_or_label);
}

std::string find_start(
    const Lineage& lineage, std::string_view symbol, const std::optional<std::string>& label
) {
    Ids found = completions(lineage, symbol);
    if (label) {
        Ids ids;
        for (const std::string& each : found) {
            ids.push_back(id_of(lineage, each));
        }
        const Ids kept = on_branch(lineage, ids, *label);
        const IdSet line(kept.begin(), kept.end());
        std::erase_if(found, [&](const std::string& each) {
            return !line.contains(id_of(lineage, each));
        });
    }
    if (found.empty() || (symbol.empty() && found.size() == 1)) {
        fail(
            "not_found",
            fmt::format("no revision or branch label is called '{}' or begins with it", symbol),
            "'history' lists the ids; is the file in the directory that was read?"
        );
    }
    if (found.size() > 1) {
        fail(
            "ambiguous",
            fmt::format(
                "'{}' fits {} names: {}", symbol, found.size(), list_with_files(lineage, found)
            ),
            "write more of the one that is meant"
        );
    }
    return id_of(lineage, found.front());
}

/// The newest revision that all ids stand on; empty: they have none in common.
std::string shared_parent(const Lineage& lineage, const Ids& ids) {
    IdSet shared = lineage.with_ancestors({ids.front()}, Edges::revises);
    for (const std::string& id : ids) {
        const IdSet line = lineage.with_ancestors({id}, Edges::revises);
        std::erase_if(shared, [&](const std::string& each) { return !line.contains(each); });
    }
    return shared.empty() ? std::string() : lineage.in_order(shared).back();
}

}  // namespace

Name parse_name(std::string_view text) {
    Name name;
    name.text = text;
    const std::size_t at = text.find('@');
    if (at != std::string_view::npos) {
        name.label = text.substr(0, at);
        text.remove_prefix(at + 1);
    }
    const std::size_t sign = steps_begin(text);
    if (sign != std::string_view::npos) {
        constexpr int most_steps = 1'000'000;
        int steps = 0;
        const char* const end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data() + sign + 1, end, steps);
        if (error != std::errc{} || stop != end || steps > most_steps) {
            fail(
                "not_found",
                fmt::format(
                    "'{}' counts more steps than the {} that are allowed", text, most_steps
                ),
                "write an id, the start of one, head, heads, base, +2, -1, or an id with +2 or -1"
            );
        }
        name.steps = text[sign] == '+' ? steps : -steps;
        text = text.substr(0, sign);
    }
    name.symbol = text;
    return name;
}

bool is_keyword(std::string_view symbol) noexcept {
    return symbol == "head" || symbol == "heads" || symbol == "base";
}

std::string find_one(
    const Lineage& lineage, std::string_view symbol, const std::optional<std::string>& label
) {
    const std::optional<std::string> branch =
        label ? std::optional(find_one(lineage, *label)) : std::nullopt;
    const std::optional<std::string> exact = find_exact(lineage, symbol);
    if (!exact) {
        return find_start(lineage, symbol, branch);
    }
    if (branch && on_branch(lineage, {*exact}, *branch).empty()) {
        fail(
            "not_on_branch",
            fmt::format(
                "{} is not on the branch '{}', which is the line of {}",
                with_file(lineage, *exact),
                *label,
                with_file(lineage, *branch)
            ),
            "'history -v' shows the branches; write the id without 'label@' if it is the one"
        );
    }
    return *exact;
}

Ids on_branch(const Lineage& lineage, const Ids& ids, const std::string& label, Edges edges) {
    const std::string root = find_one(lineage, label);
    IdSet line = lineage.with_ancestors({root}, edges);
    line.merge(lineage.with_descendants({root}, edges));
    Ids found;
    std::copy_if(ids.begin(), ids.end(), std::back_inserter(found), [&](const std::string& each) {
        return line.contains(each);
    });
    return found;
}

Ids lookup(const Lineage& lineage, const Name& name) {
    if (name.symbol == "base") {
        return {};
    }
    if (name.symbol != "head" && name.symbol != "heads") {
        return {find_one(lineage, name.symbol, name.label)};
    }
    if (name.symbol == "heads" && !name.label) {
        return lineage.real_heads();
    }
    Ids heads = name.label ? on_branch(lineage, lineage.heads(), *name.label) : lineage.heads();
    if (name.symbol == "head" && heads.size() > 1) {
        fail_multiple_heads(lineage, name.text, heads);
    }
    return heads;
}

std::optional<std::string> lookup_one(const Lineage& lineage, const Name& name) {
    const Ids found = lookup(lineage, name);
    if (found.size() > 1) {
        fail_multiple_heads(lineage, name.text, found);
    }
    return found.empty() ? std::nullopt : std::optional(found.front());
}

std::string list_with_files(const Lineage& lineage, const Ids& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), most_listed); ++i) {
        text += i == 0 ? "" : ", ";
        text += fmt::format("{} ({})", names[i], lineage.at(id_of(lineage, names[i])).file);
    }
    return names.size() > most_listed
               ? fmt::format("{} and {} more", text, names.size() - most_listed)
               : text;
}

void fail_multiple_heads(const Lineage& lineage, std::string_view text, const Ids& heads) {
    const std::string parent = shared_parent(lineage, heads);
    fail(
        "multiple_heads",
        fmt::format(
            "'{}' fits {} heads: {}; {}",
            text,
            heads.size(),
            list_with_files(lineage, heads),
            parent.empty() ? "they have no parent in common"
                           : "they part after " + with_file(lineage, parent)
        ),
        fmt::format(
            "join them with `tapline-central merge {}`, name one of them, or write 'heads' for all",
            heads == lineage.real_heads() || heads.size() > most_listed
                ? "heads"
                : fmt::format("{}", fmt::join(heads, " "))
        )
    );
}

}  // namespace tapline::revision
