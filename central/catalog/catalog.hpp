// What a database's schema consists of, as plain values: names with attributes, without OIDs,
// column order, statistics or anything else that two equal schemas may differ in. Pure.
#pragma once

#include <map>
#include <string>

namespace tapline::catalog {

/// By name ("type", "not null", "definition"), in PostgreSQL's own words. What is at its default
/// isn't there.
using Attributes = std::map<std::string, std::string>;

struct Object {
    Attributes attributes;
    /// The object that this one is a part of, so that a table that is gone doesn't report each of
    /// its columns. Empty: stands alone.
    std::string of;
    /// The object of a parent table that this one was inherited from: what both say is said once.
    std::string follows;
    /// Schema that decides which lineage it belongs to. Of a trigger it is the function's, because
    /// the lineage `tapline` puts triggers on the bar's tables. Not compared.
    std::string home;
};

/// Object words are those of `check --json`: "table pours column volume_ml", "index ix_x";
/// `public.` is left out, other schemas are written, names that aren't plain are quoted.
using Objects = std::map<std::string, Object>;

/// The roles that `@owner` stands for: those that own most of what each lineage made.
struct Owners {
    std::string app;
    std::string tapline;
};

struct Catalog {
    int server_major = 0;
    Owners owners;  ///< of the database that it was read from; not compared
    Objects objects;
};

/// What each lineage's revisions make: home `tapline`, and everything else.
struct Parts {
    Catalog app;
    Catalog tapline;
};

[[nodiscard]] Parts split(Catalog whole);

}  // namespace tapline::catalog
