#include "central/cli/lint_gate.hpp"

#include <algorithm>
#include <iostream>

#include <fmt/format.h>
#include <fmt/ranges.h>

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
        fmt::format("{} hazards to an open bar in what would run", blocking),
        "nothing was changed; write them the safe way shown above, or say why one may stay: "
        "`-- tapline: allow <hazard>: <reason>` before the statement"
    );
}

std::vector<std::string> dropped_tables(
    lint::Catalog& catalog, const revision::DatabaseLineage& lineage, const revision::Step& step
) {
    const revision::Revision& revision = lineage.lineage.at(step.id);
    // Rows of ours have guards of their own.
    const bool of_the_bar = lineage.name == revision::LineageName::app;
    const lint::Report report = lint::lint_section(
        catalog, revision.downgrade, {revision.file, revision::Direction::downgrade}
    );
    catalog.settle();
    std::vector<std::string> tables;
    for (const lint::Finding& finding : report.findings) {
        if (finding.hazard != lint::Hazard::data_loss || !of_the_bar) {
            continue;
        }
        // "table a, table b column c": only whole tables.
        std::string_view left = finding.object;
        while (!left.empty()) {
            const std::size_t comma = std::min(left.find(", "), left.size());
            const std::string_view one = left.substr(0, comma);
            if (one.starts_with("table ") && one.find(' ', 6) == std::string_view::npos) {
                tables.emplace_back(one.substr(6));
            }
            left.remove_prefix(std::min(comma + 2, left.size()));
        }
    }
    return tables;
}

void refuse_row_losses(
    pg::Session& session,
    const revision::LineageSet& set,
    const revision::AppliedHeads& applied,
    const std::vector<revision::PartStep>& steps
) {
    // One step is judged by the runner's guard, in its own transaction.
    if (steps.size() < 2) {
        return;
    }
    lint::Catalog catalog = catalog_at(set, applied);
    std::vector<std::string> filled;
    for (const revision::PartStep& step : steps) {
        for (const std::string& table : dropped_tables(catalog, set[step.part], step.step)) {
            const pg::Result name = session.query(
                "SELECT to_regclass($1)::text FROM set_config('search_path', 'public', false)",
                table
            );
            if (!name[0].is_null(0) &&
                session.run(fmt::format("SELECT EXISTS (SELECT 1 FROM {})", name[0].text(0)))[0]
                    .boolean(0)) {
                filled.push_back(fmt::format("{} ({})", table, step.step.id));
            }
        }
    }
    if (!filled.empty()) {
        throw Error(
            ErrorKind::refused,
            "rows_would_go",
            fmt::format("this would drop tables that hold rows: {}", fmt::join(filled, ", ")),
            "nothing was changed; take a backup, and if the rows may go, run this again with "
            "--discard-rows"
        );
    }
}

}  // namespace tapline::cli
