// A pour that a salvage found under two ids (docs/salvage.md): one of them may be settled already.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "central/pg/session.hpp"
#include "common/pour.hpp"

namespace tapline::settle {

/// The id that the journal's index had for the row, by the salvage's note; nullopt: the row has no
/// such note. Pure.
[[nodiscard]] std::optional<std::string> id_in_index(const RawPour& row);

/// Throws refused/"settled_already" when a pour with that id is settled: one bit of the row's own
/// id was wrong, and whoever settles the row charges its guest twice.
void refuse_settled_twin(pg::Session& session, std::int64_t quarantine_id, const RawPour& row);

}  // namespace tapline::settle
