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

/// revises: a branch, as `Revises` draws it. all: also `Depends On`, which is what must be applied.
enum class Edges { revises, all };

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

    /// Revisions that nobody revises, by id: what `head` means.
    [[nodiscard]] const std::vector<std::string>& heads() const noexcept { return heads_; }

    /// Heads that nobody depends on either: what `heads` means, and the version rows once all is
    /// applied.
    [[nodiscard]] const std::vector<std::string>& real_heads() const noexcept {
        return real_heads_;
    }

    /// Revisions that revise nothing, by id.
    [[nodiscard]] const std::vector<std::string>& bases() const noexcept { return bases_; }

    /// Branch label -> the revision whose file carries it.
    [[nodiscard]] const std::map<std::string, std::string, std::less<>>& labels() const noexcept {
        return labels_;
    }

    /// The labels of id's file and those it has from its branch, by name: from every ancestor along
    /// Revises, and from a descendant as long as nothing forks or merges on the way (Alembic's
    /// rule). Throws not_found.
    [[nodiscard]] const IdSet& labels_of(std::string_view id) const;

    /// Those that revise id, by id. Throws not_found.
    [[nodiscard]] const std::vector<std::string>& children(std::string_view id) const;
    /// Those that revise id or depend on it, by id. Throws not_found.
    [[nodiscard]] const std::vector<std::string>& dependents(std::string_view id) const;
    /// Parents and dependencies inside this lineage, labels resolved. Throws not_found.
    [[nodiscard]] const std::vector<std::string>& needs(std::string_view id) const;
    /// Dependencies of id that are in another lineage. Throws not_found.
    [[nodiscard]] std::vector<std::string> needs_elsewhere(std::string_view id) const;

    /// The ids themselves and everything below them. Throws not_found.
    [[nodiscard]] IdSet with_ancestors(
        const std::vector<std::string>& ids, Edges edges = Edges::all
    ) const;
    /// The ids themselves and everything above them. Throws not_found.
    [[nodiscard]] IdSet with_descendants(
        const std::vector<std::string>& ids, Edges edges = Edges::all
    ) const;
    /// By position(): what must come first is first. Throws not_found.
    [[nodiscard]] std::vector<std::string> in_order(const IdSet& ids) const;
    /// Members of applied that no other member needs: the rows of a version table. applied: with
    /// all its ancestors.
    [[nodiscard]] std::vector<std::string> heads_of(const IdSet& applied) const;

  private:
    struct Node {
        std::size_t position = 0;
        std::vector<std::string> children;
        std::vector<std::string> dependents;
        std::vector<std::string> needs;
        IdSet labels;
    };

    void add_nodes();
    void link(const IdSet& elsewhere);
    void sort();
    [[noreturn]] void fail_cycle(const std::map<std::string_view, std::size_t>& waiting) const;
    void add_labels();
    void inherit_labels();
    [[nodiscard]] bool ends_in_a_line(const std::string& id) const;
    [[nodiscard]] const Node& node(std::string_view id) const;
    [[nodiscard]] const std::vector<std::string>& below(const Node& at, Edges edges) const;

    std::vector<Revision> revisions_;
    std::map<std::string, Node, std::less<>> nodes_;
    std::map<std::string, std::string, std::less<>> labels_;
    std::vector<std::string> heads_;
    std::vector<std::string> real_heads_;
    std::vector<std::string> bases_;
};

}  // namespace tapline::revision
