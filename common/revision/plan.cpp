#include "common/revision/plan.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"
#include "common/revision/resolve.hpp"

namespace tapline::revision {
namespace {

using Ids = std::vector<std::string>;

/// What is applied, and its heads, kept right from step to step without looking at the whole graph.
class Applied {
  public:
    Applied(const Lineage& lineage, IdSet all) : lineage_(lineage), all_(std::move(all)) {
        const Ids heads = lineage.heads_of(all_);
        heads_.insert(heads.begin(), heads.end());
    }

    void add(const std::string& id) {
        all_.insert(id);
        heads_.insert(id);
        for (const std::string& need : lineage_.needs(id)) {
            heads_.erase(need);
        }
    }

    void remove(const std::string& id) {
        all_.erase(id);
        heads_.erase(id);
        for (const std::string& need : lineage_.needs(id)) {
            const Ids& above = lineage_.dependents(need);
            const bool covered = std::any_of(above.begin(), above.end(), [&](const auto& each) {
                return all_.contains(each);
            });
            if (!covered) {
                heads_.insert(need);
            }
        }
    }

    [[nodiscard]] bool contains(const std::string& id) const { return all_.contains(id); }

    [[nodiscard]] Ids heads() const { return {heads_.begin(), heads_.end()}; }

  private:
    const Lineage& lineage_;
    IdSet all_;
    IdSet heads_;
};

void check_reversible(const Revision& revision) {
    if (revision.irreversible) {
        throw Error(
            ErrorKind::refused,
            "irreversible",
            fmt::format("{} has no way back: {}", revision.file, *revision.irreversible),
            "nothing was changed; restore a backup, or go on with a new revision"
        );
    }
}

[[noreturn]] void fail_not_below(
    const Lineage& lineage, const DowngradeTarget& target, const Ids& heads, std::string_view text
) {
    const std::string there = heads.empty() ? "base" : fmt::format("{}", fmt::join(heads, ", "));
    const std::string what =
        target.id ? fmt::format("{} ({})", *target.id, lineage.at(*target.id).file) : "base";
    const bool applied = !target.id || lineage.with_ancestors(heads).contains(*target.id);
    if (applied && !target.is_on_branch) {
        throw Error(
            ErrorKind::usage,
            "not_on_branch",
            fmt::format("downgrade {}: {} is not on that branch", text, what),
            "'history -v' shows the branches; write the id without 'label@' if it is the one"
        );
    }
    throw Error(
        ErrorKind::usage,
        "not_ancestor",
        fmt::format(
            "downgrade {}: {} is not below what is applied, which is {}", text, what, there
        ),
        "'current' shows where the database is; 'upgrade' goes to later revisions"
    );
}

/// What goes away first: the target's children, or all bases. A branch picks among several.
Ids roots_above(const Lineage& lineage, const DowngradeTarget& target) {
    const Ids& all = target.id ? lineage.children(*target.id) : lineage.bases();
    if (target.branch.empty() || all.size() < 2) {
        return all;
    }
    const IdSet line = lineage.with_ancestors({target.branch}, Edges::revises);
    Ids some;
    std::copy_if(all.begin(), all.end(), std::back_inserter(some), [&](const std::string& each) {
        return line.contains(each);
    });
    return some;
}

}  // namespace

IdSet applied_set(const Lineage& lineage, const std::vector<std::string>& heads) {
    for (const std::string& id : heads) {
        if (lineage.find(id) == nullptr) {
            throw Error(
                ErrorKind::usage,
                "not_found",
                fmt::format("the database is at {}, and no file has that id", id),
                "use the version that stepped it there, or step it down with that version first; "
                "'stamp --purge' forgets what the version table says"
            );
        }
    }
    return lineage.with_ancestors(heads);
}

Plan plan_upgrade(
    const Lineage& lineage, const std::vector<std::string>& applied, std::string_view target
) {
    Applied done(lineage, applied_set(lineage, applied));
    IdSet wanted = lineage.with_ancestors(upgrade_target(lineage, done.heads(), target));
    std::erase_if(wanted, [&](const std::string& id) { return done.contains(id); });
    Plan plan;
    for (const std::string& id : lineage.in_order(wanted)) {
        done.add(id);
        plan.steps.push_back({id, Direction::upgrade, done.heads()});
    }
    plan.heads_after = done.heads();
    return plan;
}

Plan plan_downgrade(
    const Lineage& lineage, const std::vector<std::string>& applied, std::string_view text
) {
    Applied done(lineage, applied_set(lineage, applied));
    const Ids heads = done.heads();
    const DowngradeTarget target = downgrade_target(lineage, heads, text);
    const Ids roots = roots_above(lineage, target);
    IdSet going = lineage.with_descendants(roots);
    std::erase_if(going, [&](const std::string& id) { return !done.contains(id); });
    const bool is_head =
        target.id && std::find(heads.begin(), heads.end(), *target.id) != heads.end();
    const bool forked =
        target.id ? !lineage.children(*target.id).empty() : !lineage.bases().empty();
    if ((target.id && going.empty() && !is_head) || (roots.empty() && forked)) {
        fail_not_below(lineage, target, heads, text);
    }
    Ids order = lineage.in_order(going);
    std::reverse(order.begin(), order.end());
    Plan plan;
    for (const std::string& id : order) {
        check_reversible(lineage.at(id));
        done.remove(id);
        plan.steps.push_back({id, Direction::downgrade, done.heads()});
    }
    plan.heads_after = done.heads();
    return plan;
}

}  // namespace tapline::revision
