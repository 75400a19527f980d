#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "central/catalog/compare.hpp"
#include "central/catalog/snapshot_file.hpp"
#include "common/error.hpp"

namespace tapline::catalog {

namespace {

namespace fs = std::filesystem;

Snapshot sample() {
    Snapshot snapshot{"app", {"b", "a"}, {15, {}, {}}};
    Objects& objects = snapshot.catalog.objects;
    objects["table t"] = {
        {{"owner", "@owner"}, {"comment", "ü \"quoted\"\nline"}}, "", "", "public"};
    objects["table t column x"] = {{{"type", "integer"}}, "table t", "table p column x", "public"};
    objects["table t constraint \"a b\""] = {
        {{"definition", "CHECK (true)"}}, "table t", "", "public"};
    objects["index i"] = {{{"definition", "CREATE INDEX"}}, "table t", "", "public"};
    return snapshot;
}

std::string code_of(const std::string& text) {
    try {
        (void)parse_snapshot(text, "x.json");
    } catch (const Error& error) {
        return error.code();
    }
    return "none";
}

}  // namespace

TEST_CASE("Snapshot.ReadsWhatItWrote") {
    const Snapshot written = sample();
    const std::string text = snapshot_text(written);
    const Snapshot read = parse_snapshot(text, "x");
    CHECK(read.lineage == "app");
    CHECK(read.heads == written.heads);
    CHECK(read.catalog.server_major == 15);
    REQUIRE(read.catalog.objects.size() == 4);
    for (const auto& [name, object] : written.catalog.objects) {
        INFO(name);
        CHECK(read.catalog.objects.at(name).attributes == object.attributes);
        CHECK(read.catalog.objects.at(name).of == object.of);
        CHECK(read.catalog.objects.at(name).follows == object.follows);
    }
    CHECK(snapshot_text(read) == text);
}

TEST_CASE("Snapshot.HasOneObjectALine") {
    const std::string text = snapshot_text(sample());
    CHECK(
        text.find("\n\"index i\": {\"of\":\"table t\",\"definition\":\"CREATE INDEX\"},\n") !=
        std::string::npos
    );
    CHECK(text.ends_with("\n}\n}\n"));
}

TEST_CASE("Snapshot.IsNamedAfterItsHeads") {
    CHECK(snapshot_file_name({"0001_m1_baseline"}) == "0001_m1_baseline.json");
    CHECK(snapshot_file_name({"b", "a"}) == "a+b.json");
}

TEST_CASE("Snapshot.RefusesWhatIsNone") {
    const std::string good = snapshot_text(sample());
    CHECK(code_of(good) == "none");
    for (std::size_t length = 0; length + 2 < good.size(); ++length) {
        CHECK(code_of(good.substr(0, length)) == "snapshot");
    }
    const auto replaced = [&good](const std::string& a, const std::string& b) {
        std::string text = good;
        text.replace(text.find(a), a.size(), b);
        return text;
    };
    CHECK(code_of(replaced("\"format\": 1", "\"format\": 2")) == "snapshot");
    CHECK(code_of(replaced("\"app\"", "7")) == "snapshot");
    CHECK(code_of(replaced("\"integer\"", "5")) == "snapshot");
    CHECK(code_of("[]") == "snapshot");
    CHECK(code_of(std::string(100'000, '[')) == "snapshot");
}

TEST_CASE("Snapshot.IsFoundInTheDirectoryAndElseAmongTheBuiltInOnes") {
    using revision::LineageName;
    const fs::path directory = fs::temp_directory_path() / fmt::format("tapline-snap-{}", getpid());
    fs::create_directories(directory / "app");
    CHECK_FALSE(find_snapshot(directory, LineageName::app, {"a", "b"}));
    write_snapshot(snapshot_directory(directory, LineageName::app) / "a+b.json", sample());
    CHECK(fs::exists(directory / "app" / "snapshots" / "a+b.json"));
    CHECK(find_snapshot(directory, LineageName::app, {"b", "a"})->catalog.objects.size() == 4);
    // The directory hasn't got the lineage tapline: the built-in one counts.
    CHECK(find_snapshot(directory, LineageName::tapline, {"t0001_settling"}));
    CHECK_FALSE(find_snapshot(directory, LineageName::app, {"0001_m1_baseline"}));
    CHECK(find_snapshot(std::nullopt, LineageName::app, {"0001_m1_baseline"}));
    CHECK_FALSE(find_snapshot(std::nullopt, LineageName::app, {"nonesuch"}));
    std::ofstream(directory / "app" / "snapshots" / "a+b.json") << "{";
    CHECK_THROWS_AS(find_snapshot(directory, LineageName::app, {"a", "b"}), Error);
    fs::remove_all(directory);
}

}  // namespace tapline::catalog
