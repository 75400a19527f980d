// The SQL that reads a catalog: one statement per kind of object, each for the whole database.
//
// Columns whose names start with _ say what object a row is about (read.cpp); every other column is
// an attribute under its own name, NULL for "at its default". Texts are qualified, because the
// reader's search_path is empty. `space` and `member` are defined in front of each statement: the
// schemas of users, and what belongs to an extension.
//
//   _word _schema _name _args   an object of its own: "function tapline.f(integer)"
//   _identity                   the whole name, for what has no schema and name of its own
//   _rel                        OID of a relation. Alone: more attributes of that relation
//   _sub _name                  with _rel: a "column" or "constraint" of it; a "trigger", "rule" or
//                               "policy" on it
//   _of _of_column              OID of the relation (and its column) that this is a part of
//   _follows _follows_name      the parent relation that it was inherited from, and the name there
//   _prefix _value              _prefix goes before the attributes' names; _value is the attribute
//                               that is called by the prefix alone
//   _role                       goes into the object's name as "<_word> <role> <_name>"
//   _acl _standard              what becomes the attribute "privileges" (privileges.hpp)
//   _home                       schema that decides on the lineage, when it isn't _schema's
//   _roles                      role names, one a line: becomes the attribute "roles"
// Of the attributes only "owner" names a role, and is made relative by the reader.
#pragma once

#include <span>
#include <string_view>

namespace tapline::catalog {

/// Goes in front of each statement of the spans below.
extern const std::string_view common_tables_sql;

/// _rel, _word, _schema, _name of everything in pg_class that has a name for people.
extern const std::string_view relations_sql;
/// ours (made by the lineage `tapline`?), role, number of objects; the most first.
extern const std::string_view owners_sql;

[[nodiscard]] std::span<const std::string_view> relation_queries();
[[nodiscard]] std::span<const std::string_view> table_part_queries();
/// CHECKs and indexes, for which PostgreSQL opens their tables: half of the server's work.
[[nodiscard]] std::span<const std::string_view> printed_queries();
[[nodiscard]] std::span<const std::string_view> type_queries();
[[nodiscard]] std::span<const std::string_view> routine_queries();
[[nodiscard]] std::span<const std::string_view> other_queries();

}  // namespace tapline::catalog
