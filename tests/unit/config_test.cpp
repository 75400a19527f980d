#include "common/config.hpp"

#include <tuple>

#include <catch2/catch.hpp>

#include "common/error.hpp"

using namespace tapline;  // NOLINT(google-build-using-namespace): test file
using Catch::Matchers::Contains;

TEST_CASE("Known keys are read with their types") {
    auto config = ConfigFile::parse(
        "name = \"tap-1\"\njournal = [\"a\", \"b\"]\n[retry]\nbase_ms = 50\non = true\n", "x.toml"
    );
    CHECK(config.text("name") == "tap-1");
    CHECK(config.texts("journal") == std::vector<std::string>{"a", "b"});
    CHECK(config.integer("retry.base_ms", 1, 100) == 50);
    CHECK(config.boolean("retry.on") == true);
    CHECK_FALSE(config.text("absent"));
    CHECK_NOTHROW(config.finish());
}

TEST_CASE("An unknown, mistyped or out-of-range key is an error that names its line") {
    auto config = ConfigFile::parse("a = 1\nb = \"x\"\nwal_pgaes = 5\n", "x.toml");
    CHECK_THROWS_WITH(config.text("a"), Contains("x.toml:1"));
    CHECK_THROWS_WITH(config.integer("b", 0, 5), Contains("x.toml:2"));
    CHECK_THROWS_WITH(config.integer("a", 2, 5), Contains("from 2 to 5"));
    CHECK_THROWS_WITH(config.finish(), Contains("x.toml:3") && Contains("wal_pgaes"));
    CHECK_THROWS_WITH(ConfigFile::parse("a = \n", "y.toml"), Contains("y.toml:1"));
    CHECK_THROWS_WITH(ConfigFile::parse("a = 1.5\n", "y.toml"), Contains("y.toml:1"));
    CHECK_THROWS_WITH(ConfigFile::parse("a = [1]\n", "y.toml"), Contains("list of texts"));
}

TEST_CASE("config: the hint on an unknown key names those that there are") {
    const auto hint_of = [](const std::string& line) {
        auto config = ConfigFile::parse(line, "x.toml");
        std::ignore = config.text("listen");
        std::ignore = config.integer("gateway.idle_ms", 1, 9);
        try {
            config.finish();
        } catch (const tapline::Error& error) {
            return error.hint();
        }
        return std::string("no error");
    };
    CHECK_THAT(hint_of("[gateway]\nidel_ms = 3"), Contains("[gateway] has idle_ms"));
    CHECK_THAT(hint_of("lisen = 'x'"), Contains("there are [gateway], listen"));
    CHECK_THAT(hint_of("[gate]\nidle_ms = 3"), Contains("there are [gateway], listen"));
}

TEST_CASE("A missing file is empty unless it was asked for") {
    CHECK_NOTHROW(ConfigFile::read("no-such-file.toml", false).finish());
    CHECK_THROWS_AS(ConfigFile::read("no-such-file.toml", true), Error);
}
