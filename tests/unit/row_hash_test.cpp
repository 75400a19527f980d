#include "common/row_hash.hpp"

#include <catch2/catch.hpp>

using namespace tapline;  // NOLINT(google-build-using-namespace): test file

TEST_CASE("The row hash is frozen") {
    // Computed once with Python's hashlib from the layout in row_hash.hpp; a change here breaks
    // every journal that is out there.
    const RawPour pour{
        42,
        {{"card_uid", Text{"8c5efc0c"}},
         {"price_per_ml_at_pour", 1.5},
         {"volume_ml", std::int64_t{-2}},
         {"x", Blob{std::string("\0\xff", 2)}}}};
    CHECK(
        to_hex(next_hash(RowHash{}, pour)) ==
        "c38ee567d6c03d28ee9b2a8e2f7181021c1837c69e5ecd15d8ea14c36c225255"
    );
}

TEST_CASE("NULL columns leave the hash as it is, everything else changes it") {
    const RawPour base{1, {{"a", Text{"1"}}}};
    const auto hash = next_hash(RowHash{}, base);
    CHECK(next_hash(RowHash{}, RawPour{1, {{"a", Text{"1"}}, {"b", std::monostate{}}}}) == hash);
    CHECK(next_hash(RowHash{}, RawPour{2, {{"a", Text{"1"}}}}) != hash);
    CHECK(next_hash(RowHash{}, RawPour{1, {{"a", Blob{"1"}}}}) != hash);
    CHECK(next_hash(RowHash{}, RawPour{1, {{"a", std::int64_t{1}}}}) != hash);
    CHECK(next_hash(RowHash{}, RawPour{1, {{"b", Text{"1"}}}}) != hash);
    CHECK(next_hash(hash, base) != hash);
}

TEST_CASE("Hex goes there and back and refuses anything else") {
    const auto hash = sha256("tapline");
    CHECK(hash_from_hex(to_hex(hash)) == hash);
    CHECK(to_hex(sha256("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_FALSE(hash_from_hex("ab"));
    CHECK_FALSE(hash_from_hex(std::string(64, 'g')));
}
