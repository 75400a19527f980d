// What `alembic history -v` of 1.8 prints, read.
#include "central/import/history.hpp"

#include <catch2/catch.hpp>

#include "common/error.hpp"

namespace {

using namespace tapline;
using alembic::AlembicRevision;

constexpr const char* printed = R"(env.py says hello
Rev: merge1 (head) (mergepoint)
Merges: left2, right1
Branch names: left, right
Path: /p/versions/merge1_x.py

    join

Rev: left2
Parent: left1
Branch names: left
Path: /p/versions/left2_x.py

    more of it
    
    Revision ID: left2
    Revises: left1
    Create Date: 2025-11-03 10:00:00.123
    
    Why:
      Rev: not an entry
    

Rev: right1
Parent: root1
Also depends on: left, lef
Branch names: right
Path: /p/versions/right1_x.py

    depends

Rev: left1
Parent: root1
Branch names: left
Path: /p/versions/left1_x.py

    left begins

Rev: root1 (branchpoint)
Parent: <base>
Branches into: left1, right1
Path: /p/versions/root 1.py

)";

std::vector<std::string> ids(const std::vector<AlembicRevision>& revisions) {
    std::vector<std::string> result;
    for (const AlembicRevision& each : revisions) {
        result.push_back(each.id);
    }
    return result;
}

std::string code_of(const auto& call) {
    try {
        call();
    } catch (const Error& error) {
        return error.code();
    }
    return "";
}

}  // namespace

TEST_CASE("A history is read with parents, dependencies, labels and docs", "[import]") {
    const auto revisions = alembic::read_history(printed);
    CHECK(
        ids(revisions) == std::vector<std::string>{"root1", "left1", "right1", "left2", "merge1"}
    );
    CHECK(revisions[0].revises.empty());
    CHECK(revisions[0].message.empty());
    CHECK(revisions[0].path == "/p/versions/root 1.py");
    CHECK(revisions[2].depends_on == std::vector<std::string>{"left", "lef"});
    CHECK(revisions[3].message == "more of it");
    CHECK(revisions[3].create_date == "2025-11-03");
    CHECK(revisions[3].prose == std::vector<std::string>{"Why:", "Rev: not an entry"});
    CHECK(revisions[4].revises == std::vector<std::string>{"left2", "right1"});
    CHECK(revisions[4].labels_here == std::vector<std::string>{"left", "right"});
}

TEST_CASE(
    "Revisions come after what they depend on, by label or by the start of an id", "[import]"
) {
    auto revisions = alembic::read_history(printed);
    revisions[1].labels = {"left"};
    revisions[2].depends_on = {"left", "left2"};
    const auto sorted = alembic::in_order(revisions);
    CHECK(ids(sorted) == std::vector<std::string>{"root1", "left1", "left2", "right1", "merge1"});
    CHECK(sorted[3].depends_on == std::vector<std::string>{"left", "left2"});
    revisions[2].depends_on = {"left2"};
    CHECK(alembic::in_order(revisions)[3].depends_on == std::vector<std::string>{"left2"});
}

TEST_CASE("A history that can't be one is refused", "[import]") {
    auto revisions = alembic::read_history(printed);
    revisions[2].depends_on = {"lef"};  // left1 or left2
    CHECK(code_of([&] { (void)alembic::in_order(revisions); }) == "alembic_history");
    revisions[2].depends_on = {"merge1"};
    CHECK(code_of([&] { (void)alembic::in_order(revisions); }) == "alembic_history");
    const std::string twice = std::string(printed) + printed;
    CHECK(code_of([&] { (void)alembic::read_history(twice); }) == "alembic_history");
    CHECK(code_of([&] {
              (void)alembic::read_history("Rev: alone\nParent: <base>\n");
          }) == "alembic_history");
    CHECK(alembic::read_history("").empty());
}
