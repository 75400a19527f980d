#include <catch2/catch.hpp>

#include "central/settle/position.hpp"

namespace tapline::settle {

namespace {

RowHash hash_of(std::uint8_t byte) {
    RowHash hash{};
    hash[0] = byte;
    return hash;
}

/// Rows 3, 4, 7; the chain at a row is its seq.
Prepared rows_3_4_7() {
    Prepared prepared;
    prepared.controller = "tap-1";
    prepared.batch.first_seq = 2;
    prepared.batch.last_seq = 7;
    prepared.batch.prev_hash = hash_of(1);
    for (const Seq seq : {3, 4, 7}) {
        RawPour row;
        row.seq = seq;
        prepared.batch.rows.push_back(row);
        PreparedRow made;
        made.hash = hash_of(static_cast<std::uint8_t>(seq));
        prepared.rows.push_back(made);
    }
    return prepared;
}

std::variant<std::size_t, wire::Problem> at(Seq cursor, std::uint8_t hash) {
    Cursor known;
    known.controller = "tap-1";
    known.cursor = cursor;
    known.hash = hash_of(hash);
    return position(rows_3_4_7(), known);
}

std::string code(const std::variant<std::size_t, wire::Problem>& placed) {
    const auto* problem = std::get_if<wire::Problem>(&placed);
    return problem == nullptr ? std::string() : problem->code;
}

}  // namespace

TEST_CASE("a batch starts right after the cursor, or before it") {
    CHECK(std::get<std::size_t>(at(1, 1)) == 0);
    CHECK(std::get<std::size_t>(at(2, 1)) == 0);
    CHECK(std::get<std::size_t>(at(3, 3)) == 1);
    CHECK(std::get<std::size_t>(at(4, 4)) == 2);
    CHECK(std::get<std::size_t>(at(6, 4)) == 2);
    CHECK(std::get<std::size_t>(at(7, 7)) == 3);
}

TEST_CASE("a batch far behind the cursor is a resend") {
    CHECK(std::get<std::size_t>(at(900, 99)) == 3);
}

TEST_CASE("a batch beyond cursor + 1 is a gap") {
    CHECK(code(at(0, 0)) == "gap");
    CHECK(std::get<wire::Problem>(at(0, 0)).expected_seq == 1);
}

TEST_CASE("another chain at the cursor is a fork") {
    CHECK(code(at(1, 9)) == "fork");
    CHECK(code(at(2, 9)) == "fork");
    CHECK(code(at(4, 3)) == "fork");
    CHECK(code(at(7, 9)) == "fork");
}

TEST_CASE("without a cursor, or with another controller's, nothing is taken") {
    CHECK(code(position(rows_3_4_7(), std::nullopt)) == "unknown_journal");
    Cursor foreign;
    foreign.controller = "tap-2";
    CHECK(code(position(rows_3_4_7(), foreign)) == "not_yours");
}

}  // namespace tapline::settle
