// Reads a damaged journal's pages, one after the other, for everything that is a pour, an id or
// tapline's own.
#pragma once

#include <optional>

#include "agent/salvage/found.hpp"
#include "agent/salvage/layout.hpp"

namespace tapline::salvage {

/// Some 100 bytes of memory for each pour.
[[nodiscard]] Found scan(Pages& pages, const PourLayout& layout);

/// The row again, with the note of an earlier salvage as on the wire; nullopt when it can't be
/// decoded.
[[nodiscard]] std::optional<FoundPour> read_row(
    Pages& pages, const PourLayout& layout, const Found& found, const FoundRow& row
);

/// The client_tx_id of an index's entry; empty when it is no text.
[[nodiscard]] std::string read_id(Pages& pages, const FoundId& id);

/// Up to 256 bytes of a cell that can't be decoded.
[[nodiscard]] std::string raw_bytes(Pages& pages, const FoundRow& row);

}  // namespace tapline::salvage
