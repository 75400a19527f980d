#include "common/revision/lineage.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"

namespace tapline::revision {
namespace {

[[noreturn]] void fail(const char* code, const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::usage, code, what, hint);
}

void sort_unique(std::vector<std::string>& ids) {
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

}  // namespace

Lineage::Lineage(std::vector<Revision> revisions, const IdSet& elsewhere)
    : revisions_(std::move(revisions)) {
    add_nodes();
    check_labels();
    link(elsewhere);
    sort();
}

void Lineage::add_nodes() {
    for (std::size_t i = 0; i < revisions_.size(); ++i) {
        const Revision& revision = revisions_[i];
        Node fresh;
        fresh.position = i;
        const auto [place, added] = nodes_.try_emplace(revision.id, std::move(fresh));
        if (!added) {
            fail(
                "duplicate_id",
                fmt::format(
                    "revision {} is in two files: {} and {}",
                    revision.id,
                    revisions_[place->second.position].file,
                    revision.file
                ),
                "give one of them an id of its own, in its name and its header"
            );
        }
    }
}

void Lineage::check_labels() const {
    std::map<std::string_view, const Revision*> owners;
    for (const Revision& revision : revisions_) {
        for (const std::string& label : revision.branch_labels) {
            const auto [place, added] = owners.try_emplace(label, &revision);
            if (!added || nodes_.contains(label)) {
                fail(
                    "duplicate_label",
                    fmt::format(
                        "the name {} is taken twice: by {} and by the label in {}",
                        label,
                        added ? revisions_[node(label).position].file : place->second->file,
                        revision.file
                    ),
                    "rename one of them; a label and an id are looked up in the same place"
                );
            }
        }
    }
}

void Lineage::link(const IdSet& elsewhere) {
    const auto missing = [](const Revision& revision, const char* verb, const std::string& id) {
        fail(
            "missing_parent",
            fmt::format("{} {} {}, and no file has that id", revision.file, verb, id),
            "bring the missing file back (was it left out of a commit?) or mend the header"
        );
    };
    for (const Revision& revision : revisions_) {
        Node& self = nodes_.find(revision.id)->second;
        for (const std::string& parent : revision.revises) {
            const auto found = nodes_.find(parent);
            if (found == nodes_.end()) {
                missing(revision, "revises", parent);
            }
            found->second.children.push_back(revision.id);
            found->second.dependents.push_back(revision.id);
            self.needs.push_back(parent);
        }
        for (const std::string& dependency : revision.depends_on) {
            const auto found = nodes_.find(dependency);
            if (found != nodes_.end()) {
                found->second.dependents.push_back(revision.id);
                self.needs.push_back(dependency);
            } else if (!elsewhere.contains(dependency)) {
                missing(revision, "depends on", dependency);
            }
        }
    }
    for (auto& [id, each] : nodes_) {
        sort_unique(each.children);
        sort_unique(each.dependents);
        sort_unique(each.needs);
        if (each.children.empty()) {
            heads_.push_back(id);
        }
        if (revisions_[each.position].revises.empty()) {
            bases_.push_back(id);
        }
    }
}

/// Kahn's algorithm with a sorted set of the ready ones, so that the order never depends on the
/// order of files.
void Lineage::sort() {
    std::map<std::string_view, std::size_t> waiting;
    std::set<std::string_view> ready;
    for (const auto& [id, each] : nodes_) {
        waiting[id] = each.needs.size();
        if (each.needs.empty()) {
            ready.insert(id);
        }
    }
    std::vector<Revision> sorted;
    sorted.reserve(revisions_.size());
    while (!ready.empty()) {
        Node& next = nodes_.find(*ready.begin())->second;
        ready.erase(ready.begin());
        for (const std::string& dependent : next.dependents) {
            if (--waiting[dependent] == 0) {
                ready.insert(nodes_.find(dependent)->first);
            }
        }
        sorted.push_back(std::move(revisions_[next.position]));
        next.position = sorted.size() - 1;
    }
    if (sorted.size() < nodes_.size()) {
        std::vector<std::string_view> left;
        for (const auto& [id, count] : waiting) {
            if (count > 0) {
                left.push_back(id);
            }
        }
        fail(
            "cycle",
            fmt::format("these revisions need each other in a circle: {}", fmt::join(left, ", ")),
            "look at their 'Revises' and 'Depends On' lines and break the circle"
        );
    }
    revisions_ = std::move(sorted);
}

const Lineage::Node& Lineage::node(std::string_view id) const {
    const auto found = nodes_.find(id);
    if (found == nodes_.end()) {
        fail(
            "not_found",
            fmt::format("no revision {} among {} files", id, revisions_.size()),
            "'history' lists the ids; a database may have been stepped by a newer version"
        );
    }
    return found->second;
}

const Revision* Lineage::find(std::string_view id) const noexcept {
    const auto found = nodes_.find(id);
    return found == nodes_.end() ? nullptr : &revisions_[found->second.position];
}

const Revision& Lineage::at(std::string_view id) const {
    return revisions_[node(id).position];
}

std::size_t Lineage::position(std::string_view id) const {
    return node(id).position;
}

const std::vector<std::string>& Lineage::children(std::string_view id) const {
    return node(id).children;
}

const std::vector<std::string>& Lineage::dependents(std::string_view id) const {
    return node(id).dependents;
}

const std::vector<std::string>& Lineage::needs(std::string_view id) const {
    return node(id).needs;
}

std::vector<std::string> Lineage::needs_elsewhere(std::string_view id) const {
    std::vector<std::string> result;
    const auto& all = at(id).depends_on;
    std::copy_if(all.begin(), all.end(), std::back_inserter(result), [&](const std::string& each) {
        return !nodes_.contains(each);
    });
    return result;
}

IdSet Lineage::reach(const std::vector<std::string>& ids, std::vector<std::string> Node::*edges)
    const {
    IdSet seen;
    std::vector<std::string> todo = ids;
    while (!todo.empty()) {
        const std::string id = std::move(todo.back());
        todo.pop_back();
        const Node& here = node(id);
        if (seen.insert(id).second) {
            todo.insert(todo.end(), (here.*edges).begin(), (here.*edges).end());
        }
    }
    return seen;
}

IdSet Lineage::with_ancestors(const std::vector<std::string>& ids) const {
    return reach(ids, &Node::needs);
}

IdSet Lineage::with_descendants(const std::vector<std::string>& ids) const {
    return reach(ids, &Node::dependents);
}

std::vector<std::string> Lineage::heads_of(const IdSet& applied) const {
    std::vector<std::string> heads;
    for (const std::string& id : applied) {
        const auto& above = node(id).dependents;
        const bool covered = std::any_of(above.begin(), above.end(), [&](const std::string& each) {
            return applied.contains(each);
        });
        if (!covered) {
            heads.push_back(id);
        }
    }
    return heads;
}

}  // namespace tapline::revision
