#include <algorithm>

#include "common/revision/plan.hpp"
#include "common/revision/resolve.hpp"

namespace tapline::revision {
namespace {

using Ids = std::vector<std::string>;

bool meets(const IdSet& set, const Ids& ids) {
    return std::any_of(ids.begin(), ids.end(), [&](const std::string& id) {
        return set.contains(id);
    });
}

/// Rows that a target is about: those above or below it, dependencies included. base is about all
/// rows, `label@base` about those of the branch.
IdSet rows_of(const Lineage& lineage, const Ids& rows, std::string_view target, const Ids& ids) {
    const std::optional<std::string> label = parse_name(target).label;
    if (ids.empty() && !label) {
        return {rows.begin(), rows.end()};
    }
    IdSet about;
    Ids against = ids;
    if (label) {
        against.push_back(*label);
    }
    for (const std::string& each : against) {
        const Ids found = on_branch(lineage, rows, each, Edges::all);
        about.insert(found.begin(), found.end());
    }
    return about;
}

void add_unique(Ids& ids, const Ids& more) {
    for (const std::string& id : more) {
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) {
            ids.push_back(id);
        }
    }
}

}  // namespace

Plan plan_stamp(const Lineage& lineage, const Ids& rows, const Ids& targets, bool purge) {
    const Ids before = purge ? Ids{} : rows;
    (void)applied_set(lineage, before);
    Ids wanted;
    IdSet about;
    for (const std::string& target : targets) {
        const Ids ids = resolve(lineage, target);
        about.merge(rows_of(lineage, before, target, ids));
        add_unique(wanted, ids);
    }
    // A row that is named as a target stays, whatever happens to the others.
    Ids replaced(about.begin(), about.end());
    std::erase_if(replaced, [&](const std::string& id) {
        return std::find(wanted.begin(), wanted.end(), id) != wanted.end();
    });
    IdSet after(before.begin(), before.end());
    Plan plan;
    const auto take_away = [&] {
        for (const std::string& id : replaced) {
            after.erase(id);
        }
    };
    if (wanted.empty()) {
        take_away();
        for (const std::string& id : replaced) {
            plan.steps.push_back({id, Direction::downgrade, {}});
        }
    }
    for (const std::string& id : wanted) {
        if (about.contains(id)) {
            continue;
        }
        const bool down = meets(lineage.with_descendants({id}), replaced);
        if (down || meets(lineage.with_ancestors({id}), replaced)) {
            take_away();
        }
        after.insert(id);
        plan.steps.push_back({id, down ? Direction::downgrade : Direction::upgrade, {}});
    }
    plan.heads_after = lineage.heads_of(lineage.with_ancestors({after.begin(), after.end()}));
    for (Step& step : plan.steps) {
        step.heads_after = plan.heads_after;
    }
    return plan;
}

}  // namespace tapline::revision
