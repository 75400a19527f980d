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

/// Steps that have no SQL: "upgrade 0005_x: why".
[[nodiscard]] std::vector<std::string> unrendered(const std::vector<ImportedFiles>& all);

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
