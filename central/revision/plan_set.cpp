#include "central/revision/plan_set.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/revision/range.hpp"
#include "common/revision/resolve.hpp"

namespace tapline::revision {

namespace {

[[noreturn]] void fail_ambiguous(const std::string& what) {
    throw Error(ErrorKind::usage, "ambiguous", what, "add --lineage app or --lineage tapline");
}

bool is_for_all(const Name& name) noexcept {
    return !name.label && !name.steps && is_keyword(name.symbol);
}

bool knows(const Lineage& lineage, const Name& name) {
    if (!name.label && is_keyword(name.symbol)) {
        return true;
    }
    try {
        (void)find_one(lineage, name.label.value_or(name.symbol));
        return true;
    } catch (const Error& error) {
        return error.code() != "not_found";
    }
}

Plan plan_one(
    const DatabaseLineage& one,
    const std::vector<std::string>& applied,
    Direction direction,
    const std::string& target
) {
    return direction == Direction::upgrade ? plan_upgrade(one.lineage, applied, target)
                                           : plan_downgrade(one.lineage, applied, target);
}

/// Lets the parts that the target doesn't name go as far as the named ones depend on.
void bring_along(
    const LineageSet& set, std::vector<LineagePart>& parts, const std::vector<std::size_t>& named
) {
    for (const std::size_t index : named) {
        for (const Step& step : parts[index].plan.steps) {
            for (const std::string& need : set[index].lineage.needs_elsewhere(step.id)) {
                for (std::size_t other = 0; other < set.size(); ++other) {
                    if (other == index || set[other].lineage.find(need) == nullptr) {
                        continue;
                    }
                    Plan plan = plan_upgrade(set[other].lineage, parts[other].applied, need);
                    if (plan.steps.size() > parts[other].plan.steps.size()) {
                        parts[other].plan = std::move(plan);
                    }
                }
            }
        }
    }
}

/// The heads that a script begins at, in every lineage.
AppliedHeads offline_from(const LineageSet& set, const std::string& text) {
    AppliedHeads from;
    const Name name = parse_name(text);
    if (!is_for_all(name)) {
        fail_ambiguous(fmt::format("'{}' is the beginning for one of two lineages only", text));
    }
    for (const DatabaseLineage& one : set) {
        from.push_back(lookup(one.lineage, name));
    }
    return from;
}

}  // namespace

std::vector<std::size_t> owners_of(const LineageSet& set, const std::string& target) {
    const Name name = parse_name(target);
    std::vector<std::size_t> owners;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (set.size() == 1 || is_for_all(name) || knows(set[i].lineage, name)) {
            owners.push_back(i);
        }
    }
    if (owners.empty()) {
        throw Error(
            ErrorKind::usage,
            "not_found",
            fmt::format("no revision is called '{}' or begins with it", target),
            "'history' lists the ids; is the file in the directory that was read?"
        );
    }
    if (owners.size() > 1 && !is_for_all(name)) {
        fail_ambiguous(
            fmt::format("'{}' means something in each of the lineages app and tapline", target)
        );
    }
    return owners;
}

std::vector<PartStep> plan_set(
    const LineageSet& set,
    const AppliedHeads& applied,
    Direction direction,
    const std::string& target,
    const IdSet& elsewhere
) {
    TAPLINE_CHECK(set.size() == applied.size());
    refuse_range(target);
    const Name name = parse_name(target);
    if (name.steps && name.symbol.empty() && !name.label && set.size() > 1) {
        fail_ambiguous(
            fmt::format("'{}' counts from where the database is, which is two lineages", target)
        );
    }
    std::vector<LineagePart> parts;
    for (std::size_t i = 0; i < set.size(); ++i) {
        LineagePart part{std::string(to_string(set[i].name)), &set[i].lineage, applied[i], {}};
        part.plan.heads_after = applied[i];
        parts.push_back(std::move(part));
    }
    const std::vector<std::size_t> named = owners_of(set, target);
    for (const std::size_t index : named) {
        parts[index].plan = plan_one(set[index], applied[index], direction, target);
    }
    if (direction == Direction::upgrade) {
        bring_along(set, parts, named);
    }
    return interleave(parts, elsewhere);
}

OfflineSteps plan_set_offline(const LineageSet& set, Direction direction, const std::string& text) {
    OfflineSteps offline;
    if (set.size() == 1) {
        OfflinePlan one = plan_offline(set.front().lineage, direction, text);
        offline.from = {one.from};
        for (Step& step : one.plan.steps) {
            offline.steps.push_back({0, std::move(step)});
        }
        return offline;
    }
    const std::optional<Range> range = split_range(text);
    if (!range && direction == Direction::downgrade) {
        (void)plan_offline(set.front().lineage, direction, text);
    }
    offline.from = offline_from(set, range ? range->from : "base");
    offline.steps = plan_set(set, offline.from, direction, range ? range->to : text);
    return offline;
}

std::vector<StampPart> plan_set_stamp(
    const LineageSet& set,
    const AppliedHeads& rows,
    const std::vector<std::string>& targets,
    bool purge
) {
    std::vector<StampPart> parts(set.size());
    std::vector<std::vector<std::string>> own(set.size());
    for (const std::string& target : targets) {
        for (const std::size_t index : owners_of(set, target)) {
            parts[index].named = true;
            own[index].push_back(target);
        }
    }
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (parts[i].named) {
            parts[i].plan = plan_stamp(set[i].lineage, rows[i], own[i], purge);
        } else {
            parts[i].plan.heads_after = rows[i];
        }
    }
    return parts;
}

AppliedHeads parse_applied(const LineageSet& set, const std::string& text) {
    AppliedHeads applied(set.size());
    std::istringstream names(text);
    for (std::string name; std::getline(names, name, ',');) {
        const std::size_t begin = name.find_first_not_of(' ');
        if (begin == std::string::npos) {
            continue;
        }
        name = name.substr(begin, name.find_last_not_of(' ') + 1 - begin);
        for (const std::size_t index : owners_of(set, name)) {
            for (std::string& id : resolve(set[index].lineage, name)) {
                applied[index].push_back(std::move(id));
            }
        }
    }
    for (std::vector<std::string>& heads : applied) {
        std::sort(heads.begin(), heads.end());
        heads.erase(std::unique(heads.begin(), heads.end()), heads.end());
    }
    return applied;
}

}  // namespace tapline::revision
