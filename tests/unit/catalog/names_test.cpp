#include "central/catalog/names.hpp"

#include <catch2/catch.hpp>

#include "central/catalog/privileges.hpp"

namespace tapline::catalog {

TEST_CASE("Names.PublicIsLeftOutAndOddNamesAreQuoted") {
    CHECK(qualified("public", "pours") == "pours");
    CHECK(qualified("", "pours") == "pours");
    CHECK(qualified("tapline", "receipt") == "tapline.receipt");
    CHECK(qualified("My Schema", "a\"b") == "\"My Schema\".\"a\"\"b\"");
    CHECK(quoted("timestamp") == "timestamp");
    CHECK(quoted("1a") == "\"1a\"");
    CHECK(quoted("") == "\"\"");
}

TEST_CASE("Names.TypesOfPublicAreShort") {
    CHECK(without_public("public.mood, integer, public.a[]") == "mood, integer, a[]");
    CHECK(without_public("cast (public.mood AS integer)") == "cast (mood AS integer)");
    CHECK(without_public("notpublic.mood") == "notpublic.mood");
    CHECK(without_public("store.public.x") == "store.public.x");
    CHECK(without_public("").empty());
}

TEST_CASE("Privileges.AListThatSaysWhatIsSoAnywayIsNone") {
    CHECK(privileges_text("bar=arwdDxt/bar", "bar=arwdDxt/bar", "bar") == std::nullopt);
    CHECK(privileges_text("bar=rawdDxt/other", "bar=arwdDxt/bar", "bar") == std::nullopt);
    CHECK(privileges_text("=X/bar\nbar=X/bar", "bar=X/bar\n=X/bar", "bar") == std::nullopt);
    CHECK(privileges_text("", "", "bar") == std::nullopt);
}

TEST_CASE("Privileges.AreWordsRelativeToTheOwner") {
    CHECK(
        privileges_text("bar=arw/bar\nann=r*w/bar\n=r/bar", "bar=arwdDxt/bar", "bar") ==
        "@owner: insert, select, update; ann: select with grant option, update; public: select"
    );
    CHECK(privileges_text("", "bar=X/bar", "bar") == "none");
    CHECK(privileges_text("bar=r/bar", "bar=X/bar", "other") == "bar: select");
    CHECK(privileges_text("\"odd \"\"=/ role\"=U/bar", "", "bar") == "odd \"=/ role: usage");
    CHECK(privileges_text("ann=rZ/bar", "", "bar") == "ann: privilege Z, select");
}

TEST_CASE("Privileges.BrokenListsDontCrash") {
    for (const char* text : {"=", "\"", "\"a", "a", "a=", "a=*", "a=/", "\n\n", "a=r*"}) {
        (void)privileges_text(text, "", "bar");
    }
}

}  // namespace tapline::catalog
