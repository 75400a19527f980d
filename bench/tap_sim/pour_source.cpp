#include "bench/tap_sim/pour_source.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <ctime>
#include <stdexcept>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tapline::tap_sim {
namespace {

constexpr std::array<std::string_view, 24> kinds{
    "null-id",     "empty-id",       "long-id",      "blob-id",
    "negative",    "huge-volume",    "text-volume",  "real-volume",
    "null-volume", "int64-volume",   "unknown-card", "null-card",
    "long-card",   "unknown-tap",    "null-tap",     "text-tap",
    "bad-time",    "invalid-utf8",   "nul",          "huge-price",
    "text-price",  "negative-price", "huge-tail",    "negative-duration",
};

/// Python's isoformat of an aware UTC time: no fraction when it is exactly zero.
std::string isoformat(std::int64_t utc_us) {
    const auto seconds = static_cast<std::time_t>(utc_us / 1'000'000);
    const std::int64_t fraction = utc_us % 1'000'000;
    const std::string whole = fmt::format("{:%Y-%m-%dT%H:%M:%S}", fmt::gmtime(seconds));
    return fraction == 0 ? whole + "+00:00" : fmt::format("{}.{:06}+00:00", whole, fraction);
}

std::int64_t now_us() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

std::string hex_only(const std::string& card, int (*change)(int)) {
    std::string hex;
    for (const char c : card) {
        if (c != ' ') {
            hex += static_cast<char>(change(static_cast<unsigned char>(c)));
        }
    }
    return hex;
}

nlohmann::json json_value(const Value& value) {
    if (const auto* number = std::get_if<std::int64_t>(&value)) {
        return *number;
    }
    if (const auto* real = std::get_if<double>(&value)) {
        return *real;
    }
    if (const auto* text = std::get_if<Text>(&value)) {
        return text->bytes;
    }
    return nullptr;
}

std::string gen3_data(const Pour& pour) {
    nlohmann::json data;
    for (const char* name :
         {"client_tx_id", "card_uid", "tap_id", "start_ts", "end_ts", "volume_ml", "price_cents"}) {
        data[name] = json_value(pour.columns.at(name));
    }
    return data.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void spoil_id(Pour& pour, std::string_view kind) {
    Value& id = pour.columns["client_tx_id"];
    if (kind == "null-id") {
        id = std::monostate{};
    } else if (kind == "empty-id") {
        id = Text{""};
    } else if (kind == "long-id") {
        id = Text{std::get<Text>(id).bytes + std::string(65, 'x')};
    } else if (kind == "blob-id") {
        id = Blob{std::get<Text>(id).bytes};
    }
}

void spoil_volume(Pour& pour, std::string_view kind) {
    Value& volume = pour.columns["volume_ml"];
    if (kind == "negative") {
        volume = std::int64_t{-1000};
    } else if (kind == "huge-volume") {
        volume = max_volume_ml + 1;
    } else if (kind == "text-volume") {
        volume = Text{"half a litre"};
    } else if (kind == "real-volume") {
        volume = 333.25;
    } else if (kind == "null-volume") {
        volume = std::monostate{};
    } else if (kind == "int64-volume") {
        volume = std::int64_t{INT64_MAX};
    } else if (kind == "huge-tail") {
        pour.columns["tail_volume_ml"] = std::get<std::int64_t>(volume) + 1;
    }
}

void spoil_card_or_tap(Pour& pour, std::string_view kind) {
    Value& card = pour.columns["card_uid"];
    Value& tap = pour.columns["tap_id"];
    if (kind == "unknown-card") {
        card = Text{"deadbeefdeadbeef"};
    } else if (kind == "null-card") {
        card = std::monostate{};
    } else if (kind == "long-card") {
        card = Text{std::string(max_card_uid_chars + 1, 'a')};
    } else if (kind == "invalid-utf8") {
        card = Text{
            "8c5e\xff\xfe"
            "0c"};
    } else if (kind == "nul") {
        card = Text{std::string("8c5e\0fc0c", 9)};
    } else if (kind == "unknown-tap") {
        tap = std::int64_t{987'654};
    } else if (kind == "null-tap") {
        tap = std::monostate{};
    } else if (kind == "text-tap") {
        tap = Text{"left"};
    }
}

void spoil_rest(Pour& pour, std::string_view kind) {
    Value& price = pour.columns["price_cents"];
    if (kind == "huge-price") {
        price = max_price_cents + 1;
    } else if (kind == "text-price") {
        price = Text{"free"};
    } else if (kind == "negative-price") {
        price = std::int64_t{-1};
    } else if (kind == "bad-time") {
        pour.columns["start_ts"] = Text{"yesterday evening"};
    } else if (kind == "negative-duration") {
        pour.columns["duration_ms"] = std::int64_t{-5};
    }
}

/// A column that the release's INSERT lacks but that carries the defect of this kind.
std::string_view column_besides(std::string_view kind) {
    if (kind == "bad-time") {
        return "start_ts";
    }
    if (kind == "huge-tail") {
        return "tail_volume_ml";
    }
    return kind == "negative-duration" ? "duration_ms" : std::string_view{};
}

}  // namespace

PourSource::PourSource(const Release& release, Bar bar, std::uint64_t seed)
    : release_(release), bar_(std::move(bar)), random_(seed) {
    if (bar_.cards.empty()) {
        throw std::invalid_argument("--cards names no card");
    }
}

std::int64_t PourSource::between(std::int64_t low, std::int64_t high) {
    // Not uniform_int_distribution: its results differ between standard libraries.
    return low + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(high - low + 1));
}

std::string PourSource::uuid4() {
    const std::uint64_t high = (random_() & 0xffff'ffff'ffff'0fffU) | 0x4000U;
    const std::uint64_t low = (random_() & 0x3fff'ffff'ffff'ffffU) | 0x8000'0000'0000'0000U;
    const std::string hex = fmt::format("{:016x}{:016x}", high, low);
    return fmt::format(
        "{}-{}-{}-{}-{}",
        hex.substr(0, 8),
        hex.substr(8, 4),
        hex.substr(12, 4),
        hex.substr(16, 4),
        hex.substr(20)
    );
}

std::string PourSource::spell_card(const std::string& card) {
    CardSpelling spelling = release_.spelling;
    if (spelling == CardSpelling::mixed) {
        spelling = between(0, 1) == 0 ? CardSpelling::upper_spaced : CardSpelling::lower;
    }
    if (spelling == CardSpelling::lower) {
        return hex_only(card, std::tolower);
    }
    const std::string upper = hex_only(card, std::toupper);
    if (spelling == CardSpelling::upper) {
        return upper;
    }
    std::string spaced;
    for (std::size_t i = 0; i < upper.size(); i += 2) {
        spaced += (i == 0 ? "" : " ") + upper.substr(i, 2);
    }
    return spaced;
}

void PourSource::price(Pour& pour, std::int64_t volume_ml) const {
    if (release_.pricing == Pricing::authorised_per_ml) {
        pour.columns["price_cents"] = volume_ml * bar_.price_cents_per_ml;
        pour.columns["price_per_ml_at_pour"] = static_cast<double>(bar_.price_cents_per_ml);
        return;
    }
    pour.columns["price_cents"] = volume_ml * 150 / 100;
    pour.columns["price_per_ml_at_pour"] = 1.5;
}

Pour PourSource::good() {
    Pour pour;
    const std::string id = uuid4();
    const auto card =
        static_cast<std::size_t>(between(0, static_cast<std::int64_t>(bar_.cards.size()) - 1));
    const std::int64_t drawn_ml = between(20, 800);
    const bool zero_row = release_.zero_rows && between(1, 50) == 1;
    const std::int64_t volume_ml = zero_row ? 0 : drawn_ml;
    const std::int64_t duration_ms = volume_ml * 25 + between(200, 900);
    const std::int64_t end_us = now_us() - bar_.days_ago * 86'400'000'000;
    std::string short_id = id.substr(0, 8);
    std::transform(short_id.begin(), short_id.end(), short_id.begin(), [](unsigned char c) {
        return static_cast<char>(std::toupper(c));
    });
    pour.columns["client_tx_id"] = Text{id};
    pour.columns["short_id"] = Text{short_id};
    pour.columns["card_uid"] = Text{spell_card(bar_.cards[card])};
    pour.columns["tap_id"] = bar_.tap_id;
    pour.columns["start_ts"] = Text{isoformat(end_us - duration_ms * 1000)};
    pour.columns["end_ts"] = Text{isoformat(end_us)};
    pour.columns["duration_ms"] = duration_ms;
    pour.columns["volume_ml"] = volume_ml;
    pour.columns["tail_volume_ml"] = std::min<std::int64_t>(volume_ml, between(0, 30));
    pour.columns["status"] = Text{"new"};
    pour.columns["attempts"] = std::int64_t{0};
    price(pour, volume_ml);
    return pour;
}

Pour PourSource::bad(std::string_view kind) {
    Pour pour = good();
    pour.kind = kind;
    spoil_id(pour, kind);
    spoil_volume(pour, kind);
    spoil_card_or_tap(pour, kind);
    spoil_rest(pour, kind);
    return pour;
}

std::span<const std::string_view> PourSource::bad_kinds() noexcept {
    return kinds;
}

std::vector<Column> columns_for(const Release& release, const Pour& pour) {
    if (release.inserted.size() == 1) {
        return {Column{"data", Text{gen3_data(pour)}}};
    }
    std::vector<Column> columns;
    for (const std::string_view name : release.inserted) {
        columns.push_back(Column{std::string(name), pour.columns.find(name)->second});
    }
    const std::string_view besides = column_besides(pour.kind);
    const bool there = std::find(release.inserted.begin(), release.inserted.end(), besides) !=
                       release.inserted.end();
    if (!besides.empty() && !there) {
        columns.push_back(Column{std::string(besides), pour.columns.find(besides)->second});
    }
    return columns;
}

}  // namespace tapline::tap_sim
