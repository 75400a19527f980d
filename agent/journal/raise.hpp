// How far a journal may be raised, and how far down it may go. Pure.
#pragma once

#include <string>
#include <string_view>

#include "agent/journal/central_word.hpp"
#include "common/revision/lineage.hpp"
#include "common/revision/plan.hpp"

namespace tapline::journal {

/// Whether a central that reports `reported` has `required`. Ids of its lineage begin with t and a
/// number that counts up (t0006_compat); others satisfy only themselves. Empty: nothing is
/// required.
[[nodiscard]] bool central_has(std::string_view required, std::string_view reported) noexcept;

/// The highest revision from `current` on whose `Requires Central`, and that of every one on the
/// way, central reports; `current` itself when there is none, or when the lineage doesn't know it.
[[nodiscard]] std::string highest_for(
    const revision::Lineage& lineage, const std::string& current, std::string_view central
);

/// Throws Error{refused, "central_not_ready"} for a step that central has to be ready for first.
void refuse_early(
    const revision::Lineage& lineage, const revision::Plan& plan, const CentralWord& word
);

/// Throws Error{refused, "below_minimum"} when the plan ends below what a contract at central has
/// fixed: it would not settle a pour written there.
void refuse_below_minimum(
    const revision::Lineage& lineage, const revision::Plan& plan, const CentralWord& word
);

}  // namespace tapline::journal
