#include "agent/doctor/writer_sqlite.hpp"

#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

namespace tapline::test {

namespace fs = std::filesystem;
using namespace std::string_literals;

TEST_CASE("The WAL-reset bug is in every SQLite before its fix, and in no branch after it") {
    for (const auto* version :
         {"3.7.0", "3.34.1", "3.40.1", "3.44.5", "3.46.1", "3.50.6", "3.51.2"}) {
        CHECK(doctor::has_reset_bug(version));
    }
    for (const auto* version : {"3.44.6", "3.50.7", "3.51.3", "3.52.0", "3.100.0", "4.0.0"}) {
        CHECK_FALSE(doctor::has_reset_bug(version));
    }
}

TEST_CASE("The version of a library is a text of its own, or isn't told") {
    CHECK(doctor::version_in("\0003.40.1\0"s) == "3.40.1");
    CHECK(doctor::version_in("x\0003.40.1\0y\0003.40.1\0"s) == "3.40.1");
    CHECK(doctor::version_in("\0003.40.1\0\0003.41.0\0"s) == std::nullopt);
    for (const auto& none :
         {""s,
          "3.40.1\0"s,
          "\0003.40\0"s,
          "\0003..1\0"s,
          "\0003.4.\0"s,
          "\0003.40.1a\0"s,
          "\0003.40.12345678\0"s,
          "\0003.1.1"s.substr(0, 3)}) {
        CHECK(doctor::version_in(none) == std::nullopt);
    }
}

TEST_CASE("The SQLite that a process has mapped tells its version, without being asked") {
    const auto mapped = doctor::mapped_sqlite(doctor::Look("/"), ::getpid());
    REQUIRE(mapped);
    CHECK(mapped->version == sqlite3_libversion());
    CHECK_FALSE(doctor::mapped_sqlite(doctor::Look("/nowhere"), 1));
}

TEST_CASE("A library that was replaced or isn't SQLite doesn't tell") {
    const auto root = fs::temp_directory_path() / fmt::format("tapline-mapped-{}", ::getpid());
    fs::create_directories(root / "proc/7");
    std::ofstream(root / "proc/7/maps")
        << "55d0-55d1 r--p 00000000 fe:00 1    /usr/bin/python3.11\n"
        << "7f00-7f01 rw-p 00000000 00:00 0 \n"
        << "7f01-7f02 r--p 00000000 fe:00 2    /lib/libsqlite3.so.0 (deleted)\n";
    const auto mapped = doctor::mapped_sqlite(doctor::Look(root), 7);
    REQUIRE(mapped);
    CHECK(mapped->version.empty());
    CHECK(mapped->file == "/lib/libsqlite3.so.0 (deleted)");
    fs::remove_all(root);
}

}  // namespace tapline::test
