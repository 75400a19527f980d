// Rows of the catalog's statements (queries.hpp) become objects. Private to central/catalog.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "central/catalog/catalog.hpp"
#include "central/catalog/privileges.hpp"
#include "central/pg/session.hpp"

namespace tapline::catalog {

struct Relation {
    std::string word;    ///< "table"
    std::string name;    ///< "tapline.receipt"
    std::string schema;  ///< "tapline"

    [[nodiscard]] std::string object() const { return word + " " + name; }
};

class Reader {
  public:
    explicit Reader(Catalog& catalog, GrantedRoles granted = {})
        : catalog_(catalog), granted_(std::move(granted)) {}

    /// Rows of relations_sql.
    void learn_relations(const pg::Result& rows);
    /// Rows of any other statement.
    void add(const pg::Result& rows);

  private:
    /// Where a row's columns are; -1: the statement hasn't got it.
    struct Columns {
        explicit Columns(const pg::Result& rows);
        int word = -1, schema = -1, name = -1, args = -1, rel = -1, sub = -1, of = -1,
            of_column = -1, follows = -1, follows_name = -1, prefix = -1, role = -1, acl = -1,
            standard = -1, home = -1, roles = -1, identity = -1, owner = -1;
        std::map<int, std::string> attributes;
    };

    void add_row(const Columns& columns, const pg::Row& row);
    /// nullptr: not one of ours (a system relation, an extension's).
    [[nodiscard]] const Relation* relation(int column, const pg::Row& row) const;
    [[nodiscard]] std::string key_of(
        const Columns& columns, const pg::Row& row, const std::string& owner
    ) const;
    [[nodiscard]] const std::string& owner_of(const std::string& home) const;
    void link(const Columns& columns, const pg::Row& row, Object& object) const;
    void add_roles(
        const Columns& columns, const pg::Row& row, const std::string& owner, Attributes& into
    ) const;

    Catalog& catalog_;
    GrantedRoles granted_;
    std::unordered_map<std::int64_t, Relation> relations_;
};

}  // namespace tapline::catalog
