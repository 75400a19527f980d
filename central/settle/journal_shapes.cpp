#include "central/settle/journal_shapes.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "common/salvage_note.hpp"

namespace tapline::settle {

namespace {

// Every release's columns stand in j0001 (docs/journal-format.md): gen1 to gen8 write some of them,
// gen3's whole pour is the JSON text in `data`.
constexpr std::array<ShapeColumn, 14> j0001{{
    {"card_uid", "card_uid", "text as the reader spells it"},
    {"client_tx_id", "client_tx_id", "text, unique per pour"},
    {"data",
     "data",
     "gen3: JSON of the pour; its members stand where columns are NULL",
     1,
     "no gen3"},
    {"duration_ms", "duration_ms", "ms"},
    {"end_ts", "end_ts", "ISO 8601 with an offset"},
    {"legacy_status", "legacy_status", "status at adoption", 1, "poured after adoption"},
    {"price_cents", "price_cents", "cents"},
    {"price_per_ml_at_pour", "price_per_ml_at_pour", "money per ml; never charged by"},
    {"recorded_at", "recorded_at", "ISO 8601, UTC", 1, "was there at adoption"},
    {"short_id", "short_id", "text on the receipt"},
    {"start_ts", "start_ts", "ISO 8601 with an offset"},
    {"tail_volume_ml", "tail_volume_ml", "ml, part of volume_ml", 1, "0"},
    {"tap_id", "tap_id", "number of the tap"},
    {"volume_ml", "volume_ml", "ml"},
}};

constexpr std::array<JournalShape, 1> shapes{{
    {"j0001", j0001},
}};

// Of no revision: a salvage may have noted something of any row.
constexpr ShapeColumn salvage_note{salvage_column, salvage_column, "why the row isn't whole"};

const ShapeColumn* column_of(const JournalShape& shape, std::string_view name) noexcept {
    if (name == salvage_column) {
        return &salvage_note;
    }
    const auto found =
        std::find_if(shape.columns.begin(), shape.columns.end(), [&](const ShapeColumn& column) {
            return column.name == name;
        });
    return found == shape.columns.end() ? nullptr : &*found;
}

bool stays(const JournalShape& shape, const Column& column) noexcept {
    const ShapeColumn* known = column_of(shape, column.name);
    return known != nullptr && known->meaning == known->name && known->factor == 1;
}

Value scaled(const Value& value, std::int64_t factor) {
    const auto* number = std::get_if<std::int64_t>(&value);
    if (number == nullptr || factor == 1) {
        return value;
    }
    std::int64_t product = 0;
    return __builtin_mul_overflow(*number, factor, &product) ? value : Value(product);
}

}  // namespace

std::span<const JournalShape> journal_shapes() noexcept {
    return shapes;
}

const JournalShape* find_shape(std::string_view revision) noexcept {
    const auto found = std::find_if(shapes.begin(), shapes.end(), [&](const JournalShape& shape) {
        return shape.revision == revision;
    });
    return found == shapes.end() ? nullptr : &*found;
}

const RawPour& translated(std::string_view revision, const RawPour& row, RawPour& scratch) {
    const JournalShape* shape = find_shape(revision);
    return translated(shape == nullptr ? shapes.back() : *shape, row, scratch);
}

const RawPour& translated(const JournalShape& shape, const RawPour& row, RawPour& scratch) {
    const bool as_it_is = std::all_of(
        row.columns.begin(), row.columns.end(), [&](const auto& each) { return stays(shape, each); }
    );
    if (as_it_is) {
        return row;
    }
    scratch.seq = row.seq;
    scratch.columns.clear();
    for (const Column& column : row.columns) {
        if (const ShapeColumn* known = column_of(shape, column.name)) {
            scratch.columns.push_back(Column{
                std::string(known->meaning), scaled(column.value, known->factor)});
        }
    }
    std::sort(
        scratch.columns.begin(),
        scratch.columns.end(),
        [](const auto& left, const auto& right) { return left.name < right.name; }
    );
    return scratch;
}

}  // namespace tapline::settle
