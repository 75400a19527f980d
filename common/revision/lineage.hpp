// The graph of revisions: pure, built once, then only read.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/revision/revision.hpp"

namespace tapline::revision {

/// Sorted, so that output and messages are the same on every run.
using IdSet = std::set<std::string, std::less<>>;

/// A directed acyclic graph with two kinds of edges: `Revises` (parents) and `Depends On`.
/// Codes of its errors are the kinds of the json contract; ErrorKind::usage throughout.
class Lineage {
  public:
    Lineage() = default;

    /// elsewhere: ids that Depends On may name although they are in another lineage (tapline's
    /// t0001 depends on the bar's 0001_m1_baseline).
    /// Throws duplicate_id, missing_parent, cycle, duplicate_label, naming the files.
    explicit Lineage(std::vector<Revision> revisions, const IdSet& elsewhere = {});

    /// Parents and dependencies before what needs them; otherwise by id.
    [[nodiscard]] const std::vector<Revision>& revisions() const noexcept { return revisions_; }

    [[nodiscard]] bool empty() const noexcept { return revisions_.empty(); }

    /// nullptr: no such id. Whole ids only; see resolve.hpp for prefixes.
    [[nodiscard]] const Revision* find(std::string_view id) const noexcept;
    /// Throws not_found.
    [[nodiscard]] const Revision& at(std::string_view id) const;
    /// Place in revisions(): smaller comes first. Throws not_found.
    [[nodiscard]] std::size_t position(std::string_view id) const;

    /// Revisions that nobody revises, by id.
    [[nodiscard]] const std::vector<std::string>& heads() const noexcept { return heads_; }

    /// Revisions that revise nothing, by id.
    [[nodiscard]] const std::vector<std::string>& bases() const noexcept { return bases_; }

    /// Those that revise id, by id. Throws not_found.
    [[nodiscard]] const std::vector<std::string>& children(std::string_view id) const;
    /// Those that revise id or depend on it, by id. Throws not_found.
    [[nodiscard]] const std::vector<std::string>& dependents(std::string_view id) const;
    /// Parents and dependencies inside this lineage. Throws not_found.
    [[nodiscard]] const std::vector<std::string>& needs(std::string_view id) const;
    /// Dependencies of id that are in another lineage. Throws not_found.
    [[nodiscard]] std::vector<std::string> needs_elsewhere(std::string_view id) const;

    /// The ids themselves and everything they need, directly or not. Throws not_found.
    [[nodiscard]] IdSet with_ancestors(const std::vector<std::string>& ids) const;
    /// The ids themselves and everything that needs them, directly or not. Throws not_found.
    [[nodiscard]] IdSet with_descendants(const std::vector<std::string>& ids) const;
    /// Members of applied that no other member needs: the rows of a version table.
    [[nodiscard]] std::vector<std::string> heads_of(const IdSet& applied) const;

  private:
    struct Node {
        std::size_t position = 0;
        std::vector<std::string> children;
        std::vector<std::string> dependents;
        std::vector<std::string> needs;
    };

    void add_nodes();
    void link(const IdSet& elsewhere);
    void sort();
    void check_labels() const;
    [[nodiscard]] const Node& node(std::string_view id) const;
    [[nodiscard]] IdSet reach(
        const std::vector<std::string>& ids, std::vector<std::string> Node::*edges
    ) const;

    std::vector<Revision> revisions_;
    std::map<std::string, Node, std::less<>> nodes_;
    std::vector<std::string> heads_;
    std::vector<std::string> bases_;
};

}  // namespace tapline::revision
