// Rows of each journal revision as settling reads them.
#include "central/settle/journal_shapes.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <catch2/catch.hpp>

namespace tapline::settle {

namespace {

constexpr std::array<ShapeColumn, 3> in_centilitres{{
    {"card", "card_uid", "text"},
    {"tap_id", "tap_id", "number of the tap"},
    {"volume_cl", "volume_ml", "cl", 10},
}};
constexpr JournalShape older{"j0000", in_centilitres};

RawPour row(std::vector<Column> columns) {
    return RawPour{7, std::move(columns)};
}

}  // namespace

TEST_CASE("every shape names its columns once, in order, and means what the validator reads") {
    for (const JournalShape& shape : journal_shapes()) {
        const auto by_name = [](const auto& left, const auto& right) {
            return left.name < right.name;
        };
        CHECK(std::is_sorted(shape.columns.begin(), shape.columns.end(), by_name));
        CHECK(find_shape(shape.revision) == &shape);
        for (const ShapeColumn& column : shape.columns) {
            CHECK_FALSE(column.unit.empty());
            CHECK_FALSE(column.absent.empty());
        }
    }
    CHECK(find_shape("j9999") == nullptr);
}

TEST_CASE("a row that needs nothing is read where it stands") {
    const auto plain = row({{"card_uid", Text{"a"}}, {"volume_ml", std::int64_t{5}}});
    RawPour scratch;
    CHECK(&translated("j0001", plain, scratch) == &plain);
}

TEST_CASE("a column that a revision can't have takes no part in settling") {
    const auto odd = row({{"card_uid", Text{"a"}}, {"glass_ml", std::int64_t{5}}});
    RawPour scratch;
    CHECK(translated("j0001", odd, scratch) == row({{"card_uid", Text{"a"}}}));
    CHECK(translated("j9999", odd, scratch) == row({{"card_uid", Text{"a"}}}));
}

TEST_CASE("a salvage's note is kept in every shape") {
    const auto noted = row({{"card", Text{"a"}}, {"salvage", Text{"why"}}});
    RawPour scratch;
    CHECK(translated(older, noted, scratch).find("salvage") != nullptr);
    const auto plain = row({{"card_uid", Text{"a"}}, {"salvage", Text{"why"}}});
    CHECK(&translated("j0001", plain, scratch) == &plain);
}

TEST_CASE("names and units of an older shape become those of head") {
    const auto old =
        row({{"card", Text{"a"}}, {"tap_id", std::int64_t{3}}, {"volume_cl", std::int64_t{41}}});
    RawPour scratch;
    CHECK(
        translated(older, old, scratch) ==
        row({{"card_uid", Text{"a"}}, {"tap_id", std::int64_t{3}}, {"volume_ml", std::int64_t{410}}}
        )
    );
    const auto text = row({{"volume_cl", Text{"41"}}});
    CHECK(translated(older, text, scratch) == row({{"volume_ml", Text{"41"}}}));
    constexpr auto largest = std::numeric_limits<std::int64_t>::max();
    const auto huge = row({{"volume_cl", largest}});
    CHECK(translated(older, huge, scratch) == row({{"volume_ml", largest}}));
}

}  // namespace tapline::settle
