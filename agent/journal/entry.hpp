// Entry shapes -> gen8's table, so that j0001's own upgrade can take it from there.
#pragma once

#include "agent/journal/database.hpp"

namespace tapline::journal {

/// Rebuilds `pours` of any entry shape (known_shapes.hpp) as gen8's, rowids kept where they can
/// serve as seq, else in their order. gen3's `data` goes to tapline_left, from where j0001 takes it
/// verbatim. Part of the caller's transaction. Throws FileError{"unknown_shape"} when two rows
/// carry the same client_tx_id (gen3 has no key on it): no row may vanish.
void rebuild_entry(Database& database);

}  // namespace tapline::journal
