#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "central/settle/ladder.hpp"

namespace tapline::settle {

TEST_CASE("a SQLSTATE says whether a row, a lock or the session is at fault") {
    for (const std::string state :
         {"22003", "22P02", "23514", "23505", "P0001", "42P01", "0A000"}) {
        INFO(state);
        CHECK(classify(state) == Fault::row);
    }
    for (const std::string state : {"55P03", "40001", "40P01", "57014", "XX000", "54000"}) {
        INFO(state);
        CHECK(classify(state) == Fault::wait);
    }
    for (const std::string state :
         {"", "08006", "53100", "53300", "25006", "57P01", "57P03", "58030"}) {
        INFO(state);
        CHECK(classify(state) == Fault::session);
    }
}

TEST_CASE("an Error is classified by its kind first") {
    CHECK(classify(Error(ErrorKind::pg, "x", "x", "", "23514")) == Fault::row);
    CHECK(classify(Error(ErrorKind::unreachable, "in_doubt", "x")) == Fault::session);
    CHECK(
        classify(Error(ErrorKind::unreachable, "connection_lost", "x", "", "57P01")) ==
        Fault::session
    );
    CHECK(classify(Error(ErrorKind::data, "nul_byte", "x")) == Fault::row);
    CHECK(classify(Error(ErrorKind::bug, "result_type", "x")) == Fault::session);
}

}  // namespace tapline::settle
