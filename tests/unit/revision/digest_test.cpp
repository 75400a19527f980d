#include "common/revision/digest.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "tests/unit/revision/sample.hpp"

using namespace tapline::revision;

namespace {

/// Digest of the sample with one replacement.
std::string changed(std::string_view from, std::string_view to) {
    std::string text(sample::postgres_text);
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return digest(sample::postgres(text.replace(at, from.size(), to)));
}

std::string of(std::string_view sql, Dialect dialect = Dialect::postgres) {
    return digest(parse(sample::file(sql), dialect));
}

}  // namespace

TEST_CASE("The digest of a released file never changes") {
    // Databases in the field keep these; a new value here means that they all look edited.
    CHECK(
        digest(sample::sqlite()) ==
        "ab1d0be14fdbf679442728c0c2988881a95cf2ed9de7ccd1cc6e850317640f91"
    );
    CHECK(
        digest(sample::postgres()) ==
        "c41b10fa576f2f80a1adc8146beea784b20df033555d7e49a40642b5e181970d"
    );
}

TEST_CASE("Comments, white space and informative headers don't count") {
    const std::string before = digest(sample::postgres());
    CHECK(changed("settle in one function", "other words") == before);
    CHECK(changed("Create Date: 2026-11-20", "Create Date: 2027-01-01") == before);
    CHECK(changed("/* nested", "-- more\n/* nested") == before);
    CHECK(changed("UPDATE guests SET note", "UPDATE guests\n\n   SET /* x */ note") == before);
    CHECK(changed("allow whole_table_write", "allow data_loss") == before);
    CHECK(changed("SELECT 1;\nEND;", "SELECT 1; END ;;") == before);
    CHECK(changed("money, beer", "beer,money") == before);
    CHECK(changed("lock_timeout=500ms", "lock_timeout=\"500ms\"") == before);
    CHECK(of("SELECT a<-b;") == of("SELECT a < - b"));
}

TEST_CASE("One byte that means something counts") {
    const std::string before = digest(sample::postgres());
    CHECK(changed("'a;b'; -- not", "'a;b'; -- now") != before);  // inside the dollar body
    CHECK(changed("it''s'", "it''z'") != before);
    CHECK(changed("ok' WHERE", "ok ' WHERE") != before);
    CHECK(changed("x / 2", "x / 3") != before);
    CHECK(changed("lock_timeout=500ms", "lock_timeout=501ms") != before);
    CHECK(changed("transaction=off ", "") != before);
    CHECK(changed("rows=5000", "rows=5001") != before);
    CHECK(changed("t0001_receipts", "t0001_receipt") != before);
    CHECK(changed("j0003", "j0004") != before);
    CHECK(changed("Labels: money", "Labels: mone") != before);
    CHECK(changed("0001_m1_baseline", "0001_m1_base") != before);
    CHECK(changed("DROP FUNCTION half(int);", "") != before);
    CHECK(of("SELECT 'a' 'b'") != of("SELECT 'a'' ''b'"));
    CHECK(of("SELECT a- -b") != of("SELECT a --b"));
    CHECK(of("SELECT 1; SELECT 2") != of("SELECT 1 SELECT 2"));
    CHECK(of("SELECT a @- b") != of("SELECT a @ - b"));
}

TEST_CASE("SQL can't be moved from one section to the other unseen") {
    const SourceFile up = sample::file("SELECT 1;");
    SourceFile down = sample::file("");
    down.bytes += "SELECT 1;";
    CHECK(digest(parse(up, Dialect::sqlite)) != digest(parse(down, Dialect::sqlite)));
}
