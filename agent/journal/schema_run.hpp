// What the ways of running a migration share: in one transaction (schema.cpp), in steps
// (stepped.cpp).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "agent/journal/schema.hpp"

namespace tapline::journal {

struct Run {
    Database& database;
    const MigrateOptions& options;
    const revision::Lineage& lineage;
};

/// What is to be done on a file, as it was recognised.
struct Work {
    std::string found;
    bool entry = false;
    revision::Direction direction = revision::Direction::upgrade;
    std::string_view label = "upgrade";  ///< of the log
    revision::Plan plan;
    /// In steps `pours` is empty while the plan runs: its highest seq, and when it all began.
    std::optional<Seq> max_seq;
    std::optional<std::chrono::steady_clock::time_point> begun;
};

void check(
    const MigrateOptions& options, const revision::Lineage& lineage, const revision::Plan& plan
);
void tell(const MigrateOptions& options, std::string_view stage);
[[noreturn]] void refuse_unknown(Database& database, const Recognised& found);

/// Both recognise the file and ask options.check.
[[nodiscard]] Work work_up(const Run& run, std::string_view target);
[[nodiscard]] Work work_down(const Run& run, std::string_view target);

/// In the caller's transaction: the steps with their log entries. Returns where the file is then.
std::string run_plan(const Run& run, const Work& work);

/// Makes the identity where a plan reaches j0001, and notes the pours that were there before.
void ensure_identity_after(const Run& run, const Work& work);
[[nodiscard]] bool reaches_journal(const revision::Plan& plan);

/// The embedded lineage and whatever newer revisions the log can take down.
[[nodiscard]] revision::Lineage lineage_with_log(Database& database);
[[nodiscard]] std::string current_for_downgrade(Database& database);

}  // namespace tapline::journal
