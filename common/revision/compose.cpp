#include "common/revision/compose.hpp"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"
#include "common/revision/resolve.hpp"
#include "common/revision/syntax.hpp"

namespace tapline::revision {
namespace {

constexpr std::string_view no_sql_yet = "-- SQL here; docs/revision-file.md shows the format\n";
constexpr std::string_view no_way_back_yet =
    "-- SQL that undoes it; if nothing can, say why in a header: -- Irreversible: <why>\n";

void add_list(std::string& text, std::string_view key, const std::vector<std::string>& values) {
    if (!values.empty()) {
        text += fmt::format("-- {}: {}\n", key, fmt::join(values, ", "));
    }
}

std::string ending_a_line(std::string_view sql) {
    std::string text(sql);
    if (!text.empty() && text.back() != '\n') {
        text.push_back('\n');
    }
    return text;
}

bool has_sections(const std::string& sql) {
    std::istringstream lines(sql);
    for (std::string line; std::getline(lines, line);) {
        std::string_view rest = trim(line);
        if (!rest.starts_with("--")) {
            continue;
        }
        rest = trim(rest.substr(2));
        if (rest.starts_with("tapline:") && trim(rest.substr(8)).starts_with("upgrade")) {
            return true;
        }
    }
    return false;
}

std::string sections(const NewRevision& revision) {
    if (has_sections(revision.sql)) {
        return ending_a_line(revision.sql);
    }
    std::string text = "-- tapline: upgrade\n";
    const bool merge = revision.revises.size() > 1;
    const bool placeholders = revision.sql.empty() && !merge;
    text += placeholders ? std::string(no_sql_yet) : ending_a_line(revision.sql);
    if (revision.irreversible) {
        return text;
    }
    text += "\n-- tapline: downgrade\n";
    text += revision.downgrade_sql.empty() && !merge ? std::string(no_way_back_yet)
                                                     : ending_a_line(revision.downgrade_sql);
    return text;
}

std::string headers(const NewRevision& revision) {
    std::string text = fmt::format("-- {}\n-- Revision ID: {}\n", revision.message, revision.id);
    text += revision.revises.empty()
                ? std::string("-- Revises:\n")
                : fmt::format("-- Revises: {}\n", fmt::join(revision.revises, ", "));
    text += fmt::format(
        "-- Create Date: {}\n-- Phase: {}\n", revision.create_date, to_string(revision.phase)
    );
    add_list(text, "Branch Labels", revision.branch_labels);
    add_list(text, "Depends On", revision.depends_on);
    if (revision.irreversible) {
        text += fmt::format("-- Irreversible: {}\n", *revision.irreversible);
    }
    return text;
}

}  // namespace

std::string slug_of(std::string_view message) {
    std::string slug;
    for (const char c : message) {
        const bool upper = c >= 'A' && c <= 'Z';
        if (upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            slug.push_back(upper ? static_cast<char>(c - 'A' + 'a') : c);
        } else if (!slug.empty() && slug.back() != '_') {
            slug.push_back('_');
        }
    }
    if (slug.size() > max_slug_bytes) {
        const std::size_t word = slug.rfind('_', max_slug_bytes);
        slug.resize(word == std::string::npos ? max_slug_bytes : word);
    }
    while (!slug.empty() && slug.back() == '_') {
        slug.pop_back();
    }
    return slug;
}

SourceFile compose(const NewRevision& revision) {
    if (!is_revision_id(revision.id)) {
        throw Error(
            ErrorKind::usage,
            "bad_revision_id",
            fmt::format("'{}' can't be a revision id", revision.id),
            "an id is 4 to 32 of 0-9 A-Z a-z _, and not head, heads or base"
        );
    }
    const std::string slug = slug_of(revision.message);
    SourceFile file;
    file.name = revision.id + (slug.empty() ? "" : "_" + slug) + ".sql";
    file.bytes = headers(revision) + "\n" + sections(revision);
    const Revision read = parse(file, revision.dialect);
    const bool same = read.message == revision.message && read.revises == revision.revises &&
                      read.irreversible == revision.irreversible && read.phase == revision.phase &&
                      read.branch_labels == revision.branch_labels &&
                      read.depends_on == revision.depends_on;
    if (revision.message.empty() || !same) {
        throw Error(
            ErrorKind::usage,
            "bad_message",
            fmt::format("the message '{}' would read as something else", revision.message),
            "write one line of words that doesn't begin with a header's name or 'tapline:'"
        );
    }
    return file;
}

std::vector<std::string> parents_for(
    const Lineage& lineage, const std::vector<std::string>& targets, bool splice
) {
    std::vector<std::string> parents;
    for (const std::string& target : targets) {
        for (const std::string& id : resolve(lineage, target)) {
            const std::string& file = lineage.at(id).file;
            if (std::find(parents.begin(), parents.end(), id) != parents.end()) {
                throw Error(
                    ErrorKind::usage,
                    "duplicate_id",
                    fmt::format("{} ({}) is named twice", id, file),
                    "name each head once; `tapline-central heads` lists them"
                );
            }
            if (!splice && !lineage.children(id).empty()) {
                const std::string& child = lineage.children(id).front();
                throw Error(
                    ErrorKind::usage,
                    "not_a_head",
                    fmt::format(
                        "{} ({}) isn't a head: {} ({}) revises it",
                        id,
                        file,
                        child,
                        lineage.at(child).file
                    ),
                    fmt::format(
                        "name a head, or begin a branch with `revision --head {} --splice`", id
                    )
                );
            }
            parents.push_back(id);
        }
    }
    return parents;
}

std::vector<std::string> dependencies_for(
    const Lineage& lineage, const std::vector<std::string>& names, const IdSet& elsewhere
) {
    std::vector<std::string> dependencies;
    for (const std::string& text : names) {
        if (elsewhere.contains(text)) {
            dependencies.push_back(text);
            continue;
        }
        const std::optional<std::string> id = lookup_one(lineage, parse_name(text));
        if (!id) {
            throw Error(
                ErrorKind::usage,
                "not_found",
                fmt::format("'{}' is no revision to depend on", text),
                "name a revision or a branch label"
            );
        }
        dependencies.push_back(lineage.labels().contains(text) ? text : *id);
    }
    return dependencies;
}

}  // namespace tapline::revision
