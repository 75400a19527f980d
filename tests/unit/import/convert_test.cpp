// Revisions of Alembic as files of ours.
#include "central/import/convert.hpp"

#include <catch2/catch.hpp>

#include "common/revision/directory.hpp"

namespace {

using namespace tapline;
using alembic::Imported;
using revision::Direction;
using revision::Revision;

std::vector<Revision> read(const Imported& imported, const revision::IdSet& taken = {}) {
    std::vector<Revision> revisions;
    for (const revision::SourceFile& file : alembic::files_of(imported, taken)) {
        revisions.push_back(revision::parse(file, revision::Dialect::postgres));
    }
    return revisions;
}

Imported simple() {
    Imported imported;
    imported.facts.id = "bbbb2";
    imported.facts.revises = {"aaaa1"};
    imported.facts.message = "more";
    imported.facts.path = "/p/bbbb2.py";
    imported.upgrade.pieces = {{true, {"CREATE TABLE t (a int)", "SELECT 1"}}};
    imported.downgrade.pieces = {{true, {"DROP TABLE t"}}};
    return imported;
}

}  // namespace

TEST_CASE("A revision keeps its id, parents, labels, dependencies, date and prose", "[import]") {
    Imported imported = simple();
    imported.facts.labels = {"bar"};
    imported.facts.depends_on = {"cccc3"};
    imported.facts.create_date = "2025-11-03";
    imported.facts.prose = {"Phase: contract", "", "tapline: upgrade"};
    const std::vector<Revision> files = read(imported);
    REQUIRE(files.size() == 1);
    CHECK(files[0].id == "bbbb2");
    CHECK(files[0].file == "bbbb2_more.sql");
    CHECK(files[0].revises == std::vector<std::string>{"aaaa1"});
    CHECK(files[0].branch_labels == std::vector<std::string>{"bar"});
    CHECK(files[0].depends_on == std::vector<std::string>{"cccc3"});
    CHECK(files[0].phase == revision::Phase::expand);
    CHECK(files[0].upgrade.statements.size() == 2);
    CHECK(files[0].downgrade.statements.size() == 1);
}

TEST_CASE("A message that reads as a header is kept as words", "[import]") {
    Imported imported = simple();
    imported.facts.message = "Revises: everything";
    CHECK(read(imported)[0].message == "imported - Revises: everything");
    imported.facts.message = "";
    CHECK(read(imported)[0].message == "revision bbbb2");
}

TEST_CASE("Several transactions become several files, and the last has the id", "[import]") {
    Imported imported = simple();
    imported.facts.id = "a_name_of_exactly_32_bytes_here_";
    imported.facts.labels = {"bar"};
    imported.facts.depends_on = {"cccc3"};
    imported.upgrade.pieces = {{true, {"SELECT 1"}}, {false, {"ANALYZE t"}}, {true, {"SELECT 3"}}};
    imported.downgrade.pieces = {{false, {"ANALYZE t"}}, {true, {"SELECT 4"}}};
    const std::vector<Revision> files = read(imported, {"a_name_of_exactly_32_bytes_he_p1"});
    REQUIRE(files.size() == 3);
    CHECK(files[2].id == imported.facts.id);
    CHECK(files[0].id.size() == 32);
    CHECK(files[0].id != "a_name_of_exactly_32_bytes_he_p1");
    CHECK(files[0].revises == std::vector<std::string>{"aaaa1"});
    CHECK(files[1].revises == std::vector<std::string>{files[0].id});
    CHECK(files[2].revises == std::vector<std::string>{files[1].id});
    CHECK(files[0].depends_on == std::vector<std::string>{"cccc3"});
    CHECK(files[0].branch_labels.empty());
    CHECK(files[2].branch_labels == std::vector<std::string>{"bar"});
    CHECK_FALSE(files[1].upgrade.transaction);
    // The way back begins at the id.
    CHECK_FALSE(files[2].downgrade.transaction);
    CHECK(files[1].downgrade.statements[0].text == "SELECT 4");
    CHECK(files[0].downgrade.statements.empty());
}

TEST_CASE("A missing half is a guard that says why, and nothing is left out", "[import]") {
    Imported imported = simple();
    imported.upgrade = {{}, "AttributeError: it's 'None' $by_hand$", {}};
    const std::vector<Revision> files = read(imported);
    REQUIRE(files[0].upgrade.statements.size() == 1);
    CHECK(alembic::is_guard(files[0].upgrade));
    CHECK_FALSE(alembic::is_guard(files[0].downgrade));
    CHECK_THAT(files[0].upgrade.statements[0].text, Catch::Contains("it''s ''None''  by_hand "));
    imported = simple();
    imported.downgrade = {{}, {}, "NotImplementedError: no way back"};
    CHECK(read(imported)[0].irreversible == "NotImplementedError: no way back");
}

TEST_CASE("What lint would stop is let through by name, and counts no more", "[import]") {
    Imported base = simple();
    base.facts.id = "aaaa1";
    base.facts.revises = {};
    Imported next = simple();
    next.upgrade.pieces = {{true, {"DELETE FROM t", "ALTER TABLE t DROP COLUMN a"}}};
    next.downgrade.pieces = {};
    std::vector<revision::SourceFile> files = alembic::files_of(base, {});
    for (revision::SourceFile& each : alembic::files_of(next, {})) {
        files.push_back(std::move(each));
    }
    const alembic::Allowed once = alembic::allow_hazards(files);
    REQUIRE(once.hazards.contains("bbbb2_more.sql"));
    CHECK_FALSE(once.hazards.contains("aaaa1_more.sql"));
    CHECK(alembic::allow_hazards(once.files).hazards.empty());
    CHECK(once.files[0].bytes == files[0].bytes);
}
