// Everything about a batch that needs no database, done before its transaction begins: shape, row
// chain, the validator, times. PostgreSQL never waits for this work.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "central/settle/pour_time.hpp"
#include "common/row_hash.hpp"
#include "common/wire.hpp"

namespace tapline::settle {

struct PreparedRow {
    std::variant<CleanPour, Rejection> pour;
    RowHash hash{};  ///< the chain at this row
    PourTime time;
};

struct Prepared {
    std::string controller;
    wire::Batch batch;
    std::vector<PreparedRow> rows;  ///< one per batch.rows, in their order
};

/// received_us: central's clock, microseconds since 1970 UTC. A Problem is a 400 with one of the
/// codes bad_journal_id, bad_epoch, bad_revision, empty_batch, too_many_rows, wrong_first_seq,
/// wrong_last_seq, not_ascending, absent_mismatch, columns_not_ascending, truncated_not_alone,
/// hash_mismatch.
[[nodiscard]] std::variant<Prepared, wire::Problem> prepare(
    std::string controller, wire::Batch batch, std::int64_t received_us
);

/// 8-4-4-4-12 lower-case hex digits.
[[nodiscard]] bool is_uuid(std::string_view text) noexcept;

/// The client_tx_id of a row as PostgreSQL can hold it; empty when it can't.
[[nodiscard]] std::string storable_id(const RawPour& row);

}  // namespace tapline::settle
