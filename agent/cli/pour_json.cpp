#include "agent/cli/pour_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/journal/identity.hpp"
#include "common/log.hpp"
#include "common/row_hash.hpp"
#include "common/wire.hpp"

namespace tapline::cli {

namespace {

using nlohmann::json;

constexpr std::size_t max_cell_chars = 60;
constexpr std::size_t name_digits = 10;

struct CellWriter {
    std::string operator()(std::monostate) const { return {}; }

    std::string operator()(std::int64_t value) const { return fmt::format("{}", value); }

    std::string operator()(double value) const { return fmt::format("{}", value); }

    std::string operator()(const Text& value) const {
        return printable(value.bytes, max_cell_chars);
    }

    std::string operator()(const Blob& value) const {
        return fmt::format("({} bytes)", value.bytes.size());
    }
};

/// Of the tap's clock, else the journal's own.
std::string time_text(const RawPour& pour) {
    const auto* start = pour.find("start_ts");
    return cell_text(start != nullptr ? start : pour.find("recorded_at"));
}

RawPour with_shown_card(RawPour pour, const CardNames& cards) {
    for (auto& column : pour.columns) {
        if (column.name == "card_uid") {
            column.value = cards.shown(column.value);
        }
        // gen3 kept the whole pour as JSON, card and all.
        if (column.name == "data") {
            column.value = cards.shown(column.value);
        }
    }
    return pour;
}

}  // namespace

CardNames::CardNames(bool masked) : salt_(masked ? journal::make_uuid() : std::string()) {}

Value CardNames::shown(const Value& card) const {
    if (salt_.empty() || std::holds_alternative<std::monostate>(card)) {
        return card;
    }
    const auto* text = std::get_if<Text>(&card);
    const auto* blob = std::get_if<Blob>(&card);
    const auto bytes = text != nullptr   ? text->bytes
                       : blob != nullptr ? blob->bytes
                                         : std::visit(CellWriter{}, card);
    return Text{"card-" + to_hex(sha256(salt_ + bytes)).substr(0, name_digits)};
}

std::string cell_text(const Value* value) {
    return value == nullptr ? std::string() : std::visit(CellWriter{}, *value);
}

json pour_json(const journal::SeenPour& seen, Seq acked_through, const CardNames& cards) {
    const auto row = json::parse(wire::encode_row(with_shown_card(seen.pour, cards)));
    return {
        {"seq", seen.pour.seq},
        {"status", seen.status},
        {"attempts", seen.attempts},
        {"standing", journal::standing_of(seen, acked_through)},
        {"columns", row.at("columns")}};
}

std::string pour_heading() {
    return fmt::format(
        "{:>8}  {:<27} {:>4}  {:<16} {:>6} {:>7}  {:<11}  {}\n",
        "SEQ",
        "TIME",
        "TAP",
        "CARD",
        "ML",
        "CENTS",
        "STATUS",
        "STANDS"
    );
}

std::string pour_line(const journal::SeenPour& seen, Seq acked_through, const CardNames& cards) {
    const auto pour = with_shown_card(seen.pour, cards);
    return fmt::format(
        "{:>8}  {:<27} {:>4}  {:<16} {:>6} {:>7}  {:<11}  {}\n",
        pour.seq,
        time_text(pour),
        cell_text(pour.find("tap_id")),
        cell_text(pour.find("card_uid")),
        cell_text(pour.find("volume_ml")),
        cell_text(pour.find("price_cents")),
        printable(seen.status, max_cell_chars),
        journal::standing_of(seen, acked_through)
    );
}

}  // namespace tapline::cli
