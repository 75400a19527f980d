#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include "central/pg/session.hpp"
#include "common/error.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

constexpr unsigned seed = 20'261'120;
constexpr int rounds = 40;

/// Any bytes but zero that are UTF-8: what PostgreSQL's text may hold.
std::string random_text(std::mt19937& random) {
    static const std::string pieces[] = {
        "\"",
        "\\",
        "'",
        ",",
        "{",
        "}",
        " ",
        "\n",
        "\t",
        "NULL",
        "ä",
        "€",
        "🍺",
        "\x01",
        "\x7f",
        "a",
        "\\\"",
        "$1",
        "\v"};
    std::string text;
    const std::uint64_t length = random() % 12;
    for (std::uint64_t i = 0; i < length; ++i) {
        text += pieces[random() % std::size(pieces)];
    }
    return text;
}

std::string random_bytes(std::mt19937& random) {
    std::string bytes(random() % 20, '\0');
    for (char& byte : bytes) {
        byte = static_cast<char>(random());
    }
    return bytes;
}

}  // namespace

TEST_CASE("Array.TextComesBackByteForByte") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = database.connect();
    std::mt19937 random(seed);
    for (int round = 0; round < rounds; ++round) {
        pg::ArrayBuilder array;
        std::vector<std::optional<std::string>> expected;
        for (std::uint64_t i = random() % 30; i > 0; --i) {
            expected.push_back(
                random() % 5 == 0 ? std::nullopt : std::optional(random_text(random))
            );
            array.text(expected.back());
        }
        const pg::Result rows = session.query(
            "SELECT value FROM unnest($1::text[]) WITH ORDINALITY AS t (value, n) ORDER BY n", array
        );
        REQUIRE(rows.rows() == static_cast<int>(expected.size()));
        for (int i = 0; i < rows.rows(); ++i) {
            CHECK(rows[i].optional_text(0) == expected[static_cast<std::size_t>(i)]);
        }
    }
}

TEST_CASE("Array.EveryByteOfTextSurvives") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = database.connect();
    pg::ArrayBuilder array;
    for (char c = 1; c > 0; ++c) {
        array.text(std::string_view(&c, 1));
        if (c == 127) {
            break;
        }
    }
    const pg::Result rows = session.query(
        "SELECT ascii(value) FROM unnest($1::text[]) WITH ORDINALITY AS t (value, n) ORDER BY n",
        array
    );
    REQUIRE(rows.rows() == 127);
    for (int i = 0; i < rows.rows(); ++i) {
        CHECK(rows[i].integer(0) == i + 1);
    }
}

TEST_CASE("Array.BytesComeBackByteForByte") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = database.connect();
    std::mt19937 random(seed);
    pg::ArrayBuilder array;
    std::vector<std::string> expected;
    for (int i = 0; i < 500; ++i) {
        expected.push_back(random_bytes(random));
        array.bytes(expected.back());
    }
    array.null();
    const pg::Result rows = session.query(
        "SELECT value FROM unnest($1::bytea[]) WITH ORDINALITY AS t (value, n) ORDER BY n", array
    );
    REQUIRE(rows.rows() == 501);
    for (int i = 0; i < 500; ++i) {
        CHECK(rows[i].bytes(0) == expected[static_cast<std::size_t>(i)]);
    }
    CHECK(rows[500].is_null(0));
}

TEST_CASE("Array.NumbersUuidsAndTimesAreWhatTheyWere") {
    TestDatabase database(TestDatabase::Schema::empty);
    pg::Session session = database.connect();
    pg::ArrayBuilder integers;
    integers.integer(std::numeric_limits<std::int64_t>::min());
    integers.integer(std::numeric_limits<std::int64_t>::max());
    integers.integer(std::optional<std::int64_t>());
    const pg::Result numbers = session.query("SELECT unnest($1::bigint[])", integers);
    CHECK(numbers[0].integer(0) == std::numeric_limits<std::int64_t>::min());
    CHECK(numbers[1].integer(0) == std::numeric_limits<std::int64_t>::max());
    CHECK(numbers[2].is_null(0));

    pg::ArrayBuilder times;
    const std::int64_t instants[] = {
        -62'135'596'800'000'000, -1, 0, 1'771'696'800'123'456, 253'402'300'799'999'999};
    for (const std::int64_t instant : instants) {
        times.timestamp_us(instant);
    }
    const pg::Result read = session.query(
        "SELECT (extract(epoch FROM t) * 1000000)::bigint FROM unnest($1::timestamptz[]) "
        "WITH ORDINALITY AS u (t, n) ORDER BY n",
        times
    );
    for (int i = 0; i < read.rows(); ++i) {
        CHECK(read[i].integer(0) == instants[i]);
    }

    pg::ArrayBuilder uuids;
    uuids.plain("6f1c1f9e-3f0e-4b52-9a55-1f0e0c0d0a0b");
    uuids.null();
    CHECK(
        session.query("SELECT ($1::uuid[])[1]", uuids)[0].text(0) ==
        "6f1c1f9e-3f0e-4b52-9a55-1f0e0c0d0a0b"
    );
    pg::ArrayBuilder mixed;
    mixed.boolean(true);
    mixed.boolean(false);
    CHECK(session.query("SELECT ($1::boolean[])[2]", mixed)[0].boolean(0) == false);
    pg::ArrayBuilder reals;
    reals.real(0.1);
    CHECK(session.query("SELECT ($1::float8[])[1] = 0.1::float8", reals)[0].boolean(0));
    pg::ArrayBuilder amounts;
    amounts.plain("-12.50");
    CHECK(session.query("SELECT ($1::numeric[])[1]", amounts)[0].text(0) == "-12.50");
}

TEST_CASE("Array.ZeroBytesAreRefusedBeforeTheServerCutsThem") {
    pg::ArrayBuilder array;
    CHECK_THROWS_AS(array.text(std::string_view("a\0b", 3)), Error);
    CHECK(array.empty());
    CHECK(array.literal() == "{}");
    array.clear();
    array.text(std::string_view("again"));
    CHECK(array.literal() == "{\"again\"}");
}

}  // namespace tapline::test
