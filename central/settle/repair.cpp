#include "central/settle/repair.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "common/salvage_note.hpp"

namespace tapline::settle {

namespace {

void put(RawPour& row, std::string_view name, Value value) {
    std::erase_if(row.columns, [&](const Column& column) { return column.name == name; });
    const auto place =
        std::find_if(row.columns.begin(), row.columns.end(), [&](const Column& column) {
            return column.name > name;
        });
    row.columns.insert(place, Column{std::string(name), std::move(value)});
}

/// The same row gets the same id, so that it can't be charged twice.
std::string made_id(const RowHash& hash) {
    return "tapline-" + to_hex(hash);
}

bool storable(const Value& value) {
    const auto* text = std::get_if<Text>(&value);
    return text == nullptr ||
           (is_valid_utf8(text->bytes) && text->bytes.find('\0') == std::string::npos);
}

/// Drops the one of `names` that the validator stumbles over; true when something was dropped.
template <std::size_t count, typename Bad>
bool drop(RawPour& row, const std::array<std::string_view, count>& names, Bad bad) {
    const auto before = row.columns.size();
    std::erase_if(row.columns, [&](const Column& column) {
        return std::find(names.begin(), names.end(), column.name) != names.end() &&
               bad(column.value);
    });
    return row.columns.size() != before;
}

bool is_no_time(const Value& value) {
    const auto* text = std::get_if<Text>(&value);
    return text == nullptr || !parse_timestamp_us(text->bytes);
}

/// True when the row was changed and is worth another look.
bool mend(RawPour& row, const std::string& code, const RowHash& hash) {
    static constexpr std::array<std::string_view, 3> times{"start_ts", "end_ts", "recorded_at"};
    static constexpr std::array<std::string_view, 1> durations{"duration_ms"};
    static constexpr std::array<std::string_view, 1> prices{"price_cents"};
    static constexpr std::array<std::string_view, 1> tails{"tail_volume_ml"};
    static constexpr std::array<std::string_view, 1> notes{"short_id"};
    static constexpr std::array<std::string_view, 1> ids{"client_tx_id"};
    static constexpr std::array<std::string_view, 1> salvage_notes{salvage_column};
    const auto always = [](const Value&) { return true; };
    const auto unstorable = [](const Value& value) { return !storable(value); };
    const auto no_text = [](const Value& value) { return !std::holds_alternative<Text>(value); };
    if (code == salvaged_code) {
        return drop(row, salvage_notes, always);
    }
    if (code == "timestamp_invalid") {
        return drop(row, times, is_no_time);
    }
    if (code == "duration_invalid") {
        return drop(row, durations, always);
    }
    if (code.starts_with("price_")) {
        return drop(row, prices, always);
    }
    if (code.starts_with("tail_")) {
        return drop(row, tails, always);
    }
    if (code == "short_id_not_text") {
        return drop(row, notes, no_text);
    }
    const bool unreadable = code == "invalid_utf8" || code == "nul_byte";
    if (unreadable && drop(row, notes, unstorable)) {
        return true;
    }
    if (code.starts_with("id_") || (unreadable && drop(row, ids, unstorable))) {
        put(row, "client_tx_id", Text{made_id(hash)});
        return true;
    }
    return false;
}

}  // namespace

std::variant<CleanPour, Rejection> repair(
    RawPour row, const RowHash& hash, const Override& instead
) {
    if (!instead.card_uid.empty()) {
        put(row, "card_uid", Text{instead.card_uid});
    }
    if (instead.tap_id) {
        put(row, "tap_id", *instead.tap_id);
    }
    if (instead.new_id) {
        put(row, "client_tx_id", Text{made_id(hash)});
    }
    auto checked = check_pour(row);
    // Each mend takes a column away or sets the id, so there is an end.
    for (int mends = 0; mends < 16; ++mends) {
        const auto* rejection = std::get_if<Rejection>(&checked);
        if (rejection == nullptr || !mend(row, rejection->code, hash)) {
            break;
        }
        checked = check_pour(row);
    }
    return checked;
}

}  // namespace tapline::settle
