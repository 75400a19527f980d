#include "central/import/history.hpp"

#include <algorithm>
#include <set>
#include <sstream>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::alembic {

namespace {

constexpr std::string_view doc_indent = "    ";

[[noreturn]] void fail(const std::string& what) {
    throw Error(
        ErrorKind::usage,
        "alembic_history",
        what,
        "does `alembic history -v` list the project's revisions when it is run by hand?"
    );
}

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) {
        return {};
    }
    return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

/// "a, b" -> a, b; `<base>` and an empty text are none.
std::vector<std::string> list_of(std::string_view text) {
    std::vector<std::string> names;
    while (!text.empty()) {
        const std::size_t comma = text.find(',');
        std::string name = trimmed(text.substr(0, comma));
        if (!name.empty() && name != "<base>") {
            names.push_back(std::move(name));
        }
        text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return names;
}

/// "Key: value" at the beginning of the line.
bool take(std::string_view line, std::string_view key, std::string& value) {
    if (!line.starts_with(key)) {
        return false;
    }
    value = trimmed(line.substr(key.size()));
    return true;
}

/// One line between `Rev:` and the empty line before the doc.
void take_fact(AlembicRevision& revision, const std::string& line) {
    std::string value;
    if (take(line, "Parent:", value) || take(line, "Merges:", value)) {
        revision.revises = list_of(value);
    } else if (take(line, "Also depends on:", value)) {
        revision.depends_on = list_of(value);
    } else if (take(line, "Branch names:", value)) {
        revision.labels_here = list_of(value);
    } else if (take(line, "Path:", value)) {
        revision.path = value;
    }
}

void take_doc(AlembicRevision& revision, const std::string& line) {
    const std::string text = trimmed(line);
    std::string value;
    if (take(text, "Create Date:", value)) {
        revision.create_date = value.substr(0, 10);
    } else if (take(text, "Revision ID:", value) || take(text, "Revises:", value)) {
        return;
    } else if (revision.message.empty()) {
        revision.message = text;
    } else if (!text.empty() || (!revision.prose.empty() && !revision.prose.back().empty())) {
        revision.prose.push_back(text);
    }
}

std::vector<AlembicRevision> read_entries(std::string_view text) {
    std::vector<AlembicRevision> revisions;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::string value;
        if (take(line, "Rev:", value)) {
            revisions.emplace_back();
            revisions.back().id = value.substr(0, value.find(' '));
        } else if (revisions.empty()) {
            continue;
        } else if (revisions.back().path.empty()) {
            take_fact(revisions.back(), line);
        } else if (line.starts_with(doc_indent)) {
            take_doc(revisions.back(), line);
        }
    }
    for (AlembicRevision& each : revisions) {
        if (each.id.empty() || each.path.empty()) {
            fail(fmt::format("Alembic's history tells of a revision '{}' without a file", each.id));
        }
        while (!each.prose.empty() && each.prose.back().empty()) {
            each.prose.pop_back();
        }
    }
    return revisions;
}

}  // namespace

std::size_t find_revision(const std::vector<AlembicRevision>& revisions, const std::string& name) {
    std::vector<std::size_t> starts;
    std::vector<std::size_t> labelled;
    for (std::size_t i = 0; i < revisions.size(); ++i) {
        const std::vector<std::string>& labels = revisions[i].labels;
        if (revisions[i].id == name) {
            return i;
        }
        if (std::find(labels.begin(), labels.end(), name) != labels.end()) {
            labelled.push_back(i);
        }
        if (revisions[i].id.starts_with(name)) {
            starts.push_back(i);
        }
    }
    if (labelled.size() == 1) {
        return labelled.front();
    }
    if (starts.size() == 1) {
        return starts.front();
    }
    fail(fmt::format("Alembic's history names '{}', which is no revision there", name));
}

std::vector<AlembicRevision> read_history(std::string_view text) {
    std::vector<AlembicRevision> revisions = read_entries(text);
    std::set<std::string> ids;
    for (const AlembicRevision& each : revisions) {
        if (!ids.insert(each.id).second) {
            fail(fmt::format("Alembic's history has {} twice", each.id));
        }
    }
    std::reverse(revisions.begin(), revisions.end());
    return revisions;
}

std::vector<AlembicRevision> in_order(std::vector<AlembicRevision> revisions) {
    std::vector<std::vector<std::size_t>> needs(revisions.size());
    for (std::size_t i = 0; i < revisions.size(); ++i) {
        for (const std::string& parent : revisions[i].revises) {
            needs[i].push_back(find_revision(revisions, parent));
        }
        for (std::string& name : revisions[i].depends_on) {
            const std::size_t at = find_revision(revisions, name);
            needs[i].push_back(at);
            const std::vector<std::string>& labels = revisions[at].labels;
            if (std::find(labels.begin(), labels.end(), name) == labels.end()) {
                name = revisions[at].id;
            }
        }
    }
    std::vector<AlembicRevision> sorted;
    std::vector<bool> done(revisions.size(), false);
    while (sorted.size() < revisions.size()) {
        const std::size_t before = sorted.size();
        for (std::size_t i = 0; i < revisions.size(); ++i) {
            const bool ready =
                !done[i] && std::all_of(needs[i].begin(), needs[i].end(), [&](std::size_t at) {
                    return done[at];
                });
            if (ready) {
                done[i] = true;
                sorted.push_back(std::move(revisions[i]));
            }
        }
        if (sorted.size() == before) {
            fail("the revisions of Alembic's history stand on each other in a circle");
        }
    }
    return sorted;
}

}  // namespace tapline::alembic
