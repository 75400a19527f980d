#include "central/revision/fleet_gate.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "central/revision/ledger.hpp"
#include "common/error.hpp"

namespace tapline::revision {

namespace {

/// Of the revisions that have files here, those that are applied.
IdSet applied_here(const DatabaseLineage& one, const std::vector<std::string>& heads) {
    std::vector<std::string> known;
    for (const std::string& id : heads) {
        if (one.lineage.find(id) != nullptr) {
            known.push_back(id);
        }
    }
    return one.lineage.with_ancestors(known);
}

}  // namespace

std::optional<compat::Contract> contract_of(LineageName lineage, const Revision& revision) {
    if (revision.phase != Phase::contract || revision.requires_journal.empty()) {
        return std::nullopt;
    }
    return compat::Contract{
        std::string(to_string(lineage)), revision.id, revision.requires_journal};
}

void check_contracts(
    pg::Session& session, const LineageSet& set, const std::vector<PartStep>& steps
) {
    const bool ours_follow = std::any_of(steps.begin(), steps.end(), [&](const PartStep& step) {
        return set[step.part].name == LineageName::tapline;
    });
    for (const PartStep& step : steps) {
        const DatabaseLineage& one = set[step.part];
        const auto contract = contract_of(one.name, one.lineage.at(step.step.id));
        if (contract && step.step.direction == Direction::upgrade) {
            compat::check_fleet(session, *contract, ours_follow);
        }
    }
}

void note_minimums(pg::Session& session, const LineageSet& set, const AppliedHeads& heads) {
    std::vector<compat::Contract> contracts;
    for (std::size_t i = 0; i < set.size(); ++i) {
        const IdSet there = applied_here(set[i], heads[i]);
        for (const Revision& revision : set[i].lineage.revisions()) {
            auto contract = contract_of(set[i].name, revision);
            if (contract && there.contains(revision.id)) {
                contracts.push_back(*std::move(contract));
            }
        }
    }
    compat::note_applied(session, contracts, who());
}

void forget_minimums(pg::Session& session, const LineageSet& set, const AppliedHeads& heads) {
    for (std::size_t i = 0; i < set.size(); ++i) {
        const IdSet there = applied_here(set[i], heads[i]);
        for (const Revision& revision : set[i].lineage.revisions()) {
            const auto contract = contract_of(set[i].name, revision);
            if (contract && !there.contains(revision.id)) {
                compat::give_back(session, *contract);
            }
        }
    }
}

void refuse_gated(LineageName lineage, const Revision& revision, Direction direction) {
    if (direction == Direction::upgrade && contract_of(lineage, revision)) {
        throw Error(
            ErrorKind::usage,
            "not_in_a_script",
            fmt::format(
                "{} waits until every journal is at {}, which a script can't ask",
                revision.id,
                revision.requires_journal
            ),
            "run `tapline-central upgrade` on the database"
        );
    }
}

}  // namespace tapline::revision
