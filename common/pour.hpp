// A pour as the journal holds it, and the one validator that decides whether it can be settled.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tapline {

/// Row id of a pour in its journal. SQLite has one writer, so ascending seq is commit order.
using Seq = std::int64_t;

/// Text as SQLite holds it: any bytes, not necessarily UTF-8.
struct Text {
    std::string bytes;
    bool operator==(const Text&) const = default;
};

struct Blob {
    std::string bytes;
    bool operator==(const Blob&) const = default;
};

/// One cell in SQLite's own storage class (https://sqlite.org/datatype3.html). monostate is NULL.
using Value = std::variant<std::monostate, std::int64_t, double, Text, Blob>;

struct Column {
    std::string name;
    Value value;
    bool operator==(const Column&) const = default;
};

/// What is sent and hashed: every column of the pour but `status` and `attempts`, which belong to
/// the writer's own bookkeeping. NULL columns are left out. Columns are in ascending name order.
struct RawPour {
    Seq seq = 0;
    std::vector<Column> columns;

    /// The column's value, or nullptr when it is NULL or unknown.
    [[nodiscard]] const Value* find(std::string_view name) const noexcept;
    bool operator==(const RawPour&) const = default;
};

/// Limits of a pour that is charged without an operator looking at it.
inline constexpr std::int64_t max_volume_ml = 10'000;
inline constexpr std::int64_t max_price_cents = 1'000'000;
inline constexpr std::size_t max_client_tx_id_chars = 100;  // pours.client_tx_id varchar(100)
inline constexpr std::size_t max_card_uid_chars = 50;       // pours.card_uid varchar(50)

/// A pour whose every value is of the right type and within bounds. Nothing here says whether card,
/// tap or keg exist: only PostgreSQL knows.
struct CleanPour {
    Seq seq = 0;
    std::string client_tx_id;
    std::string card_uid;
    std::int64_t tap_id = 0;
    std::int64_t volume_ml = 0;
    std::int64_t tail_volume_ml = 0;
    std::optional<std::int64_t> price_cents;
    std::optional<std::int64_t> duration_ms;
    std::optional<std::int64_t> start_us;     ///< start_ts, microseconds since 1970 UTC
    std::optional<std::int64_t> end_us;       ///< end_ts
    std::optional<std::int64_t> recorded_us;  ///< recorded_at
    std::optional<std::string> short_id;
    std::optional<std::string> legacy_status;  ///< present for rows that were there at adoption
};

/// Why a pour can't be settled as it is. code is stable: operators and dashboards filter by it.
struct Rejection {
    std::string code;
    std::string detail;
};

/// Codes: id_missing, id_empty, id_too_long, id_not_text, card_missing, card_not_text,
/// card_too_long, tap_missing, tap_not_integer, tap_out_of_range, volume_missing,
/// volume_not_integer, volume_negative, volume_too_large, tail_not_integer, tail_out_of_range,
/// price_not_integer, price_negative, price_too_large, timestamp_invalid, duration_invalid,
/// invalid_utf8, nul_byte, salvaged, data_invalid (a gen3 `data` that isn't the JSON of a pour).
/// A row whose `data` column is set (gen3) is read from that JSON text.
[[nodiscard]] std::variant<CleanPour, Rejection> check_pour(const RawPour& pour);

/// ISO 8601 with a date, a time, and an offset or Z ("2026-02-12T18:03:11.123456+00:00"); a
/// fraction of 0–9 digits is cut to microseconds. Year 1–9999. nullopt when it is anything else.
[[nodiscard]] std::optional<std::int64_t> parse_timestamp_us(std::string_view text) noexcept;

[[nodiscard]] bool is_valid_utf8(std::string_view bytes) noexcept;

}  // namespace tapline
