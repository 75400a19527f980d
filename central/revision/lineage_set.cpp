#include "central/revision/lineage_set.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "central/revision/embedded_files.hpp"
#include "common/error.hpp"
#include "common/revision/directory.hpp"
#include "common/revision/resolve.hpp"

namespace tapline::revision {

namespace {

namespace fs = std::filesystem;

std::vector<SourceFile> embedded(LineageName name) {
    return from_embedded(name == LineageName::app ? embedded_app() : embedded_tapline());
}

IdSet ids_of(const Lineage& lineage) {
    IdSet ids;
    for (const Revision& revision : lineage.revisions()) {
        ids.insert(revision.id);
    }
    return ids;
}

bool is_for_all(const std::string& target) noexcept {
    return target == "head" || target == "heads" || target == "base";
}

bool is_relative(const std::string& target) noexcept {
    return !target.empty() && (target.front() == '+' || target.front() == '-');
}

bool knows(const Lineage& lineage, const std::string& target) {
    try {
        (void)resolve(lineage, target);
        return true;
    } catch (const Error& error) {
        if (error.code() == "not_found") {
            return false;
        }
        throw;
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

}  // namespace

std::string_view to_string(LineageName name) noexcept {
    return name == LineageName::app ? "app" : "tapline";
}

LineageName parse_lineage_name(const std::string& text) {
    if (text == "app") {
        return LineageName::app;
    }
    if (text == "tapline") {
        return LineageName::tapline;
    }
    throw Error(
        ErrorKind::usage,
        "unknown_lineage",
        fmt::format("there is no lineage '{}'", text),
        "write --lineage app or --lineage tapline"
    );
}

LineageSet load_lineages(const LineageOptions& options) {
    std::vector<SourceFile> app = embedded(LineageName::app);
    std::vector<SourceFile> tapline = embedded(LineageName::tapline);
    std::optional<LineageName> only = options.only;
    if (options.directory) {
        const bool has_app = fs::is_directory(*options.directory / "app");
        const bool has_tapline = fs::is_directory(*options.directory / "tapline");
        if (has_app) {
            app = read_directory(*options.directory / "app");
        }
        if (has_tapline) {
            tapline = read_directory(*options.directory / "tapline");
        }
        if (!has_app && !has_tapline) {
            only = only.value_or(LineageName::app);
            (*only == LineageName::app ? app : tapline) = read_directory(*options.directory);
        }
    }
    Lineage app_lineage = load(app, Dialect::postgres);
    const IdSet app_ids = ids_of(app_lineage);
    LineageSet set;
    if (only != LineageName::tapline) {
        set.push_back({LineageName::app, std::move(app_lineage)});
    }
    if (only != LineageName::app) {
        set.push_back({LineageName::tapline, load(tapline, Dialect::postgres, app_ids)});
    }
    return set;
}

std::vector<std::size_t> owners_of(const LineageSet& set, const std::string& target) {
    std::vector<std::size_t> owners;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (set.size() == 1 || is_for_all(target) || knows(set[i].lineage, target)) {
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
    if (owners.size() > 1 && !is_for_all(target)) {
        throw Error(
            ErrorKind::usage,
            "ambiguous",
            fmt::format("'{}' means something in each of the lineages app and tapline", target),
            "add --lineage app or --lineage tapline"
        );
    }
    return owners;
}

std::vector<PartStep> plan_set(
    const LineageSet& set,
    const AppliedHeads& applied,
    Direction direction,
    const std::string& target
) {
    TAPLINE_CHECK(set.size() == applied.size());
    if (is_relative(target) && set.size() > 1) {
        throw Error(
            ErrorKind::usage,
            "ambiguous",
            fmt::format("'{}' counts from where the database is, which is two lineages", target),
            "add --lineage app or --lineage tapline"
        );
    }
    std::vector<LineagePart> parts;
    for (std::size_t i = 0; i < set.size(); ++i) {
        LineagePart part{std::string(to_string(set[i].name)), &set[i].lineage, applied[i], {}};
        part.plan.heads_after = applied[i];
        parts.push_back(std::move(part));
    }
    std::vector<std::size_t> named(set.size());
    if (set.size() > 1) {
        named = owners_of(set, target);
    }
    for (const std::size_t index : named) {
        parts[index].plan = plan_one(set[index], applied[index], direction, target);
    }
    if (direction == Direction::upgrade) {
        bring_along(set, parts, named);
    }
    return interleave(parts);
}

}  // namespace tapline::revision
