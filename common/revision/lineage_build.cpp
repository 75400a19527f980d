// How a Lineage is put together and checked; lineage.cpp has what it answers.
#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"
#include "common/revision/lineage.hpp"

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
    add_labels();
    link(elsewhere);
    sort();
    inherit_labels();
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

void Lineage::add_labels() {
    for (const Revision& revision : revisions_) {
        for (const std::string& label : revision.branch_labels) {
            const auto [place, added] = labels_.try_emplace(label, revision.id);
            const bool is_id = nodes_.contains(label);
            if (!added || is_id) {
                fail(
                    "duplicate_label",
                    fmt::format(
                        "the name {} is taken twice: by {} and by the label in {}",
                        label,
                        revisions_[node(is_id ? label : place->second).position].file,
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
            const auto label = labels_.find(dependency);
            const auto found = nodes_.find(label == labels_.end() ? dependency : label->second);
            if (found != nodes_.end()) {
                found->second.dependents.push_back(revision.id);
                self.needs.push_back(found->first);
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
        if (each.dependents.empty()) {
            real_heads_.push_back(id);
        }
        if (revisions_[each.position].revises.empty()) {
            bases_.push_back(id);
        }
    }
}

/// Some of those that wait are in the circle, the others stand on it: going down from any of them,
/// always to one that waits, comes round.
void Lineage::fail_cycle(const std::map<std::string_view, std::size_t>& waiting) const {
    const auto waits = [&](const std::string& id) { return waiting.at(id) > 0; };
    const auto any = std::find_if(waiting.begin(), waiting.end(), [](const auto& each) {
        return each.second > 0;
    });
    std::vector<std::string> path{std::string(any->first)};
    auto again = path.end();
    while (again == path.end()) {
        const std::vector<std::string>& next = node(path.back()).needs;
        path.push_back(*std::find_if(next.begin(), next.end(), waits));
        again = std::find(path.begin(), path.end() - 1, path.back());
        again = again == path.end() - 1 ? path.end() : again;
    }
    std::vector<std::string> circle;
    for (; again != path.end() - 1; ++again) {
        circle.push_back(fmt::format("{} ({})", *again, revisions_[node(*again).position].file));
    }
    fail(
        "cycle",
        fmt::format("these revisions need each other in a circle: {}", fmt::join(circle, ", ")),
        "look at their 'Revises' and 'Depends On' lines and break the circle"
    );
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
        fail_cycle(waiting);
    }
    revisions_ = std::move(sorted);
}

/// True when the branch above id is one line to its head, which nothing forks off or joins.
bool Lineage::ends_in_a_line(const std::string& id) const {
    const Node* at = &node(id);
    while (at->dependents.size() <= 1 && revisions_[at->position].revises.size() <= 1) {
        if (at->children.empty()) {
            return true;
        }
        at = &node(at->children.front());
    }
    return false;
}

void Lineage::inherit_labels() {
    for (const auto& [label, id] : labels_) {
        for (const std::string& each : with_descendants({id}, Edges::revises)) {
            nodes_.find(each)->second.labels.insert(label);
        }
        if (!ends_in_a_line(id)) {
            continue;
        }
        Node* at = &nodes_.find(id)->second;
        while (at->dependents.size() <= 1 && revisions_[at->position].revises.size() <= 1) {
            at->labels.insert(label);
            if (revisions_[at->position].revises.empty()) {
                break;
            }
            at = &nodes_.find(revisions_[at->position].revises.front())->second;
        }
    }
}

}  // namespace tapline::revision
