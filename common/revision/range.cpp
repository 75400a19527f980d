#include "common/revision/range.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/revision/resolve.hpp"

namespace tapline::revision {
namespace {

using Ids = std::vector<std::string>;

[[noreturn]] void fail(const char* code, const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::usage, code, what, hint);
}

/// A name with steps and a symbol; past an end it stays there.
Ids walk_clamped(const Lineage& lineage, const Name& name, Ids start) {
    if (start.size() > 1) {
        fail(
            "ambiguous",
            fmt::format(
                "'{}' counts from several revisions: {}", name.text, list_with_files(lineage, start)
            ),
            "name the one to count from, as in <id>+1"
        );
    }
    const auto place = walk(
        lineage, start.empty() ? std::nullopt : std::optional(start.front()), name, AtEnd::stay
    );
    return place ? Ids{*place} : Ids{};
}

Ids symbol_ids(const Lineage& lineage, const Name& name) {
    Name symbol = name;
    symbol.steps.reset();
    return lookup(lineage, symbol);
}

Ids lower_end(const Lineage& lineage, const Ids& applied, const std::string& text) {
    if (text == "current") {
        return applied;
    }
    const Name name = parse_name(text);
    if (!name.steps) {
        return lookup(lineage, name);
    }
    if (!name.symbol.empty()) {
        return walk_clamped(lineage, name, symbol_ids(lineage, name));
    }
    if (*name.steps > 0) {
        return resolve(lineage, text);
    }
    Ids found;
    const Ids heads =
        name.label ? on_branch(lineage, lineage.real_heads(), *name.label) : lineage.real_heads();
    for (const std::string& head : heads) {
        const Ids below = walk_clamped(lineage, name, {head});
        found.insert(found.end(), below.begin(), below.end());
    }
    return found;
}

Ids upper_end(
    const Lineage& lineage, const Ids& applied, const std::string& from, const std::string& text
) {
    if (text == "current") {
        return applied;
    }
    const Name name = parse_name(text);
    if (!name.steps) {
        return lookup(lineage, name);
    }
    if (!name.symbol.empty()) {
        return walk_clamped(lineage, name, symbol_ids(lineage, name));
    }
    if (*name.steps <= 0) {
        fail(
            "wrong_direction",
            fmt::format("'{}' counts down from the range's own beginning", text),
            "after the colon write +N, or a name with -N as in head-2"
        );
    }
    return walk_clamped(lineage, name, lower_end(lineage, applied, from));
}

/// `label@…:` means that branch alone.
void keep_branch(const Lineage& lineage, const std::string& lower, Ids& targets) {
    const std::optional<std::string> label = parse_name(lower).label;
    if (!label) {
        return;
    }
    const std::string root = find_one(lineage, *label);
    const IdSet above = lineage.with_descendants({root}, Edges::revises);
    std::erase_if(targets, [&](const std::string& id) {
        return !above.contains(id) && !lineage.labels_of(id).contains(*label);
    });
}

}  // namespace

std::optional<Range> split_range(std::string_view text) {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    if (text.find(':', colon + 1) != std::string_view::npos) {
        fail(
            "bad_range",
            fmt::format("'{}' has more than one colon", text),
            "a range is FROM:TO, FROM: or :TO"
        );
    }
    return Range{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

Ids list_range(const Lineage& lineage, const Ids& applied, const Range& range) {
    const std::string from = range.from.empty() ? "base" : range.from;
    const std::string to = range.to.empty() ? "heads" : range.to;
    Ids upper = upper_end(lineage, applied, from, to);
    const Ids lower = lower_end(lineage, applied, from);
    keep_branch(lineage, from, upper);
    IdSet listed = lineage.with_ancestors(upper);
    for (const std::string& id : lower) {
        if (!listed.contains(id)) {
            fail(
                "not_ancestor",
                fmt::format("{} ({}) is not below {}", id, lineage.at(id).file, to),
                "a range goes from the older revision to the newer one, on one branch"
            );
        }
    }
    if (!lower.empty()) {
        const IdSet above = lineage.with_descendants(lower, Edges::revises);
        const IdSet below = lineage.with_ancestors(lower);
        const IdSet ends(lower.begin(), lower.end());
        std::erase_if(listed, [&](const std::string& id) {
            return !above.contains(id) || (below.contains(id) && !ends.contains(id));
        });
    }
    Ids order = lineage.in_order(listed);
    std::reverse(order.begin(), order.end());
    return order;
}

OfflinePlan plan_offline(const Lineage& lineage, Direction direction, std::string_view text) {
    const bool up = direction == Direction::upgrade;
    const std::optional<Range> range = split_range(text);
    if (!range && !up) {
        fail(
            "bad_range",
            fmt::format("downgrade --sql {} doesn't say where the database is", text),
            fmt::format("write FROM:TO, as in head:{}", text)
        );
    }
    if (range && (range->from.empty() || range->to.empty())) {
        fail(
            "ambiguous",
            fmt::format("'{}' leaves an end open, and the database isn't asked", text),
            "write both ends, as in base:heads"
        );
    }
    OfflinePlan offline;
    if (range) {
        const auto from = lookup_one(lineage, parse_name(range->from));
        offline.from = from ? Ids{*from} : Ids{};
    }
    const std::string to = range ? range->to : std::string(text);
    offline.plan =
        up ? plan_upgrade(lineage, offline.from, to) : plan_downgrade(lineage, offline.from, to);
    return offline;
}

void refuse_range(std::string_view text) {
    if (text.find(':') != std::string_view::npos) {
        fail(
            "bad_range",
            fmt::format("'{}' is a range, and the database knows where it is", text),
            "write the target alone; ranges are for --sql and for 'history -r'"
        );
    }
}

}  // namespace tapline::revision
