#include "central/import/convert.hpp"

#include <algorithm>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/lint/lint.hpp"
#include "common/error.hpp"
#include "common/revision/compose.hpp"
#include "common/revision/directory.hpp"

namespace tapline::alembic {

namespace {

using revision::NewRevision;

constexpr std::size_t max_id_bytes = 32;
constexpr std::string_view guard_start = "DO LANGUAGE plpgsql $by_hand$ BEGIN RAISE";
constexpr std::string_view allow_reason = "imported; Alembic would run it";

/// A literal that no setting of the server reads otherwise.
std::string literal(const std::string& text) {
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? "''" : std::string(1, c);
    }
    return quoted + "'";
}

/// A guard instead of SQL that nobody has. The reason is one line, and can't end the dollar string.
RenderedPiece guard(const AlembicRevision& facts, const Half& half) {
    std::string reason = half.problem;
    std::replace(reason.begin(), reason.end(), '$', ' ');
    return {
        true,
        {fmt::format(
            "{} EXCEPTION USING MESSAGE = {}, HINT = {}; END $by_hand$",
            guard_start,
            literal(fmt::format("{} was not imported from Alembic: {}", facts.id, reason)),
            literal(fmt::format("write the SQL of {} into this section by hand", facts.id))
        )}};
}

std::vector<RenderedPiece> pieces_of(const AlembicRevision& facts, const Half& half) {
    return half.problem.empty() ? half.pieces : std::vector<RenderedPiece>{guard(facts, half)};
}

std::string section_text(std::string_view direction, const RenderedPiece* piece) {
    std::string text = fmt::format(
        "-- tapline: {}{}\n",
        direction,
        piece != nullptr && !piece->transaction ? " transaction=off" : ""
    );
    if (piece != nullptr) {
        for (const std::string& statement : piece->statements) {
            text += statement + ";\n";
        }
    }
    return text;
}

/// `<id>_p1`, cut so that it is an id.
std::string part_id(const std::string& id, std::size_t part, const revision::IdSet& taken) {
    std::string suffix = fmt::format("_p{}", part);
    std::string fresh = id.substr(0, max_id_bytes - suffix.size()) + suffix;
    while (taken.contains(fresh)) {
        suffix = "x" + suffix;
        fresh = id.substr(0, max_id_bytes - suffix.size()) + suffix;
    }
    return fresh;
}

/// A line that would read as a header or a marker stands behind a word.
std::string prose_of(const AlembicRevision& facts) {
    std::string text;
    for (const std::string& line : facts.prose) {
        const bool key = line.find(':') != std::string::npos;
        text +=
            line.empty() ? std::string("--\n") : fmt::format("-- {}{}\n", key ? "doc: " : "", line);
    }
    return text.empty() ? text : text + "\n";
}

/// compose() refuses a message that reads as a header; a word before it makes it one again.
revision::SourceFile compose_file(NewRevision fresh) {
    try {
        return revision::compose(fresh);
    } catch (const Error& error) {
        if (error.code() != "bad_message" && error.code() != "revision_syntax") {
            throw;
        }
        fresh.message = "imported - " + fresh.message;
        return revision::compose(fresh);
    }
}

}  // namespace

std::vector<revision::SourceFile> files_of(const Imported& revision, const revision::IdSet& taken) {
    const AlembicRevision& facts = revision.facts;
    const std::vector<RenderedPiece> up = pieces_of(facts, revision.upgrade);
    const std::vector<RenderedPiece> down = pieces_of(facts, revision.downgrade);
    const std::size_t count = std::max({up.size(), down.size(), std::size_t{1}});
    std::vector<revision::SourceFile> files;
    std::vector<std::string> below = facts.revises;
    for (std::size_t i = 0; i < count; ++i) {
        const bool last = i + 1 == count;
        NewRevision fresh;
        fresh.id = last ? facts.id : part_id(facts.id, i + 1, taken);
        fresh.message = facts.message.empty() ? "revision " + facts.id : facts.message;
        if (count > 1) {
            fresh.message += fmt::format(" (part {} of {})", i + 1, count);
        }
        fresh.revises = below;
        fresh.create_date = facts.create_date;
        fresh.sql = (last ? prose_of(facts) : "") +
                    section_text("upgrade", i < up.size() ? &up[i] : nullptr);
        if (last) {
            fresh.branch_labels = facts.labels;
        }
        if (i == 0) {
            fresh.depends_on = facts.depends_on;
        }
        if (last && !revision.downgrade.irreversible.empty()) {
            fresh.irreversible = revision.downgrade.irreversible;
        } else {
            const std::size_t from_top = count - 1 - i;
            fresh.sql +=
                "\n" +
                section_text("downgrade", from_top < down.size() ? &down[from_top] : nullptr);
        }
        below = {fresh.id};
        files.push_back(compose_file(std::move(fresh)));
    }
    return files;
}

bool is_guard(const revision::Section& section) {
    return std::any_of(
        section.statements.begin(),
        section.statements.end(),
        [](const revision::Statement& each) { return each.text.starts_with(guard_start); }
    );
}

Allowed allow_hazards(std::vector<revision::SourceFile> files) {
    const revision::Lineage lineage = revision::load(files, revision::Dialect::postgres);
    lint::Catalog catalog;
    Allowed allowed;
    std::map<std::string, std::map<int, std::set<std::string>>> lines;
    for (const revision::Revision& each : lineage.revisions()) {
        for (const lint::Finding& finding : lint::lint_revision(catalog, each).findings) {
            if (finding.severity == lint::Severity::block &&
                finding.direction == revision::Direction::upgrade) {
                const std::string hazard(lint::to_string(finding.hazard));
                lines[each.file][finding.line].insert(hazard);
                allowed.hazards[each.file].push_back(hazard);
            }
        }
    }
    for (revision::SourceFile& file : files) {
        std::istringstream in(file.bytes);
        std::string text;
        int number = 0;
        for (std::string line; std::getline(in, line);) {
            for (const std::string& hazard : lines[file.name][++number]) {
                text += fmt::format("-- tapline: allow {}: {}\n", hazard, allow_reason);
            }
            text += line + "\n";
        }
        file.bytes = std::move(text);
    }
    allowed.files = std::move(files);
    return allowed;
}

}  // namespace tapline::alembic
