// The snapshots compiled into tapline-central (migrations/postgres/*/snapshots).
#pragma once

#include "central/revision/lineage_set.hpp"
#include "common/revision/embedded.hpp"

namespace tapline::catalog {

[[nodiscard]] std::span<const revision::EmbeddedFile> embedded_app_snapshots();
[[nodiscard]] std::span<const revision::EmbeddedFile> embedded_tapline_snapshots();

[[nodiscard]] inline std::span<const revision::EmbeddedFile> embedded_snapshots(
    revision::LineageName lineage
) {
    return lineage == revision::LineageName::app ? embedded_app_snapshots()
                                                 : embedded_tapline_snapshots();
}

}  // namespace tapline::catalog
