#include "central/revision/version_state.hpp"

#include <catch2/catch.hpp>

namespace tapline::revision {

namespace {

Revision named(const std::string& id, const std::vector<std::string>& revises) {
    Revision revision;
    revision.id = id;
    revision.revises = revises;
    return revision;
}

/// root <- left <- top, root <- side
Lineage sample() {
    return Lineage(
        {named("root", {}),
         named("left", {"root"}),
         named("top", {"left"}),
         named("side", {"root"})}
    );
}

VersionState judge(
    bool has_table, const std::vector<std::string>& rows, const std::vector<StateHeads>& equal
) {
    return judge_version(sample(), has_table, rows, equal);
}

}  // namespace

TEST_CASE("VersionState.WithoutRowsItIsTheSchemaThatDecides") {
    CHECK(judge(false, {}, {{}}) == VersionState::fresh);
    CHECK(judge(true, {}, {{}}) == VersionState::fresh);
    CHECK(judge(false, {}, {{"left"}}) == VersionState::missing);
    CHECK(judge(true, {}, {{"left"}}) == VersionState::empty);
    CHECK(judge(true, {}, {}) == VersionState::empty);
}

TEST_CASE("VersionState.ARowIsJudgedByWhatTheSchemaIs") {
    CHECK(judge(true, {"left"}, {{"left"}}) == VersionState::fits);
    CHECK(judge(true, {"top"}, {{"left"}}) == VersionState::ahead);
    CHECK(judge(true, {"top"}, {{}}) == VersionState::ahead);
    CHECK(judge(true, {"root"}, {{"left"}}) == VersionState::behind);
    CHECK(judge(true, {"side"}, {{"left"}}) == VersionState::wrong);
    CHECK(judge(true, {"left"}, {}) == VersionState::wrong);
    CHECK(judge(true, {"57c6ac405ef5"}, {{"left"}}) == VersionState::unknown);
}

TEST_CASE("VersionState.StepsThatChangeOnlyDataFitEither") {
    CHECK(judge(true, {"left"}, {{"left"}, {"top"}}) == VersionState::fits);
    CHECK(judge(true, {"top"}, {{"left"}, {"top"}}) == VersionState::fits);
}

TEST_CASE("VersionState.SeveralRowsMayBeBranchesAndMayNotStandOnEachOther") {
    CHECK(judge(true, {"side", "top"}, {{"side", "top"}}) == VersionState::fits);
    CHECK(judge(true, {"side", "top"}, {{"side"}}) == VersionState::ahead);
    CHECK(judge(true, {"left", "top"}, {{"top"}}) == VersionState::several);
    CHECK(judge(true, {"57c6ac405ef5", "top"}, {{"top"}}) == VersionState::several);
}

}  // namespace tapline::revision
