#include "central/revision/version_state.hpp"

#include <algorithm>

namespace tapline::revision {

namespace {

bool holds(const IdSet& whole, const IdSet& part) {
    return std::includes(whole.begin(), whole.end(), part.begin(), part.end());
}

/// Against rows that may stand as they are.
VersionState judge_claim(
    const Lineage& lineage, const IdSet& claimed, const std::vector<StateHeads>& equal
) {
    VersionState state = VersionState::wrong;
    for (const StateHeads& heads : equal) {
        const IdSet there = lineage.with_ancestors(heads);
        if (there == claimed) {
            return VersionState::fits;
        }
        if (holds(claimed, there)) {
            state = VersionState::ahead;
        } else if (holds(there, claimed)) {
            state = VersionState::behind;
        }
    }
    return state;
}

}  // namespace

std::string_view to_string(VersionState state) noexcept {
    switch (state) {
        case VersionState::fits:
            return "fits";
        case VersionState::fresh:
            return "fresh";
        case VersionState::missing:
            return "missing";
        case VersionState::empty:
            return "empty";
        case VersionState::several:
            return "several";
        case VersionState::unknown:
            return "unknown";
        case VersionState::ahead:
            return "ahead";
        case VersionState::behind:
            return "behind";
        case VersionState::wrong:
            return "wrong";
    }
    return "wrong";
}

VersionState judge_version(
    const Lineage& lineage,
    bool has_table,
    const std::vector<std::string>& rows,
    const std::vector<StateHeads>& equal
) {
    if (rows.empty()) {
        const bool nothing_there = std::any_of(
            equal.begin(), equal.end(), [](const StateHeads& heads) { return heads.empty(); }
        );
        if (nothing_there) {
            return VersionState::fresh;
        }
        return has_table ? VersionState::empty : VersionState::missing;
    }
    const bool all_known = std::all_of(rows.begin(), rows.end(), [&](const std::string& id) {
        return lineage.find(id) != nullptr;
    });
    if (!all_known) {
        return rows.size() > 1 ? VersionState::several : VersionState::unknown;
    }
    const IdSet claimed = lineage.with_ancestors(rows);
    std::vector<std::string> proper = lineage.heads_of(claimed);
    std::sort(proper.begin(), proper.end());
    if (proper.size() != rows.size()) {
        return VersionState::several;
    }
    return judge_claim(lineage, claimed, equal);
}

}  // namespace tapline::revision
