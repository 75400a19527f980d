// The one table of what the pours of each journal revision look like, and what they mean to
// settling: old shapes are translated here and nowhere else. Pure.
//
// A new journal revision gets a row in tapline.journal_revision (a revision of ours) and an entry
// here. What an entry doesn't name is not read: it counts in the row's hash and takes no part in
// settling.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/pour.hpp"

namespace tapline::settle {

struct ShapeColumn {
    std::string_view name;     ///< as the journal calls it
    std::string_view meaning;  ///< the column of RawPour that settling reads it as
    std::string_view unit;     ///< for people: what the number or text is
    /// An integer of the journal times this is an integer of the meaning; 1: as it is.
    std::int64_t factor = 1;
    /// What a NULL of the journal means, where that isn't "not known".
    std::string_view absent = "not known";
};

struct JournalShape {
    std::string_view revision;
    std::span<const ShapeColumn> columns;  ///< by name
};

/// In the order of the lineage.
[[nodiscard]] std::span<const JournalShape> journal_shapes() noexcept;

/// nullptr: central doesn't know that revision.
[[nodiscard]] const JournalShape* find_shape(std::string_view revision) noexcept;

/// The row as settling reads it, columns in name order; the row itself where nothing is to be
/// changed, else `scratch` filled. A revision that isn't known is read by the newest shape: such
/// rows are kept in quarantine and only looked at. An integer that the factor would take out of 64
/// bits stays as it is, and the validator refuses it.
[[nodiscard]] const RawPour& translated(
    std::string_view revision, const RawPour& row, RawPour& scratch
);

/// The same by a shape in hand.
[[nodiscard]] const RawPour& translated(
    const JournalShape& shape, const RawPour& row, RawPour& scratch
);

}  // namespace tapline::settle
