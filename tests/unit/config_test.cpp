#include "common/config.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <tuple>

#include <unistd.h>

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

namespace {

std::filesystem::path written(const std::string& text) {
    const auto file = std::filesystem::temp_directory_path() /
                      ("tapline-config-" + std::to_string(::getpid()) + ".toml");
    std::ofstream(file, std::ios::binary) << text;
    return file;
}

}  // namespace

TEST_CASE("A file is read around what is wrong in it, and each trouble is told with its line") {
    std::vector<Error> troubles;
    const auto file = written(
        "journal = \"/a.db\"\n"
        "central = https://no.quotes\n"
        "name = 3\n"
        "keep_days = 1.5\n"
        "nane = \"x\"\n"
        "log_level = \"warn\"\n"
    );
    auto config = ConfigFile::read_around(file, true, troubles);
    CHECK(config.texts("journal") == std::vector<std::string>{"/a.db"});
    CHECK_FALSE(config.text("central"));
    CHECK_FALSE(config.text("name"));
    CHECK_FALSE(config.integer("keep_days", 0, 9));
    CHECK(config.text("log_level") == "warn");
    config.finish();
    REQUIRE(troubles.size() == 4);
    for (const auto* line : {":2:", ":3:", ":4:", ":5:"}) {
        CHECK(std::any_of(troubles.begin(), troubles.end(), [line](const Error& trouble) {
            return std::string(trouble.what()).find(line) != std::string::npos;
        }));
    }
    std::filesystem::remove(file);
}

TEST_CASE("A file without an end to its bad lines counts as empty, after 32 of them") {
    std::vector<Error> troubles;
    std::string text;
    for (int i = 0; i < 40; ++i) {
        text += "bad line\n";
    }
    const auto file = written(text + "a = 1\n");
    auto config = ConfigFile::read_around(file, true, troubles);
    CHECK_FALSE(config.integer("a", 0, 9));
    CHECK(troubles.size() == 33);
    troubles.clear();
    const auto open = written("a = 1\nb = \"\"\"never closed\n\n\n");
    auto around = ConfigFile::read_around(open, true, troubles);
    CHECK(around.integer("a", 0, 9) == 1);
    CHECK_FALSE(troubles.empty());
    troubles.clear();
    CHECK_FALSE(ConfigFile::read_around("no-such-file.toml", true, troubles).has("a"));
    CHECK(troubles.size() == 1);
    std::filesystem::remove(file);
}
