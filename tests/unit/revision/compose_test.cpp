#include "common/revision/compose.hpp"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/revision/sample.hpp"

using namespace tapline;
using namespace tapline::revision;
using sample::code_of;
using sample::node;
using Ids = std::vector<std::string>;

namespace {

NewRevision fresh() {
    NewRevision revision;
    revision.id = "abcd1234";
    revision.message = "Tips: one column";
    revision.revises = {"aaaa", "bbbb"};
    revision.branch_labels = {"tips", "new-money"};
    revision.depends_on = {"visits", "cccc"};
    revision.create_date = "2026-11-20";
    revision.phase = Phase::migrate;
    revision.sql = "ALTER TABLE pours ADD COLUMN tip numeric";
    revision.downgrade_sql = "ALTER TABLE pours DROP COLUMN tip;\n";
    return revision;
}

std::string code_with_message(const std::string& message) {
    NewRevision revision = fresh();
    revision.message = message;
    return code_of([&] { return compose(revision); });
}

}  // namespace

TEST_CASE("A composed file reads back as what was asked for") {
    const SourceFile file = compose(fresh());
    CHECK(file.name == "abcd1234_tips_one_column.sql");
    const Revision read = parse(file, Dialect::postgres);
    CHECK(read.id == "abcd1234");
    CHECK(read.message == "Tips: one column");
    CHECK(read.revises == Ids{"aaaa", "bbbb"});
    CHECK(read.branch_labels == Ids{"tips", "new-money"});
    CHECK(read.depends_on == Ids{"visits", "cccc"});
    CHECK(read.create_date == "2026-11-20");
    CHECK(read.phase == Phase::migrate);
    REQUIRE(read.upgrade.statements.size() == 1);
    CHECK(read.upgrade.statements[0].text == "ALTER TABLE pours ADD COLUMN tip numeric");
    REQUIRE(read.downgrade.statements.size() == 1);
}

TEST_CASE("A file without SQL has two empty sections, an irreversible one a reason") {
    NewRevision revision = fresh();
    revision.revises = {};
    revision.sql.clear();
    revision.downgrade_sql.clear();
    const Revision empty = parse(compose(revision), Dialect::postgres);
    CHECK(empty.revises.empty());
    CHECK(empty.upgrade.statements.empty());
    CHECK(empty.downgrade.line > 0);
    revision.irreversible = "the data is gone";
    const Revision final = parse(compose(revision), Dialect::postgres);
    CHECK(final.irreversible == "the data is gone");
    CHECK(final.downgrade.line == 0);
}

TEST_CASE("A message that would read as something else is refused") {
    CHECK(code_with_message("plain words, 100 %") == "no error");
    CHECK(code_with_message("Ölwechsel \"jetzt\" -- c:\\x") == "no error");
    CHECK(code_with_message("Phase: contract") != "no error");
    CHECK(code_with_message("Depends On: aaaa") != "no error");
    CHECK(code_with_message("two\nlines") != "no error");
    CHECK(code_with_message("two\n-- tapline: upgrade\nDROP TABLE guests;") != "no error");
    CHECK(code_with_message("tapline: upgrade") != "no error");
    CHECK(code_with_message(" padded ") == "bad_message");
    CHECK(code_with_message("") == "bad_message");
}

TEST_CASE("Ids that aren't ids are refused") {
    for (const char* id : {"", "abc", "head", "a-b-c", "../etc", "abcd efgh"}) {
        NewRevision revision = fresh();
        revision.id = id;
        CHECK(code_of([&] { return compose(revision); }) == "bad_revision_id");
    }
}

TEST_CASE("A slug is short and made of plain words") {
    CHECK(slug_of("Guests: get a nickname!") == "guests_get_a_nickname");
    CHECK(slug_of("  --  ").empty());
    CHECK(slug_of("Größe/Prüfung") == "gr_e_pr_fung");
    CHECK(
        slug_of("one two three four five six seven eight nine") ==
        "one_two_three_four_five_six_seven_eight"
    );
    CHECK(slug_of(std::string(90, 'x')) == std::string(40, 'x'));
}

TEST_CASE("Parents are heads, unless a branch begins on purpose") {
    const Lineage lineage = sample::diamond();
    CHECK(parents_for(lineage, {"join"}, false) == Ids{"join"});
    CHECK(parents_for(lineage, {"heads"}, false) == Ids{"join", "other"});
    CHECK(parents_for(lineage, {"base"}, false).empty());
    CHECK(parents_for(lineage, {"left"}, true) == Ids{"left"});
    CHECK(code_of([&] { return parents_for(lineage, {"left"}, false); }) == "not_a_head");
    CHECK(code_of([&] { return parents_for(lineage, {"head"}, false); }) == "multiple_heads");
    CHECK(code_of([&] { return parents_for(lineage, {"join", "jo"}, false); }) == "duplicate_id");
}

TEST_CASE("Dependencies become whole ids, and labels stay labels") {
    Revision labelled = node("bbbb", {"aaaa"});
    labelled.branch_labels = {"money"};
    const Lineage lineage({node("aaaa"), labelled});
    CHECK(
        dependencies_for(lineage, {"aa", "money", "0001_m1"}, {"0001_m1"}) ==
        Ids{"aaaa", "money", "0001_m1"}
    );
    CHECK(code_of([&] { return dependencies_for(lineage, {"zz"}, {}); }) == "not_found");
    CHECK(code_of([&] { return dependencies_for(lineage, {"base"}, {}); }) == "not_found");
}
