// One statement under judgement: what a rule reads, what it writes down, and the state of the
// transaction that the statements share.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "central/lint/catalog.hpp"
#include "central/lint/hazard.hpp"
#include "central/lint/lock.hpp"
#include "central/lint/node.hpp"

namespace tapline::lint {

/// A finding without its place.
struct Draft {
    Hazard hazard = Hazard::cannot_be_checked;
    std::string object;
    std::string message;
    std::string safe_way;              ///< empty: the policy's
    std::optional<Severity> severity;  ///< unset: the policy's
};

struct TableLock {
    std::string table;
    Lock lock = Lock::none;
    bool linked = false;  ///< the other end of a foreign key, or the parent of a partition
    bool counted = true;  ///< a table's; false: a view's, which no client writes to
};

/// Locks and promises that last until the transaction ends.
struct TransactionState {
    bool open = true;                   ///< a transaction block is open
    std::string stopped;                ///< table that nobody can read since then; empty: none
    std::set<std::string> locked;       ///< existing tables that nobody can write to
    bool locked_directly = false;       ///< at least one of them not only by a link
    std::set<std::string> unvalidated;  ///< "table constraint" added NOT VALID in it
    std::map<std::string, std::string> enum_values;  ///< added in it: value -> type
};

class Statement {
  public:
    /// Both must outlive it. Rules keep the catalog up to date as they go.
    Statement(Catalog& what_is, TransactionState& state) noexcept
        : catalog(what_is), transaction(state) {}

    void find(Hazard hazard, std::string object, std::string message);

    /// Draft with everything of its own.
    void find(Draft draft) { drafts.push_back(std::move(draft)); }

    /// Counts existing tables only.
    void lock(const std::string& table, Lock lock, bool linked = false);

    void lock_view(const std::string& view, Lock lock);

    /// Its time grows with the rows of an existing table.
    void grows_with(const std::string& object) { slow = object; }

    /// A later statement of the same transaction makes it again: "view v", "trigger t on pours".
    [[nodiscard]] bool made_again(const std::string& object) const;
    /// Not made by the file at hand, and not made again by it.
    [[nodiscard]] bool goes_away(const std::string& object) const;

    /// The strongest lock on an existing table or index.
    [[nodiscard]] Lock strongest() const noexcept;

    Catalog& catalog;
    TransactionState& transaction;
    bool undo = false;      ///< it belongs to a downgrade of what the file itself made
    bool looped = false;    ///< it runs once per row of something
    bool batched = false;   ///< a batch step: it runs over keys, page by page
    bool in_block = false;  ///< inside a DO block
    /// Objects that the statements after it in its transaction make; may be nullptr.
    const std::multiset<std::string>* made_later = nullptr;

    std::vector<Draft> drafts;
    std::vector<TableLock> locks;
    std::string slow;  ///< empty: short
};

/// Judges a statement by its kind and brings the catalog up to date.
void judge(Statement& statement, Node node);

// The rules, a family a file; each takes the unwrapped node type named in rules.cpp.
void judge_alter_table(Statement&, Node);
void judge_alter_column_type(Statement&, const std::string& table, Node command);
void judge_add_column(Statement&, const std::string& table, Node command);
void judge_column_change(Statement&, const std::string& table, Node command);
void judge_add_constraint(Statement&, const std::string& table, Node constraint);
void judge_validate_constraint(Statement&, const std::string& table, const std::string& name);
void judge_drop_constraint(Statement&, const std::string& table, const std::string& name);
void judge_partition_command(Statement&, const std::string& table, Node command);
void judge_new_partition(
    Statement&, const std::string& parent, const std::string& partition, Node bound
);
void judge_create_table(Statement&, Node);
void judge_create_table_as(Statement&, Node);
void judge_create_view(Statement&, Node);
void judge_create_index(Statement&, Node);
void judge_reindex(Statement&, Node);
void judge_cluster(Statement&, Node);
void judge_vacuum(Statement&, Node);
void judge_refresh(Statement&, Node);
void judge_drop(Statement&, Node);
void judge_rename(Statement&, Node);
void judge_set_schema(Statement&, Node);
void judge_truncate(Statement&, Node);
void judge_lock_table(Statement&, Node);
void judge_update(Statement&, Node);
void judge_delete(Statement&, Node);
void judge_insert(Statement&, Node);
void judge_merge(Statement&, Node);
void judge_select(Statement&, Node);
void judge_set(Statement&, Node);
void judge_discard(Statement&, Node);
void judge_transaction(Statement&, Node);
void judge_enum(Statement&, Node);
void judge_domain(Statement&, Node);
void judge_create_domain(Statement&, Node);
void judge_create_function(Statement&, Node);
void judge_create_trigger(Statement&, Node);
void judge_create_rule(Statement&, Node);
void judge_do(Statement&, Node);

// Shared by the families.
/// Adds the column's and table's constraints of CREATE TABLE and ADD COLUMN to the catalog.
[[nodiscard]] Constraint read_constraint(
    Node constraint, const std::string& table, const std::string& column
);
[[nodiscard]] Column read_column(Node definition);
void add_index_of(Catalog& catalog, const std::string& table, const Constraint& constraint);
/// The hazards of a foreign key between two tables, added to one that may have rows.
void judge_foreign_key(Statement&, const std::string& table, const Constraint& key, bool validated);
/// set_config() below node.
void judge_set_config(Statement&, Node);
/// DROP SCHEMA, EXTENSION … CASCADE and the like are named by what they are.
[[nodiscard]] std::string object_word(std::string_view object_type);

}  // namespace tapline::lint
