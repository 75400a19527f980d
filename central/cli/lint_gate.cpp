#include "central/cli/lint_gate.hpp"

#include <algorithm>
#include <iostream>

#include <fmt/format.h>

#include "central/lint/lint.hpp"
#include "common/error.hpp"

namespace tapline::cli {

namespace {

/// Only those of the upgrade: a downgrade isn't what is about to run.
void take_upgrade(lint::Report& into, lint::Report report) {
    std::erase_if(report.findings, [](const lint::Finding& each) {
        return each.direction != revision::Direction::upgrade;
    });
    into.append(std::move(report));
}

void print(const lint::Report& report) {
    for (const lint::Finding& each : report.findings) {
        std::cerr << fmt::format(
            "{} line {}: {} {}: {}\n    {}\n",
            each.file,
            each.line,
            each.severity == lint::Severity::block ? "refused," : "note,",
            lint::to_string(each.hazard),
            each.message,
            each.safe_way
        );
    }
}

}  // namespace

lint::Catalog catalog_at(const revision::LineageSet& set, const revision::AppliedHeads& applied) {
    lint::Catalog catalog;
    for (std::size_t i = 0; i < set.size(); ++i) {
        const revision::IdSet there = set[i].lineage.with_ancestors(applied[i]);
        for (const revision::Revision& each : set[i].lineage.revisions()) {
            if (there.contains(each.id)) {
                lint::apply(catalog, each.upgrade, each.file);
                catalog.settle();
            }
        }
    }
    return catalog;
}

void refuse_hazards(
    const revision::LineageSet& set,
    const revision::AppliedHeads& applied,
    const std::vector<revision::PartStep>& steps
) {
    // A lineage that begins has no rows and nobody who waits.
    const bool anything_open = std::any_of(steps.begin(), steps.end(), [&](const auto& step) {
        return !applied[step.part].empty();
    });
    if (!anything_open) {
        return;
    }
    lint::Catalog catalog = catalog_at(set, applied);
    lint::Report report;
    for (const revision::PartStep& step : steps) {
        const revision::Revision& revision = set[step.part].lineage.at(step.step.id);
        lint::Report found = lint::lint_revision(catalog, revision);
        if (!applied[step.part].empty()) {
            take_upgrade(report, std::move(found));
        }
    }
    print(report);
    if (!report.blocks()) {
        return;
    }
    const auto blocking = std::count_if(
        report.findings.begin(),
        report.findings.end(),
        [](const lint::Finding& each) { return each.severity == lint::Severity::block; }
    );
    throw Error(
        ErrorKind::refused,
        "lint",
        fmt::format("{} of the statements that would run are hazards to an open bar", blocking),
        "nothing was changed; write them the safe way shown above, or say why one may stay: "
        "`-- tapline: allow <hazard>: <reason>` before the statement"
    );
}

}  // namespace tapline::cli
