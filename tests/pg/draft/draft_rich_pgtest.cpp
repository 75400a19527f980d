// A database with one of everything, drafted from nothing.
#include <algorithm>
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/pg/draft/lab.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

TEST_CASE("Draft.OfOneOfEverythingProposesOnlyWhatItCannotWrite") {
    PgCluster::shared().connect("postgres").run("CREATE ROLE cat_alice; CREATE ROLE cat_bob");
    std::ifstream file(TAPLINE_RICH_SCHEMA, std::ios::binary);
    std::ostringstream schema;
    schema << file.rdbuf();
    const Drafted drafted = draft_of("SELECT 1;", schema.str());
    check_sound(drafted, true);
    std::vector<std::string> proposed = drafted.proposed;
    std::sort(proposed.begin(), proposed.end());
    proposed.erase(std::unique(proposed.begin(), proposed.end()), proposed.end());
    for (const std::string& each : drafted.decide) {
        CHECK_FALSE(each.starts_with("the draft doesn't bring about"));
        CHECK_FALSE(each.starts_with("PostgreSQL can't read"));
    }
    const std::vector<std::string> by_hand{
        "aggregate longest(text)",
        "cast (mood AS integer)",
        "conversion my_conversion",
        "default privileges of @owner in schema store on tables",
        "default privileges of @owner on functions",
        "foreign table remote",
        "foreign-data wrapper nowhere",
        "function add_tax(numeric, numeric)",  // PUBLIC may not execute it
        "function of access method function 1 (integer, integer) of backwards USING btree",
        "index guest_backwards_idx",  // stands on the operator class
        "operator class backwards USING btree",
        "operator family backwards USING btree",
        "operator of access method operator 1 (integer, integer) of backwards USING btree",
        "operator of access method operator 2 (integer, integer) of backwards USING btree",
        "operator of access method operator 3 (integer, integer) of backwards USING btree",
        "operator of access method operator 4 (integer, integer) of backwards USING btree",
        "operator of access method operator 5 (integer, integer) of backwards USING btree",
        "operator store.<<<>>>(integer, integer)",
        "operator ~~~(integer, integer)",
        "server far",
        "table store.keg",  // belongs to somebody else
        "table typed",
        "text search configuration beer",
        "type store.size",  // comments on its attributes
        "user mapping for cat_alice server far",
    };
    CHECK(proposed == by_hand);
}

}  // namespace tapline::test
