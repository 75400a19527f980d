#include "agent/journal/raise.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::journal {

namespace {

std::optional<int> number_of(std::string_view id) noexcept {
    if (!id.starts_with('t')) {
        return std::nullopt;
    }
    const std::size_t end = std::min(id.find('_'), id.size());
    int number = 0;
    const auto [stop, failure] = std::from_chars(id.data() + 1, id.data() + end, number);
    const bool whole = failure == std::errc{} && stop == id.data() + end && number > 0;
    return whole ? std::optional(number) : std::nullopt;
}

}  // namespace

bool central_has(std::string_view required, std::string_view reported) noexcept {
    if (required.empty() || required == reported) {
        return true;
    }
    const auto needed = number_of(required);
    const auto there = number_of(reported);
    // Two of the same number are two lineages that parted.
    return needed && there && *needed < *there;
}

std::string highest_for(
    const revision::Lineage& lineage, const std::string& current, std::string_view central
) {
    std::string at = current;
    for (bool on = lineage.find(current) != nullptr; on;) {
        const auto& children = lineage.children(at);
        on = children.size() == 1 &&
             central_has(lineage.at(children.front()).requires_central, central);
        if (on) {
            at = children.front();
        }
    }
    return at;
}

void refuse_early(
    const revision::Lineage& lineage, const revision::Plan& plan, const CentralWord& word
) {
    for (const auto& step : plan.steps) {
        const std::string& required = lineage.at(step.id).requires_central;
        if (step.direction == revision::Direction::upgrade &&
            !central_has(required, word.revision)) {
            throw Error(
                ErrorKind::refused,
                "central_not_ready",
                fmt::format(
                    "{} needs a central at {}; {}",
                    step.id,
                    required,
                    word.revision.empty() ? "this journal's has never said where it is"
                                          : "this journal's reported " + word.revision
                ),
                "Nothing was changed. Upgrade tapline-central; the running agent then raises the "
                "journal by itself."
            );
        }
    }
}

void refuse_below_minimum(
    const revision::Lineage& lineage, const revision::Plan& plan, const CentralWord& word
) {
    if (word.minimum.empty() || plan.steps.empty()) {
        return;
    }
    const bool above = lineage.find(word.minimum) != nullptr &&
                       lineage.with_ancestors(plan.heads_after).contains(word.minimum);
    if (!above) {
        throw Error(
            ErrorKind::refused,
            "below_minimum",
            fmt::format(
                "central settles journals from {} on, by a contract; this would go to {}",
                word.minimum,
                plan.heads_after.empty() ? "base" : plan.heads_after.front()
            ),
            "Nothing was changed. If this bar leaves tapline, retire the controller at central "
            "(`tapline-central controllers retire`) and let the agent say hello once more."
        );
    }
}

}  // namespace tapline::journal
