// What a migration in steps keeps in the file between its transactions: a note of how far it is,
// shadow tables, and triggers on `pours` that record which rows changed after they were copied.
// Left behind by a kill they harm nobody: the triggers write to a table of their own that goes with
// them, and the next migration goes on or takes everything away.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/journal/checkpoint.hpp"
#include "agent/journal/database.hpp"
#include "agent/journal/schema.hpp"

namespace tapline::journal {

/// Tables whose rows a migration may move, with their shadows and what the old ones are called once
/// the shadows have taken their place.
struct RowTable {
    std::string_view name;
    std::string_view shadow;
    std::string_view gone;
};

inline constexpr RowTable pours_table{"pours", "tapline_step_pours", "tapline_step_gone"};
inline constexpr RowTable left_table{"tapline_left", "tapline_step_left", "tapline_step_gone_left"};

/// Where copying begins: rowids may be negative, though not in a file that goes in steps.
inline constexpr std::int64_t before_all_rows = std::numeric_limits<std::int64_t>::min();

struct StepState {
    std::string job;           ///< what is being done, by digest: a run goes on with its own only
    std::int64_t schema = 0;   ///< schema_cookie then: any DDL since, and rows may have gone unseen
    std::int64_t through = 0;  ///< rowids up to this one are in the shadow
    bool swapped = false;      ///< done; the old tables remain to be emptied
};

/// nullopt: no migration in steps is under way, or was cut.
[[nodiscard]] std::optional<StepState> step_state(Database& database);

/// Also true for what an agent that knows of no steps left of them.
[[nodiscard]] bool has_step_leftovers(Database& database);

[[nodiscard]] bool has_table(Database& database, std::string_view name);

/// Another number after every change of the schema, by whomever, and after VACUUM.
[[nodiscard]] std::int64_t schema_cookie(Database& database);

/// In the caller's transaction, both.
void begin_steps(
    Database& database, const std::string& job, const std::vector<std::string>& shadows
);
void drop_capture(Database& database);

/// The shadow can't be relied upon: throws storage_busy with this code, and all begins anew.
inline constexpr std::string_view rows_moved_code = "rows_moved";
[[noreturn]] void rows_moved(const Database& database, std::string_view why);

/// One pace for all transactions of a run: measures each under the write lock, waits after it, and
/// fits the size of the next to what it took. Copies the WAL back before it grows long.
class Pace {
  public:
    Pace(Database& database, const StepLimits& limits);

    /// slice(rows) works in a transaction of its own; false when nothing is left.
    void run(const std::function<bool(std::int64_t rows)>& slice);

    [[nodiscard]] std::int64_t steps() const noexcept { return steps_; }

    [[nodiscard]] std::chrono::milliseconds longest_checkpoint() const noexcept {
        return longest_checkpoint_;
    }

  private:
    /// How long it kept writers out.
    std::chrono::milliseconds checkpoint_if_long();

    Database& database_;
    StepLimits limits_;
    Checkpointer checkpointer_;
    std::int64_t rows_;
    std::int64_t steps_ = 0;
    std::chrono::milliseconds longest_checkpoint_{0};
};

/// Takes away whatever is left of a migration in steps, in short transactions too. Nothing happens
/// when nothing is. Returns how long the longest checkpoint kept writers out.
std::chrono::milliseconds discard_steps(Database& database, const StepLimits& limits);

}  // namespace tapline::journal
