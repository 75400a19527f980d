#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/revision/plan.hpp"

namespace tapline::revision {
namespace {

/// Ids applied in the other parts, and dependencies seen from this side.
class Interleaver {
  public:
    Interleaver(std::span<const LineagePart> parts, const IdSet& elsewhere)
        : parts_(parts), elsewhere_(elsewhere), next_(parts.size(), 0) {
        for (const LineagePart& part : parts) {
            applied_.push_back(applied_set(*part.lineage, part.applied));
            left_ += part.plan.steps.size();
            downward_ = downward_ || (!part.plan.steps.empty() &&
                                      part.plan.steps.front().direction == Direction::downgrade);
        }
    }

    std::vector<PartStep> run() {
        std::vector<PartStep> order;
        while (left_ > 0) {
            const std::size_t part = pick();
            const Step& step = parts_[part].plan.steps[next_[part]++];
            if (step.direction == Direction::upgrade) {
                applied_[part].insert(step.id);
            } else {
                applied_[part].erase(step.id);
            }
            order.push_back({part, step});
            --left_;
        }
        return order;
    }

  private:
    [[nodiscard]] std::size_t pick() const {
        for (std::size_t i = 0; i < parts_.size(); ++i) {
            const std::size_t part = downward_ ? parts_.size() - 1 - i : i;
            if (next_[part] < parts_[part].plan.steps.size() && !obstacle(part)) {
                return part;
            }
        }
        fail();
    }

    /// What keeps the part's next step from running now.
    [[nodiscard]] std::optional<std::string> obstacle(std::size_t part) const {
        const Step& step = parts_[part].plan.steps[next_[part]];
        return step.direction == Direction::upgrade ? missing_need(part, step.id)
                                                    : living_dependent(part, step.id);
    }

    [[nodiscard]] std::optional<std::string> missing_need(std::size_t part, const std::string& id)
        const {
        for (const std::string& need : parts_[part].lineage->needs_elsewhere(id)) {
            const bool there = elsewhere_.contains(need) ||
                               std::any_of(applied_.begin(), applied_.end(), [&](const IdSet& set) {
                                   return set.contains(need);
                               });
            if (!there) {
                return fmt::format("{} needs {}, which isn't applied", id, need);
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] std::optional<std::string> living_dependent(
        std::size_t part, const std::string& id
    ) const {
        for (std::size_t other = 0; other < parts_.size(); ++other) {
            if (other == part) {
                continue;
            }
            for (const std::string& each : applied_[other]) {
                const auto needs = parts_[other].lineage->needs_elsewhere(each);
                if (std::find(needs.begin(), needs.end(), id) != needs.end()) {
                    return fmt::format(
                        "{} can't go while {} of {} needs it", id, each, parts_[other].name
                    );
                }
            }
        }
        return std::nullopt;
    }

    [[noreturn]] void fail() const {
        std::string reason;
        for (std::size_t part = 0; part < parts_.size() && reason.empty(); ++part) {
            if (next_[part] < parts_[part].plan.steps.size()) {
                reason = obstacle(part).value_or("");
            }
        }
        throw Error(
            ErrorKind::refused,
            "dependency_missing",
            reason,
            "nothing was changed; run the verb on all lineages together, or on the other one first"
        );
    }

    std::span<const LineagePart> parts_;
    const IdSet& elsewhere_;
    std::vector<IdSet> applied_;
    std::vector<std::size_t> next_;
    std::size_t left_ = 0;
    bool downward_ = false;
};

}  // namespace

std::vector<PartStep> interleave(std::span<const LineagePart> parts, const IdSet& elsewhere) {
    return Interleaver(parts, elsewhere).run();
}

}  // namespace tapline::revision
