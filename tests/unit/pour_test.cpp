#include "common/pour.hpp"

#include <catch2/catch.hpp>

using namespace tapline;  // NOLINT(google-build-using-namespace): test file

namespace {

RawPour good_pour() {
    return RawPour{
        7,
        {
            {"card_uid", Text{"8c5efc0c"}},
            {"client_tx_id", Text{"6f1c0a52-6f0e-4a51-9a3c-0d7f0a5c9f11"}},
            {"duration_ms", std::int64_t{4200}},
            {"price_cents", std::int64_t{375}},
            {"recorded_at", Text{"2026-03-20T18:03:11.123Z"}},
            {"tail_volume_ml", std::int64_t{5}},
            {"tap_id", std::int64_t{3}},
            {"volume_ml", std::int64_t{250}},
        }};
}

RawPour with(const std::string& name, Value value) {
    auto pour = good_pour();
    for (auto& column : pour.columns) {
        if (column.name == name) {
            column.value = std::move(value);
            return pour;
        }
    }
    pour.columns.push_back(Column{name, std::move(value)});
    return pour;
}

std::string code_of(const RawPour& pour) {
    const auto verdict = check_pour(pour);
    const auto* rejection = std::get_if<Rejection>(&verdict);
    return rejection == nullptr ? "" : rejection->code;
}

}  // namespace

TEST_CASE("A sound pour keeps every value") {
    const auto verdict = check_pour(good_pour());
    REQUIRE(std::holds_alternative<CleanPour>(verdict));
    const auto& clean = std::get<CleanPour>(verdict);
    CHECK(clean.seq == 7);
    CHECK(clean.volume_ml == 250);
    CHECK(clean.tail_volume_ml == 5);
    CHECK(clean.price_cents == 375);
    CHECK(clean.tap_id == 3);
    CHECK(clean.recorded_us == 1'774'029'791'123'000);
    CHECK_FALSE(clean.legacy_status);
}

TEST_CASE("Volume 0 and a missing price are settled") {
    CHECK(code_of(with("volume_ml", std::int64_t{0})) == "tail_out_of_range");
    auto zero = with("volume_ml", std::int64_t{0});
    zero.columns[5].value = std::int64_t{0};
    CHECK(code_of(zero).empty());
    CHECK(code_of(with("price_cents", std::monostate{})).empty());
}

TEST_CASE("Every absurd value has its own code") {
    struct Row {
        std::string column;
        Value value;
        std::string code;
    };

    const auto row = GENERATE(values<Row>({
        {"client_tx_id", std::monostate{}, "id_missing"},
        {"client_tx_id", Text{""}, "id_empty"},
        {"client_tx_id", Text{std::string(101, 'a')}, "id_too_long"},
        {"client_tx_id", Blob{"abc"}, "id_not_text"},
        {"client_tx_id", Text{"\xff\xfe"}, "invalid_utf8"},
        {"client_tx_id", Text{std::string("a\0b", 3)}, "nul_byte"},
        {"card_uid", std::monostate{}, "card_missing"},
        {"card_uid", std::int64_t{5}, "card_not_text"},
        {"card_uid", Text{std::string(51, '8')}, "card_too_long"},
        {"card_uid", Text{std::string("8c\0", 3)}, "nul_byte"},
        {"tap_id", std::monostate{}, "tap_missing"},
        {"tap_id", Text{"3"}, "tap_not_integer"},
        {"tap_id", std::int64_t{0}, "tap_out_of_range"},
        {"tap_id", std::int64_t{2'147'483'648}, "tap_out_of_range"},
        {"volume_ml", std::monostate{}, "volume_missing"},
        {"volume_ml", Text{"viel"}, "volume_not_integer"},
        {"volume_ml", 250.5, "volume_not_integer"},
        {"volume_ml", 9.3e18, "volume_not_integer"},
        {"volume_ml", std::int64_t{-1}, "volume_negative"},
        {"volume_ml", std::int64_t{10'001}, "volume_too_large"},
        {"tail_volume_ml", Text{"x"}, "tail_not_integer"},
        {"tail_volume_ml", std::int64_t{251}, "tail_out_of_range"},
        {"price_cents", 3.5, "price_not_integer"},
        {"price_cents", std::int64_t{-1}, "price_negative"},
        {"price_cents", std::int64_t{1'000'001}, "price_too_large"},
        {"start_ts", Text{"gestern"}, "timestamp_invalid"},
        {"end_ts", std::int64_t{1'770'000'000}, "timestamp_invalid"},
        {"recorded_at", Text{"2026-02-30T00:00:00Z"}, "timestamp_invalid"},
        {"duration_ms", std::int64_t{-5}, "duration_invalid"},
        {"data", Text{"{]"}, "data_invalid"},
        {"data", Text{"[1]"}, "data_invalid"},
    }));
    CAPTURE(row.column, row.code);
    CHECK(code_of(with(row.column, row.value)) == row.code);
}

TEST_CASE("The limits themselves are still settled") {
    CHECK(code_of(with("client_tx_id", Text{std::string(100, 'a')})).empty());
    std::string umlauts;
    for (int i = 0; i < 100; ++i) {
        umlauts += "ä";
    }
    CHECK(code_of(with("client_tx_id", Text{umlauts})).empty());
    CHECK(code_of(with("volume_ml", std::int64_t{10'000})).empty());
    CHECK(code_of(with("price_cents", std::int64_t{1'000'000})).empty());
    CHECK(code_of(with("tap_id", std::int64_t{2'147'483'647})).empty());
}

TEST_CASE("A gen3 row is read from its data text, columns first") {
    RawPour pour{
        1,
        {{"data",
          Text{
              R"({"client_tx_id":"a-1","card_uid":"8C 5E","tap_id":2,"start_ts":"2026-02-11T10:00:00+00:00",)"
              R"("end_ts":"2026-02-11T10:00:09+00:00","volume_ml":200,"price_cents":300})"}}}};
    const auto verdict = check_pour(pour);
    REQUIRE(std::holds_alternative<CleanPour>(verdict));
    CHECK(std::get<CleanPour>(verdict).client_tx_id == "a-1");
    CHECK(std::get<CleanPour>(verdict).volume_ml == 200);
    pour.columns.push_back({"client_tx_id", Text{"column"}});
    CHECK(std::get<CleanPour>(check_pour(pour)).client_tx_id == "column");
    pour.columns[0].value = Text{R"({"volume_ml":18446744073709551615})"};
    CHECK(code_of(pour) == "card_missing");
}

TEST_CASE("Timestamps are ISO 8601 with an offset and nothing else") {
    CHECK(parse_timestamp_us("1970-01-01T00:00:00Z") == 0);
    CHECK(parse_timestamp_us("2026-02-12T18:03:11.123456+00:00") == 1'770'919'391'123'456);
    CHECK(parse_timestamp_us("2026-02-12T20:03:11+02:00") == 1'770'919'391'000'000);
    CHECK(parse_timestamp_us("2026-02-12 18:03:11.5Z") == 1'770'919'391'500'000);
    for (const auto* bad :
         {"",
          "2026",
          "2026-02-12",
          "2026-02-12T18:03:11",
          "2026-13-01T00:00:00Z",
          "2026-02-12T24:00:00Z",
          "2026-02-12T18:03:60Z",
          "2026-02-12T18:03:11.Z",
          "2026-02-12T18:03:11Zx",
          "0000-01-01T00:00:00Z",
          "2026-02-12T18:03:11+0",
          "١٩٧٠-01-01T00:00:00Z"}) {
        CAPTURE(bad);
        CHECK_FALSE(parse_timestamp_us(bad));
    }
}

TEST_CASE("UTF-8 refuses overlong forms, surrogates and cut sequences") {
    CHECK(is_valid_utf8("Bier für Jürgen 🍺"));
    for (const auto* bad :
         {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82", "\x80", "\xFF"}) {
        CHECK_FALSE(is_valid_utf8(bad));
    }
}

TEST_CASE("a row that a salvage noted is never settled by itself, whatever it holds") {
    CHECK(code_of(with("salvage", Text{R"({"why":"no index entry"})"})) == "salvaged");
    CHECK(code_of(RawPour{7, {{"salvage", Text{"its row is lost"}}}}) == "salvaged");
    CHECK(code_of(with("salvage", std::int64_t{0})) == "salvaged");
    const auto verdict = check_pour(with("salvage", Text{std::string(5'000, 'x')}));
    CHECK(std::get<Rejection>(verdict).detail.size() == 400);
}
