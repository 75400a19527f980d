#include "common/pour.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/salvage_note.hpp"

namespace tapline {

namespace {

constexpr std::int64_t max_duration_ms = 24LL * 60 * 60 * 1000;
constexpr std::size_t max_data_bytes = 64 * 1024;
/// As much of a note as an operator reads in a list; the row has all of it.
constexpr std::size_t max_note_bytes = 400;

using Verdict = std::optional<Rejection>;

Rejection reject(std::string code, std::string detail) {
    return Rejection{std::move(code), std::move(detail)};
}

std::string_view kind_of(const Value& value) noexcept {
    static constexpr std::array<std::string_view, 5> names{
        "NULL", "an integer", "a real", "text", "a blob"};
    return names[value.index()];
}

/// Text that PostgreSQL can hold: valid UTF-8 without NUL.
Verdict take_text(
    const Value& value, std::string_view column, std::string_view stem, std::string& out
) {
    const auto* text = std::get_if<Text>(&value);
    if (text == nullptr) {
        return reject(
            fmt::format("{}_not_text", stem), fmt::format("{} is {}", column, kind_of(value))
        );
    }
    if (text->bytes.find('\0') != std::string::npos) {
        return reject("nul_byte", fmt::format("{} holds a NUL byte", column));
    }
    if (!is_valid_utf8(text->bytes)) {
        return reject("invalid_utf8", fmt::format("{} isn't UTF-8", column));
    }
    out = text->bytes;
    return std::nullopt;
}

std::size_t count_chars(std::string_view utf8) noexcept {
    return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    }));
}

Verdict take_optional_text(
    const RawPour& pour, std::string_view column, std::optional<std::string>& out
) {
    const auto* value = pour.find(column);
    if (value == nullptr) {
        return std::nullopt;
    }
    std::string text;
    if (auto verdict = take_text(*value, column, column, text)) {
        return verdict;
    }
    out = std::move(text);
    return std::nullopt;
}

Verdict take_client_tx_id(const RawPour& pour, CleanPour& clean) {
    const auto* value = pour.find("client_tx_id");
    if (value == nullptr) {
        return reject("id_missing", "client_tx_id is NULL");
    }
    if (auto verdict = take_text(*value, "client_tx_id", "id", clean.client_tx_id)) {
        return verdict;
    }
    if (clean.client_tx_id.empty()) {
        return reject("id_empty", "client_tx_id is an empty text");
    }
    const auto chars = count_chars(clean.client_tx_id);
    if (chars > max_client_tx_id_chars) {
        return reject(
            "id_too_long",
            fmt::format(
                "client_tx_id has {} characters, at most {} fit", chars, max_client_tx_id_chars
            )
        );
    }
    return std::nullopt;
}

Verdict take_card_uid(const RawPour& pour, CleanPour& clean) {
    const auto* value = pour.find("card_uid");
    if (value == nullptr) {
        return reject("card_missing", "card_uid is NULL");
    }
    if (auto verdict = take_text(*value, "card_uid", "card", clean.card_uid)) {
        return verdict;
    }
    const auto chars = count_chars(clean.card_uid);
    if (chars > max_card_uid_chars) {
        return reject(
            "card_too_long",
            fmt::format("card_uid has {} characters, at most {} fit", chars, max_card_uid_chars)
        );
    }
    return std::nullopt;
}

Verdict take_tap_id(const RawPour& pour, CleanPour& clean) {
    const auto* value = pour.find("tap_id");
    if (value == nullptr) {
        return reject("tap_missing", "tap_id is NULL");
    }
    const auto* number = std::get_if<std::int64_t>(value);
    if (number == nullptr) {
        return reject("tap_not_integer", fmt::format("tap_id is {}", kind_of(*value)));
    }
    // taps.tap_id is PostgreSQL's integer, 4 bytes.
    if (*number < 1 || *number > INT32_MAX) {
        return reject("tap_out_of_range", fmt::format("tap_id is {}", *number));
    }
    clean.tap_id = *number;
    return std::nullopt;
}

Verdict take_volumes(const RawPour& pour, CleanPour& clean) {
    const auto* value = pour.find("volume_ml");
    if (value == nullptr) {
        return reject("volume_missing", "volume_ml is NULL");
    }
    const auto* volume_ml = std::get_if<std::int64_t>(value);
    if (volume_ml == nullptr) {
        return reject("volume_not_integer", fmt::format("volume_ml is {}", kind_of(*value)));
    }
    if (*volume_ml < 0) {
        return reject("volume_negative", fmt::format("volume_ml is {}", *volume_ml));
    }
    if (*volume_ml > max_volume_ml) {
        return reject(
            "volume_too_large",
            fmt::format("volume_ml is {}, more than {}", *volume_ml, max_volume_ml)
        );
    }
    clean.volume_ml = *volume_ml;
    const auto* tail = pour.find("tail_volume_ml");
    if (tail == nullptr) {
        return std::nullopt;
    }
    const auto* tail_ml = std::get_if<std::int64_t>(tail);
    if (tail_ml == nullptr) {
        return reject("tail_not_integer", fmt::format("tail_volume_ml is {}", kind_of(*tail)));
    }
    if (*tail_ml < 0 || *tail_ml > *volume_ml) {
        return reject(
            "tail_out_of_range",
            fmt::format("tail_volume_ml is {} of volume_ml {}", *tail_ml, *volume_ml)
        );
    }
    clean.tail_volume_ml = *tail_ml;
    return std::nullopt;
}

Verdict take_price(const RawPour& pour, CleanPour& clean) {
    const auto* value = pour.find("price_cents");
    if (value == nullptr) {
        return std::nullopt;
    }
    const auto* cents = std::get_if<std::int64_t>(value);
    if (cents == nullptr) {
        return reject("price_not_integer", fmt::format("price_cents is {}", kind_of(*value)));
    }
    if (*cents < 0) {
        return reject("price_negative", fmt::format("price_cents is {}", *cents));
    }
    if (*cents > max_price_cents) {
        return reject(
            "price_too_large",
            fmt::format("price_cents is {}, more than {}", *cents, max_price_cents)
        );
    }
    clean.price_cents = *cents;
    return std::nullopt;
}

Verdict take_timestamp(
    const RawPour& pour, std::string_view column, std::optional<std::int64_t>& out
) {
    const auto* value = pour.find(column);
    if (value == nullptr) {
        return std::nullopt;
    }
    const auto* text = std::get_if<Text>(value);
    const auto parsed = text == nullptr ? std::nullopt : parse_timestamp_us(text->bytes);
    if (!parsed) {
        return reject(
            "timestamp_invalid", fmt::format("{} isn't an ISO 8601 time with an offset", column)
        );
    }
    out = parsed;
    return std::nullopt;
}

Verdict take_times(const RawPour& pour, CleanPour& clean) {
    if (auto verdict = take_timestamp(pour, "start_ts", clean.start_us)) {
        return verdict;
    }
    if (auto verdict = take_timestamp(pour, "end_ts", clean.end_us)) {
        return verdict;
    }
    if (auto verdict = take_timestamp(pour, "recorded_at", clean.recorded_us)) {
        return verdict;
    }
    const auto* value = pour.find("duration_ms");
    if (value == nullptr) {
        return std::nullopt;
    }
    const auto* duration_ms = std::get_if<std::int64_t>(value);
    if (duration_ms == nullptr || *duration_ms < 0 || *duration_ms > max_duration_ms) {
        return reject(
            "duration_invalid", "duration_ms isn't a whole number of milliseconds within a day"
        );
    }
    clean.duration_ms = *duration_ms;
    return std::nullopt;
}

/// gen3 kept a whole pour as JSON text in `data`; its fields stand where the columns are NULL.
std::variant<RawPour, Rejection> unfold_data(const RawPour& pour, const Value& data) {
    const auto* text = std::get_if<Text>(&data);
    if (text == nullptr || text->bytes.size() > max_data_bytes) {
        return reject(
            "data_invalid", fmt::format("data is {}, or larger than 64 KiB", kind_of(data))
        );
    }
    const auto json = nlohmann::json::parse(text->bytes, nullptr, false);
    if (!json.is_object()) {
        return reject("data_invalid", "data isn't the JSON object of a pour");
    }
    static constexpr std::array<std::string_view, 7> fields{
        "card_uid", "client_tx_id", "end_ts", "price_cents", "start_ts", "tap_id", "volume_ml"};
    RawPour unfolded = pour;
    for (const auto field : fields) {
        const auto member = json.find(std::string(field));
        if (member == json.end() || member->is_null() || pour.find(field) != nullptr) {
            continue;
        }
        Value value;
        if (member->is_number_unsigned() && member->get<std::uint64_t>() > INT64_MAX) {
            value = static_cast<double>(member->get<std::uint64_t>());
        } else if (member->is_number_integer()) {
            value = member->get<std::int64_t>();
        } else if (member->is_number_float()) {
            value = member->get<double>();
        } else if (member->is_string()) {
            value = Text{member->get<std::string>()};
        } else {
            return reject(
                "data_invalid", fmt::format("{} in data is neither text nor a number", field)
            );
        }
        unfolded.columns.push_back(Column{std::string(field), std::move(value)});
    }
    return unfolded;
}

Verdict take_all(const RawPour& pour, CleanPour& clean) {
    using Taker = Verdict (*)(const RawPour&, CleanPour&);
    static constexpr std::array<Taker, 6> takers{
        take_client_tx_id, take_card_uid, take_tap_id, take_volumes, take_price, take_times};
    for (const auto taker : takers) {
        if (auto verdict = taker(pour, clean)) {
            return verdict;
        }
    }
    if (auto verdict = take_optional_text(pour, "short_id", clean.short_id)) {
        return verdict;
    }
    return take_optional_text(pour, "legacy_status", clean.legacy_status);
}

}  // namespace

const Value* RawPour::find(std::string_view name) const noexcept {
    for (const auto& column : columns) {
        if (column.name == name) {
            return std::holds_alternative<std::monostate>(column.value) ? nullptr : &column.value;
        }
    }
    return nullptr;
}

std::variant<CleanPour, Rejection> check_pour(const RawPour& pour) {
    if (const auto* note = pour.find(salvage_column); note != nullptr) {
        const auto* text = std::get_if<Text>(note);
        return reject(
            std::string(salvaged_code),
            text == nullptr ? std::string() : text->bytes.substr(0, max_note_bytes)
        );
    }
    CleanPour clean;
    clean.seq = pour.seq;
    Verdict verdict;
    if (const auto* data = pour.find("data"); data != nullptr) {
        auto unfolded = unfold_data(pour, *data);
        if (auto* rejection = std::get_if<Rejection>(&unfolded)) {
            return std::move(*rejection);
        }
        verdict = take_all(std::get<RawPour>(unfolded), clean);
    } else {
        verdict = take_all(pour, clean);
    }
    if (verdict) {
        return std::move(*verdict);
    }
    return clean;
}

}  // namespace tapline
