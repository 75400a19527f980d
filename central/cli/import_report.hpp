// What import-alembic tells: in words, and as JSON.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "central/import/convert.hpp"
#include "central/import/proof.hpp"

namespace tapline::cli {

/// A revision with the files that it became.
struct ImportedFiles {
    alembic::Imported revision;
    std::vector<std::string> files;
    std::vector<std::string> allowed;  ///< hazards that lint would stop
};

/// A step that has no SQL.
struct MissingStep {
    std::string id;
    revision::Direction direction = revision::Direction::upgrade;
    std::string reason;
};

[[nodiscard]] std::vector<MissingStep> missing_steps(const std::vector<ImportedFiles>& all);
[[nodiscard]] nlohmann::ordered_json missing_json(const std::vector<MissingStep>& missing);
/// "upgrade 0005_x: why", a line each.
[[nodiscard]] std::string missing_text(const std::vector<MissingStep>& missing);

[[nodiscard]] nlohmann::ordered_json revisions_json(const std::vector<ImportedFiles>& all);
[[nodiscard]] std::string revisions_text(const std::vector<ImportedFiles>& all);

[[nodiscard]] nlohmann::ordered_json proofs_json(const std::vector<alembic::StepProof>& proofs);
/// One line; with differences more lines below it.
[[nodiscard]] std::string proof_text(const alembic::StepProof& proof);
/// "24 of 26 steps equal; …"
[[nodiscard]] std::string summary_text(const std::vector<alembic::StepProof>& proofs);

/// No step differs or fails, and none is left untried.
[[nodiscard]] bool all_good(const std::vector<alembic::StepProof>& proofs);

}  // namespace tapline::cli
