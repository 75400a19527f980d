// Reads the catalog of a live database: about thirty statements for the whole of it, none per
// table, in one read-only snapshot.
#pragma once

#include <optional>

#include "central/catalog/catalog.hpp"
#include "central/pg/session.hpp"

namespace tapline::catalog {

/// The oldest server whose catalogs the statements fit.
inline constexpr int oldest_major = 15;

/// Schemas of PostgreSQL's own, temporary ones and members of extensions are left out. Needs no
/// more rights than connecting; waits at most 2 s for a lock that a running DDL holds.
///
/// same_owners_as: takes the roles that `@owner` stood for in another catalog when they own
/// anything here, so that two databases of one server are compared by the same roles.
///
/// Two connections share the work and one snapshot: most of the time goes into PostgreSQL's
/// printing of definitions. Without a second one the first does it all.
///
/// Throws as pg::Session; Error{refused, "server_too_old"}.
[[nodiscard]] Catalog read_catalog(
    const pg::ConnectOptions& connect, const std::optional<Owners>& same_owners_as = std::nullopt
);

/// The same on one connection, which must have no transaction open.
[[nodiscard]] Catalog read_catalog(
    pg::Session& session, const std::optional<Owners>& same_owners_as = std::nullopt
);

}  // namespace tapline::catalog
