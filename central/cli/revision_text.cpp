#include "central/cli/revision_text.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "central/cli/revision_entries.hpp"

namespace tapline::cli {

namespace {

using nlohmann::ordered_json;
using revision::AppliedHeads;
using revision::LineageSet;
using revision::Revision;

std::string lineage_of(const LineageSet& set, std::size_t index) {
    return std::string(revision::to_string(set[index].name));
}

ordered_json all_ids(const AppliedHeads& heads) {
    ordered_json ids = ordered_json::array();
    for (const std::vector<std::string>& part : heads) {
        for (const std::string& id : part) {
            ids.push_back(id);
        }
    }
    return ids;
}

bool is_head(const revision::Lineage& lineage, const std::string& id) {
    const std::vector<std::string>& heads = lineage.heads();
    return std::find(heads.begin(), heads.end(), id) != heads.end();
}

std::string heads_line(
    const revision::DatabaseLineage& one, const std::vector<std::string>& heads
) {
    std::string text;
    for (const std::string& id : heads) {
        const bool known = one.lineage.find(id) != nullptr;
        std::string note = known ? "" : " (unknown to this program)";
        if (known && is_head(one.lineage, id)) {
            note = " (head)";
        }
        text += (text.empty() ? "" : ", ") + id + note;
    }
    return text.empty() ? "base" : text;
}

/// Revisions that aren't in the table because another row depends on them, each its branch's last.
std::vector<std::string> heads_by_dependency(
    const revision::Lineage& lineage, const std::vector<std::string>& rows
) {
    std::vector<std::string> known;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(known), [&](const std::string& id) {
        return lineage.find(id) != nullptr;
    });
    const revision::IdSet applied = lineage.with_ancestors(known);
    std::vector<std::string> found;
    for (const std::string& id : applied) {
        const std::vector<std::string>& above = lineage.children(id);
        const bool last = std::none_of(above.begin(), above.end(), [&](const std::string& each) {
            return applied.contains(each);
        });
        if (last && std::find(known.begin(), known.end(), id) == known.end()) {
            found.push_back(id);
        }
    }
    return found;
}

}  // namespace

ordered_json steps_json(
    const LineageSet& set, const AppliedHeads& applied, const std::vector<revision::PartStep>& steps
) {
    AppliedHeads after = applied;
    ordered_json list = ordered_json::array();
    for (const revision::PartStep& step : steps) {
        after[step.part] = step.step.heads_after;
        list.push_back(
            {{"id", step.step.id},
             {"direction", revision::to_string(step.step.direction)},
             {"lineage", lineage_of(set, step.part)}}
        );
    }
    return {{"steps", list}, {"current_after", all_ids(after)}};
}

std::string steps_text(const LineageSet& set, const std::vector<revision::PartStep>& steps) {
    std::string text;
    for (const revision::PartStep& step : steps) {
        text += fmt::format(
            "{} {} ({})\n",
            revision::to_string(step.step.direction),
            step.step.id,
            lineage_of(set, step.part)
        );
    }
    return text.empty() ? "nothing to do\n" : text;
}

ordered_json report_json(const revision::RunReport& report) {
    ordered_json list = ordered_json::array();
    for (const revision::StepDone& step : report.steps) {
        list.push_back(
            {{"id", step.id},
             {"direction", revision::to_string(step.direction)},
             {"lineage", revision::to_string(step.lineage)},
             {"duration_ms", step.duration.count()}}
        );
    }
    return {{"steps", list}, {"current_after", all_ids(report.heads)}};
}

std::string report_text(const LineageSet& set, const revision::RunReport& report) {
    std::string text;
    for (std::size_t i = 0; i < set.size(); ++i) {
        text +=
            fmt::format("{} is at {}\n", lineage_of(set, i), heads_line(set[i], report.heads[i]));
    }
    return text;
}

ordered_json current_json(const LineageSet& set, const AppliedHeads& applied) {
    ordered_json list = ordered_json::array();
    for (std::size_t i = 0; i < set.size(); ++i) {
        list.push_back(
            {{"lineage", lineage_of(set, i)},
             {"current", applied[i]},
             {"by_dependency", heads_by_dependency(set[i].lineage, applied[i])},
             {"heads", set[i].lineage.heads()},
             {"at_head", applied[i] == set[i].lineage.real_heads()}}
        );
    }
    return {{"current", all_ids(applied)}, {"lineages", list}};
}

std::string current_text(const LineageSet& set, const AppliedHeads& applied, bool verbose) {
    std::string text;
    for (std::size_t i = 0; i < set.size(); ++i) {
        text += fmt::format("{}: {}\n", lineage_of(set, i), heads_line(set[i], applied[i]));
        if (!verbose) {
            continue;
        }
        for (const std::string& id : applied[i]) {
            const Revision* revision = set[i].lineage.find(id);
            if (revision != nullptr) {
                const std::string line = entry_line(set[i].lineage, *revision);
                text += fmt::format("    {}\n    file {}\n", line, revision->file);
            }
        }
        for (const std::string& id : heads_by_dependency(set[i].lineage, applied[i])) {
            text += fmt::format("    {} is applied because another one depends on it\n", id);
        }
    }
    return text;
}

ordered_json stamp_json(const LineageSet& set, const std::vector<revision::StampPart>& parts) {
    ordered_json list = ordered_json::array();
    AppliedHeads after;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        for (const revision::Step& step : parts[i].plan.steps) {
            list.push_back(
                {{"id", step.id},
                 {"direction", revision::to_string(step.direction)},
                 {"lineage", lineage_of(set, i)}}
            );
        }
        after.push_back(parts[i].plan.heads_after);
    }
    return {{"steps", list}, {"current_after", all_ids(after)}};
}

std::string stamp_text(
    const LineageSet& set, const AppliedHeads& rows, const std::vector<revision::StampPart>& parts
) {
    std::string text;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        text += fmt::format(
            "{}: {} -> {}\n",
            lineage_of(set, i),
            heads_line(set[i], rows[i]),
            heads_line(set[i], parts[i].plan.heads_after)
        );
    }
    return text;
}

}  // namespace tapline::cli
