#include "common/revision/lineage.hpp"

#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "common/error.hpp"

namespace tapline::revision {

const Lineage::Node& Lineage::node(std::string_view id) const {
    const auto found = nodes_.find(id);
    if (found == nodes_.end()) {
        throw Error(
            ErrorKind::usage,
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
        return !nodes_.contains(each) && !labels_.contains(each);
    });
    return result;
}

const IdSet& Lineage::labels_of(std::string_view id) const {
    return node(id).labels;
}

const std::vector<std::string>& Lineage::below(const Node& at, Edges edges) const {
    return edges == Edges::all ? at.needs : revisions_[at.position].revises;
}

IdSet Lineage::with_ancestors(const std::vector<std::string>& ids, Edges edges) const {
    IdSet seen;
    std::vector<std::string> todo = ids;
    while (!todo.empty()) {
        const std::string id = std::move(todo.back());
        todo.pop_back();
        const Node& here = node(id);
        if (seen.insert(id).second) {
            const std::vector<std::string>& next = below(here, edges);
            todo.insert(todo.end(), next.begin(), next.end());
        }
    }
    return seen;
}

IdSet Lineage::with_descendants(const std::vector<std::string>& ids, Edges edges) const {
    IdSet seen;
    std::vector<std::string> todo = ids;
    while (!todo.empty()) {
        const std::string id = std::move(todo.back());
        todo.pop_back();
        const Node& here = node(id);
        if (seen.insert(id).second) {
            const auto& next = edges == Edges::all ? here.dependents : here.children;
            todo.insert(todo.end(), next.begin(), next.end());
        }
    }
    return seen;
}

std::vector<std::string> Lineage::in_order(const IdSet& ids) const {
    std::vector<std::size_t> places;
    places.reserve(ids.size());
    for (const std::string& id : ids) {
        places.push_back(position(id));
    }
    std::sort(places.begin(), places.end());
    std::vector<std::string> sorted;
    sorted.reserve(places.size());
    for (const std::size_t place : places) {
        sorted.push_back(revisions_[place].id);
    }
    return sorted;
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
