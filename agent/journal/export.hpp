// Pours of a journal into a file for central (common/export_file.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "agent/journal/journal.hpp"
#include "common/export_file.hpp"

namespace tapline::journal {

/// Where the pours of an export begin: behind the acked ones.
[[nodiscard]] Seq first_to_export(const Identity& identity) noexcept;
/// With --all: the first that is surely still there.
[[nodiscard]] Seq first_kept(const Identity& identity) noexcept;

/// Everything from `first` to the newest pour of this moment, batch by batch into `write`, which
/// gets whole lines; only reads the journal, and holds one batch in memory. An end with 0 batches:
/// there is no such pour, and nothing was written. Throws Error{usage, "chain_unknown"} when the
/// chain before `first` can't be told, storage*, and what `write` throws.
[[nodiscard]] wire::ExportEnd write_export(
    JournalReader& journal, Seq first, const std::function<void(std::string_view)>& write
);

}  // namespace tapline::journal
