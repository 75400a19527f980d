// One change of the rich schema and the one finding that it must give.
#pragma once

#include <span>

#include "tests/pg/catalog/rich.hpp"

namespace tapline::test {

struct OneChange {
    const char* sql;
    const char* object;
    catalog::Change change = catalog::Change::changed;
    /// The attribute that a "changed" is about, the only one; nullptr: several.
    const char* attribute = nullptr;
};

/// Runs each on a copy of the rich database and CHECKs that it gives exactly this finding, and the
/// opposite one in the other direction.
void check_each(std::span<const OneChange> changes);

}  // namespace tapline::test
