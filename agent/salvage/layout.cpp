#include "agent/salvage/layout.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/journal/database.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/schema.hpp"

namespace tapline::salvage {

namespace {

constexpr std::string_view sql_columns =
    "SELECT lower(name), upper(type) = 'REAL' FROM pragma_table_info('pours') ORDER BY cid";

std::vector<PourLayout::Place> columns_at(std::string_view revision) {
    auto scratch = journal::Database::scratch();
    journal::upgrade(scratch, revision);
    std::vector<PourLayout::Place> columns;
    auto row = scratch.prepare(sql_columns);
    while (row.step()) {
        columns.push_back({row.text(0), row.integer(1) != 0});
    }
    return columns;
}

}  // namespace

PourLayout pour_layout() {
    PourLayout layout;
    layout.columns = columns_at("head");
    layout.fewest = columns_at(journal::first_journal_revision).size();
    return layout;
}

std::optional<FoundPour> to_pour(const PourLayout& layout, Seq seq, std::vector<Value> values) {
    // seq is the rowid, which stands outside of the record and is NULL within it.
    if (values.size() < layout.fewest || values.size() > layout.columns.size() ||
        !std::holds_alternative<std::monostate>(values.front())) {
        return std::nullopt;
    }
    FoundPour found;
    found.pour.seq = seq;
    for (std::size_t i = 1; i < values.size(); ++i) {
        const auto& place = layout.columns[i];
        auto& value = values[i];
        if (place.name == "status") {
            const auto* text = std::get_if<Text>(&value);
            found.status = text == nullptr ? std::string() : text->bytes;
            continue;
        }
        if (place.name == "attempts") {
            const auto* number = std::get_if<std::int64_t>(&value);
            found.attempts = number == nullptr ? 0 : *number;
            continue;
        }
        if (const auto* whole = std::get_if<std::int64_t>(&value); whole != nullptr && place.real) {
            value = static_cast<double>(*whole);
        }
        if (!std::holds_alternative<std::monostate>(value)) {
            found.pour.columns.push_back({place.name, std::move(value)});
        }
    }
    std::sort(
        found.pour.columns.begin(),
        found.pour.columns.end(),
        [](const Column& a, const Column& b) { return a.name < b.name; }
    );
    return found;
}

}  // namespace tapline::salvage
