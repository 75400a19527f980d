// Settles a file of pours as if its device had sent them (docs/diagnostics.md, Import).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "central/offline/export_reader.hpp"
#include "central/pg/session.hpp"

namespace tapline::offline {

struct ImportOptions {
    std::string database_url;
    std::string controller;  ///< whose journal it is; empty: central knows it
    std::string who;         ///< the operator, for the log
    bool price_from_journal = false;
    bool dry_run = false;
};

struct ImportResult {
    Verified file;
    std::string controller;
    bool new_journal = false;
    Seq cursor = 0;                                   ///< of the journal at central, before
    std::int64_t known_rows = 0;                      ///< central had them
    std::int64_t fresh_rows = 0;                      ///< settled now, or would be (dry_run)
    Seq acked_through = 0;                            ///< afterwards
    std::map<std::string, std::int64_t> quarantined;  ///< by code, of the fresh ones
};

/// By the cursor, batch by batch, through settle::Settler: one that was killed or lost its database
/// is run again and goes on, and the device's own sending goes on behind it. The file is verified
/// whole before the first pour is settled. Throws as verify_export does; Error{usage,
/// "unknown_controller"}; Error{refused, "unknown_journal" | "not_yours" | "unknown_epoch" |
/// "epoch_closed" | "two_alive" | "hold"}; Error{data, "gap" | "fork" | the code of a refusal of
/// settling}; Error{unreachable}.
[[nodiscard]] ImportResult import_pours(
    const std::filesystem::path& file, const ImportOptions& options
);

}  // namespace tapline::offline
