#include "agent/sync/advice.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace tapline::sync {

namespace {

constexpr std::array<std::pair<std::string_view, Step>, 8> steps{{
    {"retry", Step::retry},
    {"hold", Step::hold},
    {"resync", Step::resync},
    {"fork", Step::fork},
    {"split", Step::split},
    {"upgrade", Step::upgrade},
    {"renew", Step::wait},
    {"wait", Step::wait},
}};

}  // namespace

Step advise(const wire::Problem& problem) noexcept {
    // A proxy between the two knows nothing of our actions.
    const bool ours = problem.code != "not_tapline";
    for (const auto& [action, step] : steps) {
        if (ours && problem.action == action) {
            return step;
        }
    }
    if (problem.status == 413) {
        return Step::split;
    }
    if (problem.status == 409) {
        return Step::resync;
    }
    if (problem.status == 426) {
        return Step::upgrade;
    }
    const bool passing = problem.status == 408 || problem.status == 429 || problem.status >= 500;
    return passing || !ours ? Step::retry : Step::wait;
}

}  // namespace tapline::sync
