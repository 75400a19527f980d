#include "common/log.hpp"

#include <catch2/catch.hpp>

#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/http.hpp"

using namespace tapline;  // NOLINT(google-build-using-namespace): test file

TEST_CASE("Text from outside can't break out of its log line") {
    CHECK(printable("a\nb\x1b[2J") == "a\\x0ab\\x1b[2J");
    CHECK(printable("\xff") == "\\xff");
    CHECK(printable("für") == "für");
    CHECK(printable(std::string(1'000, 'x')).size() < 310);
}

TEST_CASE("An error tells what happened and what to do") {
    const Error error(
        ErrorKind::refused,
        "locked",
        "journal a.db is in use by process 12",
        "stop tapline-agent.service first"
    );
    CHECK(
        render_error("tapline-agent", error) ==
        "tapline-agent: journal a.db is in use by process 12\n  What to do: stop "
        "tapline-agent.service first\n"
    );
    CHECK(exit_code(error.kind()) == 3);
    CHECK(exit_code(ErrorKind::usage) == 2);
    CHECK(exit_code(ErrorKind::unreachable) == 4);
    CHECK(exit_code(ErrorKind::storage_corrupt) == 5);
}

TEST_CASE("Header names are compared without case, and UTC is printed in full") {
    const http::Headers headers{{"Retry-After", "5"}, {"content-type", "a"}};
    CHECK(http::find(headers, "retry-after") == "5");
    CHECK(http::find(headers, "absent").empty());
    CHECK(
        format_utc(UtcTime(std::chrono::milliseconds(1'770'919'391'123))) ==
        "2026-02-12T18:03:11.123Z"
    );
}
