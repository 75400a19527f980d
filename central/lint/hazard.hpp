// The closed vocabulary of hazards, and how grave each one is. The only place that decides it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace tapline::lint {

/// What a statement may do to a bar that is open. Words of the json contract.
enum class Hazard : std::uint8_t {
    table_rewrite,
    full_scan_under_lock,
    index_build_under_lock,
    blocks_writes,
    blocks_reads_and_writes,
    many_tables_locked,
    slow_work_under_lock,
    validate_in_same_transaction,
    fails_on_existing_rows,
    whole_table_write,
    data_loss,
    breaks_clients,
    relaxes_integrity,
    access_change,
    not_allowed_in_transaction,
    enum_value_used_too_early,
    transaction_control,
    session_setting_left,
    guard_disabled,
    may_keep_invalid_index,
    name_truncated,
    cannot_be_checked,
};

/// block: stops the bar, loses data, breaks clients or can't run. warn: the lesser.
enum class Severity : std::uint8_t { warn, block };

struct HazardPolicy {
    Hazard hazard;
    std::string_view name;
    Severity severity;          ///< unless the rule knows better for its statement
    std::string_view reason;    ///< why this severity
    std::string_view safe_way;  ///< what to write instead, unless the rule knows better
};

/// All hazards, in the order of the enumeration.
[[nodiscard]] std::span<const HazardPolicy> hazard_policies() noexcept;
[[nodiscard]] const HazardPolicy& policy(Hazard hazard) noexcept;
[[nodiscard]] std::string_view to_string(Hazard hazard) noexcept;
[[nodiscard]] std::string_view to_string(Severity severity) noexcept;
/// nullopt: not a word of the vocabulary.
[[nodiscard]] std::optional<Hazard> parse_hazard(std::string_view name) noexcept;

}  // namespace tapline::lint
