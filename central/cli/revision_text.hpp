// What upgrade, downgrade, stamp and current print, as text and as JSON. Pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "central/revision/execute.hpp"

namespace tapline::cli {

[[nodiscard]] nlohmann::ordered_json steps_json(
    const revision::LineageSet& set,
    const revision::AppliedHeads& applied,
    const std::vector<revision::PartStep>& steps
);
[[nodiscard]] std::string steps_text(
    const revision::LineageSet& set, const std::vector<revision::PartStep>& steps
);

[[nodiscard]] nlohmann::ordered_json report_json(const revision::RunReport& report);
[[nodiscard]] std::string report_text(
    const revision::LineageSet& set, const revision::RunReport& report
);

[[nodiscard]] nlohmann::ordered_json current_json(
    const revision::LineageSet& set, const revision::AppliedHeads& applied
);
[[nodiscard]] std::string current_text(
    const revision::LineageSet& set, const revision::AppliedHeads& applied, bool verbose
);

/// The rows that a stamp would write; a step is a row, nothing runs.
[[nodiscard]] nlohmann::ordered_json stamp_json(
    const revision::LineageSet& set, const std::vector<revision::StampPart>& parts
);
[[nodiscard]] std::string stamp_text(
    const revision::LineageSet& set,
    const revision::AppliedHeads& rows,
    const std::vector<revision::StampPart>& parts
);

}  // namespace tapline::cli
