#include "central/cli/revision_entries.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace tapline::cli {

namespace {

using nlohmann::ordered_json;
using revision::Lineage;
using revision::Revision;

std::string parents_of(const Revision& revision) {
    return revision.revises.empty() ? "<base>"
                                    : fmt::format("{}", fmt::join(revision.revises, ", "));
}

/// " (label) (branchpoint) (mergepoint) (head) (current)", as far as they apply.
std::string marks(const Lineage& lineage, const Revision& revision, bool current) {
    std::string text;
    const revision::IdSet& labels = lineage.labels_of(revision.id);
    if (!labels.empty()) {
        text += fmt::format(" ({})", fmt::join(labels, ", "));
    }
    if (lineage.children(revision.id).size() > 1) {
        text += " (branchpoint)";
    }
    if (revision.revises.size() > 1) {
        text += " (mergepoint)";
    }
    if (lineage.children(revision.id).empty()) {
        text += lineage.dependents(revision.id).empty() ? " (head)" : " (effective head)";
    }
    return text + (current ? " (current)" : "");
}

void add_line(std::string& text, std::string_view key, const std::vector<std::string>& values) {
    if (!values.empty()) {
        text += fmt::format("        {}: {}\n", key, fmt::join(values, ", "));
    }
}

std::string block(const Entry& entry, bool mark_current) {
    const Lineage& lineage = entry.lineage->lineage;
    const Revision& revision = *entry.revision;
    std::string text = fmt::format(
        "    {}{}\n", revision.id, marks(lineage, revision, mark_current && entry.current)
    );
    add_line(text, "Message", {revision.message});
    text += fmt::format("        Revises: {}\n", parents_of(revision));
    add_line(text, "Revised by", lineage.children(revision.id));
    add_line(text, "Branch labels", revision.branch_labels);
    add_line(text, "Depends on", revision.depends_on);
    text += fmt::format("        Phase: {}\n", revision::to_string(revision.phase));
    if (!revision.create_date.empty()) {
        text += fmt::format("        Create date: {}\n", revision.create_date);
    }
    if (revision.irreversible) {
        text += fmt::format("        No way back: {}\n", *revision.irreversible);
    }
    return text + fmt::format("        File: {}\n", revision.file);
}

std::string children_lines(const Entry& entry) {
    std::string text;
    const Lineage& lineage = entry.lineage->lineage;
    for (const std::string& id : lineage.children(entry.revision->id)) {
        text += fmt::format("        -> {}{}\n", id, marks(lineage, lineage.at(id), false));
    }
    return text;
}

}  // namespace

std::string entry_line(const Lineage& lineage, const Revision& revision, bool current) {
    return fmt::format(
        "{} -> {}{}, {} [{}]",
        parents_of(revision),
        revision.id,
        marks(lineage, revision, current),
        revision.message,
        revision::to_string(revision.phase)
    );
}

ordered_json entries_json(const std::vector<Entry>& entries, const EntryStyle& style) {
    ordered_json list = ordered_json::array();
    for (const Entry& entry : entries) {
        const Lineage& lineage = entry.lineage->lineage;
        const Revision& revision = *entry.revision;
        const revision::IdSet& labels = lineage.labels_of(revision.id);
        ordered_json each = {
            {"id", revision.id},
            {"revises", revision.revises},
            {"labels", std::vector<std::string>(labels.begin(), labels.end())},
            {"depends_on", revision.depends_on},
            {"phase", revision::to_string(revision.phase)},
            {"message", revision.message},
            {"lineage", revision::to_string(entry.lineage->name)},
            {"file", revision.file}};
        if (style.mark_current) {
            each["current"] = entry.current;
        }
        if (style.children) {
            each["revised_by"] = lineage.children(revision.id);
        }
        list.push_back(std::move(each));
    }
    return {{"revisions", list}};
}

std::string entries_text(const std::vector<Entry>& entries, const EntryStyle& style) {
    std::string text;
    const revision::DatabaseLineage* heading = nullptr;
    for (const Entry& entry : entries) {
        if (entry.lineage != heading) {
            heading = entry.lineage;
            text += fmt::format("{}:\n", revision::to_string(heading->name));
        }
        const bool current = style.mark_current && entry.current;
        text +=
            style.verbose
                ? block(entry, current)
                : fmt::format("    {}\n", entry_line(heading->lineage, *entry.revision, current));
        text += style.children && !style.verbose ? children_lines(entry) : "";
    }
    return text.empty() ? "no revisions\n" : text;
}

}  // namespace tapline::cli
