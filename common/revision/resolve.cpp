#include "common/revision/resolve.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::revision {
namespace {

using Ids = std::vector<std::string>;
using Place = std::optional<std::string>;  // nullopt: base

[[noreturn]] void fail(const char* code, const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::usage, code, what, hint);
}

Ids as_ids(const Place& place) {
    return place ? Ids{*place} : Ids{};
}

Place as_place(const Ids& ids) {
    return ids.empty() ? std::nullopt : Place(ids.front());
}

[[noreturn]] void fail_wrong_direction(Direction direction, const Name& name) {
    const bool up = direction == Direction::upgrade;
    fail(
        "wrong_direction",
        fmt::format("{} {} would not go {}", to_string(direction), name.text, up ? "up" : "down"),
        up ? "write +N to go up from where the database is, 'downgrade -N' to go down"
           : "write -N to go down from where the database is, 'upgrade +N' to go up"
    );
}

[[noreturn]] void fail_fork(
    const Lineage& lineage, const Name& name, const Ids& ids, const std::string& where
) {
    fail(
        "ambiguous",
        fmt::format("'{}' {}: {}", name.text, where, list_with_files(lineage, ids)),
        "name the revision, or the branch as in label@+1"
    );
}

/// Where one step leads to. Several: a fork. nullopt: off the end.
std::optional<Ids> one_step(const Lineage& lineage, const Place& from, const Name& name) {
    if (*name.steps <= 0) {
        return from ? std::optional(lineage.at(*from).revises) : std::nullopt;
    }
    const Ids& up = from ? lineage.children(*from) : lineage.bases();
    Ids there = name.label ? on_branch(lineage, up, *name.label) : up;
    return there.empty() ? std::nullopt : std::optional(std::move(there));
}

/// Name with steps and a symbol. A label narrows the way up; the way down is one anyhow, so there
/// it is the symbol that must be on the branch.
Place walk_from_symbol(const Lineage& lineage, const Name& name, AtEnd at_end) {
    Name start = name;
    start.steps.reset();
    if (*name.steps > 0) {
        start.label.reset();
    }
    return walk(lineage, lookup_one(lineage, start), name, at_end);
}

/// `-N`: below each head, or each head of the branch.
Ids below_heads(const Lineage& lineage, const Name& name) {
    const Ids heads =
        name.label ? on_branch(lineage, lineage.real_heads(), *name.label) : lineage.real_heads();
    Ids found;
    for (const std::string& head : heads) {
        const Place place = walk(lineage, head, name, AtEnd::fail);
        if (place && std::find(found.begin(), found.end(), *place) == found.end()) {
            found.push_back(*place);
        }
    }
    return found;
}

/// Those that no other of them stands on.
Ids tips(const Lineage& lineage, const Ids& ids, Edges edges) {
    const IdSet all(ids.begin(), ids.end());
    Ids found;
    std::copy_if(ids.begin(), ids.end(), std::back_inserter(found), [&](const std::string& id) {
        const Ids& above = edges == Edges::all ? lineage.dependents(id) : lineage.children(id);
        return std::none_of(above.begin(), above.end(), [&](const std::string& each) {
            return all.contains(each);
        });
    });
    return found;
}

/// What `label@+N` or `label@-N` counts from. The branch's head may be applied as a dependency of
/// another row; and a branch that has nothing of its own yet goes up from where it forks off, while
/// there is nothing that it could take down.
Ids applied_on_branch(
    const Lineage& lineage, const Ids& applied, const std::string& label, bool up
) {
    Ids found = on_branch(lineage, applied, label);
    if (!found.empty()) {
        return found;
    }
    const IdSet set = lineage.with_ancestors(applied);
    const Ids all(set.begin(), set.end());
    return up ? tips(lineage, on_branch(lineage, all, label), Edges::all)
              : on_branch(lineage, tips(lineage, all, Edges::revises), label);
}

/// Where steps without a symbol begin.
Place applied_start(const Lineage& lineage, const Ids& applied, const Name& name) {
    const bool up = *name.steps > 0;
    const Ids start = name.label ? applied_on_branch(lineage, applied, *name.label, up) : applied;
    if (start.size() > 1) {
        fail_fork(lineage, name, start, "counts from several revisions that are applied");
    }
    if (start.empty() && !up && name.label) {
        fail(
            "too_many_steps",
            fmt::format("'{}' goes down on a branch of which nothing is applied", name.text),
            "'current -v' shows what is applied"
        );
    }
    return as_place(start);
}

}  // namespace

Place walk(const Lineage& lineage, Place start, const Name& name, AtEnd at_end) {
    const bool up = *name.steps > 0;
    const int wanted = up ? *name.steps : -*name.steps;
    for (int done = 0; done < wanted; ++done) {
        const std::optional<Ids> next = one_step(lineage, start, name);
        if (!next && at_end == AtEnd::stay) {
            return start;
        }
        if (!next) {
            fail(
                "too_many_steps",
                fmt::format(
                    "'{}' asks for {} steps, and only {} are there", name.text, wanted, done
                ),
                up ? "write 'head' to go to the end" : "write 'base' to go to the beginning"
            );
        }
        if (next->size() > 1) {
            fail_fork(
                lineage, name, *next, fmt::format("comes to a fork at {}", start.value_or("base"))
            );
        }
        start = as_place(*next);
    }
    return start;
}

Ids resolve(const Lineage& lineage, std::string_view text) {
    const Name name = parse_name(text);
    if (!name.steps) {
        return lookup(lineage, name);
    }
    if (!name.symbol.empty()) {
        return as_ids(walk_from_symbol(lineage, name, AtEnd::fail));
    }
    if (*name.steps >= 0) {
        fail(
            "not_found",
            fmt::format("'{}' counts from what is applied, which doesn't matter here", text),
            "write a name before the steps, as in base+1"
        );
    }
    return below_heads(lineage, name);
}

Ids upgrade_target(const Lineage& lineage, const Ids& applied, std::string_view text) {
    const Name name = parse_name(text);
    if (!name.steps) {
        return lookup(lineage, name);
    }
    if (!name.symbol.empty()) {
        return as_ids(walk_from_symbol(lineage, name, AtEnd::fail));
    }
    if (*name.steps <= 0) {
        fail_wrong_direction(Direction::upgrade, name);
    }
    return as_ids(walk(lineage, applied_start(lineage, applied, name), name, AtEnd::fail));
}

DowngradeTarget downgrade_target(
    const Lineage& lineage, const Ids& applied, std::string_view text
) {
    const Name name = parse_name(text);
    DowngradeTarget target;
    if (name.label) {
        target.branch = find_one(lineage, *name.label);
    }
    if (name.steps && name.symbol.empty()) {
        if (*name.steps >= 0) {
            fail_wrong_direction(Direction::downgrade, name);
        }
        const Place start = applied_start(lineage, applied, name);
        target.id = walk(lineage, start, name, AtEnd::fail);
        target.branch = name.label ? target.branch : start.value_or("");
        return target;
    }
    if (name.steps) {
        target.id = walk_from_symbol(lineage, name, AtEnd::fail);
        return target;
    }
    Name symbol = name;
    symbol.label.reset();
    target.id = lookup_one(lineage, symbol);
    target.is_on_branch =
        !target.id || !name.label || !on_branch(lineage, {*target.id}, *name.label).empty();
    return target;
}

}  // namespace tapline::revision
