// One draft from beginning to end on real databases: two schemas in, files out, run both ways.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "central/catalog/compare.hpp"

namespace tapline::test {

struct Drafted {
    std::vector<std::string> files;  ///< text of the new files
    std::vector<std::string> written;
    std::vector<std::string> proposed;
    std::vector<std::string> decide;               ///< of each proposal
    std::vector<catalog::Finding> left;            ///< from what the draft makes to what is wanted
    std::vector<catalog::Finding> after_way_back;  ///< from the head to what the downgrade leaves
    std::vector<std::string> blocking;             ///< hazards that lint blocks in the new files
    std::vector<std::string> drops;                ///< statements of the upgrades that take away
    bool guarded = false;                          ///< nothing but proposals: the upgrade refuses
    bool irreversible = false;
};

/// head: the revision that exists. change: what the developer did after it; `;;` ends a
/// transaction. Throws what goes wrong on the way; try_each: a transaction that fails is passed
/// over.
[[nodiscard]] Drafted draft_of(
    const std::string& head, const std::string& change, bool try_each = false
);

/// The same with --from: `schema` is the whole wanted schema.
[[nodiscard]] Drafted draft_from(const std::string& head, const std::string& schema);

/// CHECKs what holds for every draft: lint is silent, nothing is dropped, the upgrade brings about
/// all but what is proposed, the way back leads back. by_hand: something may need what only a
/// person can write, so that the trial is what finds out.
void check_sound(const Drafted& drafted, bool by_hand = false);

struct Outcome {
    int code = 0;
    std::string out;
    std::string err;
};

/// The whole program, with DATABASE_URL as given.
[[nodiscard]] Outcome run_central(std::vector<std::string> arguments, const std::string& url);

}  // namespace tapline::test
