// What lint knows of a database: what stands before a statement, and what the statements before it
// have made. Pure; a value that can be copied. It models what the hazards depend on and no more.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "central/lint/node.hpp"
#include "central/lint/type.hpp"

namespace tapline::lint {

struct Column {
    std::string name;
    Type type;
    bool not_null = false;
    bool has_default = false;  ///< also identity, serial and generated ones
    bool fresh = false;        ///< added by the file at hand
    bool blank = false;        ///< fresh, and NULL in every row so far
};

enum class ConstraintKind { check, primary_key, unique, foreign_key, exclusion };

struct Constraint {
    std::string name;
    ConstraintKind kind = ConstraintKind::check;
    std::vector<std::string> columns;  ///< its own; a CHECK's: those it mentions
    std::string references;            ///< the table of a foreign key
    std::set<std::string> constants;   ///< literals of a CHECK, to prove a partition's bounds by
    std::set<std::string> never_null;  ///< columns that a CHECK proves not null
    bool valid = true;
    bool fresh = false;
};

enum class RelationKind { table, view, materialized_view, foreign_table, sequence };

struct Relation {
    RelationKind kind = RelationKind::table;
    std::vector<Column> columns{};
    std::vector<Constraint> constraints{};
    /// Made by the file at hand: empty, and nobody else uses it.
    bool fresh = false;
    /// False: columns or constraints may exist that aren't listed (LIKE, INHERITS, AS SELECT).
    bool complete = true;
    bool unlogged = false;
    bool large = false;  ///< made by the file at hand, and filled from a whole existing table
    std::vector<std::string> partition_key{};  ///< empty: not partitioned
    std::string parent{};                      ///< of a partition
    std::string default_partition{};           ///< of a partitioned table; empty: none

    [[nodiscard]] const Column* column(std::string_view name) const noexcept;
    [[nodiscard]] Column* column(std::string_view name) noexcept;
    [[nodiscard]] const Constraint* constraint(std::string_view name) const noexcept;
    [[nodiscard]] Constraint* constraint(std::string_view name) noexcept;
    void drop_column(std::string_view name);
    void drop_constraint(std::string_view name);
};

struct Index {
    std::string table{};
    std::vector<std::string> columns{};  ///< those it mentions
    bool unique = false;                 ///< on plain columns, without WHERE
    bool fresh = false;
};

struct Domain {
    Type base;
    bool constrained = false;  ///< NOT NULL or CHECK
    bool fresh = false;
};

/// Objects are named as people write them: "pours", "tapline.receipt"; `public.` is left out.
struct Catalog {
    std::map<std::string, Relation, std::less<>> relations;
    std::map<std::string, Index, std::less<>> indexes;
    std::map<std::string, Domain, std::less<>> domains;
    std::map<std::string, std::set<std::string>, std::less<>> enums;  ///< values, as far as known
    std::map<std::string, bool, std::less<>> immutable_functions;     ///< false: VOLATILE
    /// Everything else that the file at hand has made: "function f", "trigger t on pours" …; also
    /// "no index i" for one that it has dropped.
    std::set<std::string, std::less<>> fresh_objects;

    [[nodiscard]] const Relation* relation(std::string_view name) const noexcept;
    [[nodiscard]] Relation* relation(std::string_view name) noexcept;
    /// Not made by the file at hand; what isn't known counts as existing.
    [[nodiscard]] bool existing(std::string_view relation_name) const noexcept;
    /// Existing, or filled by the file at hand from a whole table.
    [[nodiscard]] bool holds_rows(std::string_view relation_name) const noexcept;
    /// Existing, and a column that the file at hand hasn't added.
    [[nodiscard]] bool existing_column(std::string_view relation, std::string_view column) const;
    /// nullptr: table or column isn't known.
    [[nodiscard]] const Column* column(std::string_view relation, std::string_view name) const;
    /// All of them were added by the file at hand and are NULL in every row.
    [[nodiscard]] bool all_blank(std::string_view relation, const std::vector<std::string>& columns)
        const;
    [[nodiscard]] std::vector<const Index*> indexes_of(std::string_view table) const;
    /// Tables whose foreign keys refer to it, and those that its own refer to; without itself.
    [[nodiscard]] std::set<std::string> linked_tables(std::string_view table) const;

    void drop_relation(const std::string& name);
    void rename_relation(const std::string& from, const std::string& to);
    /// A domain stands for its base type; everything else for itself.
    [[nodiscard]] Type base_type(const Type& type) const;

    /// What was made is in use from now on: the next file finds rows and clients there.
    void settle();
};

/// node: a RangeVar. "" for nothing.
[[nodiscard]] std::string relation_name(Node node);
/// {"tapline", "receipt"} -> "tapline.receipt".
[[nodiscard]] std::string dotted(const std::vector<std::string>& parts);
/// "tapline.receipt", "x" -> "tapline.x": an index or a renamed table stays in its schema.
[[nodiscard]] std::string in_schema_of(std::string_view relation, const std::string& name);

}  // namespace tapline::lint
