#include "central/catalog/expectation.hpp"

#include <algorithm>
#include <future>

#include <fmt/format.h>

#include "central/catalog/read.hpp"
#include "central/catalog/recognise.hpp"
#include "central/catalog/scratch.hpp"
#include "central/revision/execute.hpp"
#include "common/error.hpp"

namespace tapline::catalog {

namespace {

using revision::LineageName;

Catalog& part_of(Parts& parts, LineageName lineage) {
    return lineage == LineageName::tapline ? parts.tapline : parts.app;
}

revision::RunOptions quiet(const pg::ConnectOptions& connect) {
    revision::RunOptions options;
    options.connect = connect;
    return options;
}

bool at_base(const revision::AppliedHeads& heads) {
    return std::all_of(heads.begin(), heads.end(), [](const auto& ids) { return ids.empty(); });
}

struct Expected {
    LineageName lineage;
    std::optional<Snapshot> snapshot;
};

/// Of the lineages that are to be compared.
std::vector<Expected> read_snapshots(
    const revision::LineageSet& set,
    const revision::AppliedHeads& heads,
    const CheckOptions& options
) {
    std::vector<Expected> expected;
    for (std::size_t i = 0; i < set.size(); ++i) {
        const LineageName name = set[i].name;
        if (!heads[i].empty() && (!options.only || *options.only == name)) {
            expected.push_back({name, find_snapshot(options.directory, name, heads[i])});
        }
    }
    return expected;
}

}  // namespace

Catalog build_expected(
    const revision::LineageSet& set,
    const revision::AppliedHeads& heads,
    const pg::ConnectOptions& server
) {
    const ScratchDatabase scratch(server);
    revision::Runner runner(set, quiet(scratch.connect()));
    for (const std::vector<std::string>& ids : heads) {
        for (const std::string& id : ids) {
            runner.upgrade(id);
        }
    }
    return read_catalog(runner.session());
}

std::vector<Snapshot> make_snapshots(
    const revision::LineageSet& set, const pg::ConnectOptions& server
) {
    revision::AppliedHeads heads;
    for (const revision::DatabaseLineage& one : set) {
        heads.push_back(one.lineage.heads());
    }
    Parts parts = split(build_expected(set, heads, server));
    std::vector<Snapshot> snapshots;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (!heads[i].empty()) {
            snapshots.push_back(
                {std::string(to_string(set[i].name)),
                 heads[i],
                 std::move(part_of(parts, set[i].name))}
            );
        }
    }
    return snapshots;
}

std::vector<Finding> check_database(const revision::LineageSet& set, const CheckOptions& options) {
    revision::Runner runner(set, quiet(options.connect));
    const revision::AppliedHeads heads = options.heads ? *options.heads : runner.applied();
    if (at_base(heads)) {
        throw Error(
            ErrorKind::refused,
            "no_revision",
            "the database is at no revision, so nothing says what it should look like",
            "run `tapline-central upgrade`, or `tapline-central stamp` what it already is"
        );
    }
    revision::AppliedHeads compared = heads;
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (options.only && *options.only != set[i].name) {
            compared[i].clear();
        }
    }
    if (at_base(compared)) {
        throw Error(
            ErrorKind::refused,
            "no_revision",
            fmt::format(
                "the lineage {} isn't applied to this database, so nothing says what it should "
                "look like",
                to_string(options.only.value_or(LineageName::app))
            ),
            "run `tapline-central upgrade`, or leave --lineage out to check the other one"
        );
    }
    runner.refuse_unknown(compared);
    // While the server prints, this side reads the files.
    std::future<std::vector<Expected>> reading =
        std::async(std::launch::async, [&] { return read_snapshots(set, heads, options); });
    Parts live = split(read_catalog(options.connect));
    std::optional<Parts> built;
    std::vector<Finding> findings;
    for (auto& [name, snapshot] : reading.get()) {
        if (!snapshot || snapshot->catalog.server_major != live.app.server_major) {
            if (!built) {
                built = split(build_expected(set, heads, options.connect));
            }
            snapshot = Snapshot{{}, {}, part_of(*built, name)};
        }
        const Catalog& found = part_of(live, name);
        if (options.look) {
            options.look(snapshot->catalog, found);
        }
        for (Finding& finding : compare(snapshot->catalog, found)) {
            if (is_version_table(finding)) {
                continue;
            }
            if (!options.accepted.contains({finding.object, digest(finding)})) {
                findings.push_back(std::move(finding));
            } else if (options.stands) {
                options.stands(finding);
            }
        }
    }
    std::sort(findings.begin(), findings.end(), [](const Finding& a, const Finding& b) {
        return a.object < b.object;
    });
    return findings;
}

std::vector<Finding> left_behind(
    const revision::LineageSet& set, std::size_t index, const CheckOptions& options
) {
    const LineageName name = set[index].name;
    Parts live = split(read_catalog(options.connect));
    const Catalog& found = part_of(live, name);
    std::vector<Finding> there = compare(nothing_made(found), found);
    std::erase_if(there, [](const Finding& finding) {
        return is_bookkeeping(finding) || finding.object.starts_with("schema ") ||
               finding.object.starts_with("extension ");
    });
    if (there.empty()) {
        return there;
    }
    revision::AppliedHeads heads(set.size());
    heads[index] = set[index].lineage.heads();
    std::optional<Snapshot> made = find_snapshot(options.directory, name, heads[index]);
    if (!made || made->catalog.server_major != found.server_major) {
        Parts built = split(build_expected(set, heads, options.connect));
        made = Snapshot{{}, {}, std::move(part_of(built, name))};
    }
    // With a directory of other files the bar's tables are still the bar's.
    const revision::LineageSet ours = revision::load_lineages({std::nullopt, name});
    const std::optional<Snapshot> built_in =
        find_snapshot(std::nullopt, name, ours.front().lineage.heads());
    std::erase_if(there, [&](const Finding& finding) {
        return !made->catalog.objects.contains(finding.object) &&
               !(built_in && built_in->catalog.objects.contains(finding.object));
    });
    return there;
}

}  // namespace tapline::catalog
