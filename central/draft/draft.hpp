// A draft of revisions from the difference between two catalogs. Pure.
//
// What only adds is written out, in the order in which things depend on each other and in the form
// that lint lets pass, each with its way back. Everything else is a proposal: SQL in comments, and
// what its author has to decide. Nothing that the catalogs differ in is left out.
//
// One revision file holds one transaction, or statements that commit alone; so a draft may be a
// chain of up to five files:
//
//   values      transaction=off   values of enumerations: later files use them. No way back
//   main                          everything that one transaction may do
//   indexes     transaction=off   indexes of tables that exist, concurrently
//   keys                          constraints on those indexes, and foreign keys to them
//   validation  transaction=off   VALIDATE CONSTRAINT of what main and keys added NOT VALID
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "central/catalog/compare.hpp"
#include "central/lint/catalog.hpp"

namespace tapline::draft {

enum class Stage { values, main, indexes, keys, validation };

[[nodiscard]] std::string_view to_string(Stage stage) noexcept;

/// What is written first among what is ready.
enum class Rank {
    schema,
    extension,
    type,
    sequence,
    function,
    table,
    column,
    operators,
    index,
    attach,
    key,
    reference,
    ownership,
    view,
    part,
    global,
    property,
    proposal
};

/// One object's step.
struct Item {
    std::string object;  ///< as in the finding
    Stage stage = Stage::main;
    Rank rank = Rank::property;
    std::string up{};  ///< statements, each with its semicolon
    std::string down{};
    /// Instead of running: what the author has to decide. Empty: it is written out.
    std::string decide{};
    /// Columns come in the order of the table.
    int position = 0;
    /// Goes with this object when that is dropped, so that it may need no step of its own.
    std::string container{};
    /// Schema and name of what it makes, for those that mention it.
    std::set<std::pair<std::string, std::string>> provides{};
    /// The column that it makes; its table is in `table`.
    std::string column{};
    std::pair<std::string, std::string> table{};

    [[nodiscard]] bool proposed() const noexcept { return !decide.empty(); }
};

/// By object word of a column: its place in its table.
using Positions = std::map<std::string, int>;

struct Sides {
    catalog::Catalog head;    ///< as the revisions make it
    catalog::Catalog wanted;  ///< as it is meant to be
    Positions positions;      ///< of wanted; a column that isn't there comes by name
    lint::Catalog known;      ///< of head, settled: which form of a statement is harmless there
};

/// Leaves out the version tables and the runner's own bookkeeping.
void drop_own_objects(catalog::Objects& objects);

/// In the order in which they are to run; none when the two are equal.
[[nodiscard]] std::vector<Item> draft(const Sides& sides);

/// Sorts by stage, by what mentions what, and by rank. What depends on a proposal becomes one.
void put_in_order(std::vector<Item>& items);

}  // namespace tapline::draft
