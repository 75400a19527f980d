// Runs as root only: root is who can have two users at hand.
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/check.hpp"
#include "agent/journal/journal.hpp"
#include "tests/sqlite/files.hpp"

namespace fs = std::filesystem;
using namespace tapline;
using namespace tapline::test;

namespace {

constexpr uid_t tap_user = 4711;
constexpr gid_t tap_group = 4712;
constexpr uid_t stranger = 4999;

void become(uid_t user, gid_t group) {
    if (::setresgid(group, group, group) != 0 || ::setresuid(user, user, user) != 0) {
        throw std::runtime_error("setresuid");
    }
}

uid_t owner_of(const fs::path& file) {
    struct stat status {};

    return ::stat(file.c_str(), &status) == 0 ? status.st_uid : 0;
}

void give(const fs::path& path) {
    REQUIRE(::chown(path.c_str(), tap_user, tap_group) == 0);
}

/// A journal that belongs to the tap's user, in a directory of its own.
fs::path make_owned(const TempDir& dir) {
    const auto file = dir / "local_journal.db";
    give(dir.path());
    REQUIRE(in_child([&] {
                become(tap_user, tap_group);
                make_journal(file, "gen8", 20);
            }) == 0);
    return file;
}

}  // namespace

TEST_CASE("root works on a journal as its owner, and the tap's program can go on writing") {
    if (::geteuid() != 0) {
        WARN("skipped: needs root");
        return;
    }
    const TempDir dir;
    const auto file = make_owned(dir);
    CHECK(in_child([&] {
              journal::adopt(file);
              const auto opened = journal::Journal::open(file);
              opened->mark_held(100, 100);
              opened->checkpoint();
              if (::geteuid() != tap_user || ::getegid() != tap_group || ::setuid(0) == 0) {
                  throw std::runtime_error("still root");
              }
              // As the agent is killed: -wal and -shm stay.
              ::_exit(0);
          }) == 0);
    for (const auto& entry : fs::directory_iterator(dir.path())) {
        CAPTURE(entry.path());
        CHECK(owner_of(entry.path()) == tap_user);
    }
    CHECK(fs::exists(file.string() + "-wal"));
    CHECK(in_child([&] {
              become(tap_user, tap_group);
              Plain writer(file);
              if (writer.insert(release("gen8").insert, "after", 1) != SQLITE_OK) {
                  throw std::runtime_error(writer.error());
              }
          }) == 0);
}

TEST_CASE("a fresh journal made by root belongs to the directory's owner") {
    if (::geteuid() != 0) {
        WARN("skipped: needs root");
        return;
    }
    const TempDir dir;
    give(dir.path());
    const auto file = dir / "fresh.db";
    CHECK(in_child([&] { journal::adopt(file); }) == 0);
    CHECK(owner_of(file) == tap_user);
}

TEST_CASE("another user is refused before anything is opened") {
    if (::geteuid() != 0) {
        WARN("skipped: needs root");
        return;
    }
    const TempDir dir;
    const auto file = make_owned(dir);
    fs::permissions(dir.path(), fs::perms::all);
    fs::permissions(
        file,
        fs::perms::owner_read | fs::perms::owner_write | fs::perms::others_read |
            fs::perms::others_write
    );
    const auto before = bytes_of(dir.path());
    CHECK(in_child([&] {
              become(stranger, stranger);
              try {
                  journal::adopt(file);
              } catch (const Error& error) {
                  const bool right = error.code() == "wrong_owner" &&
                                     exit_code(error.kind()) == 3 &&
                                     error.hint().find("sudo -u") != std::string::npos;
                  ::_exit(right ? 3 : 1);
              }
          }) == 3);
    CHECK(bytes_of(dir.path()) == before);
}

TEST_CASE("a -wal that a wrong user made is named with the fix") {
    if (::geteuid() != 0) {
        WARN("skipped: needs root");
        return;
    }
    const TempDir dir;
    const auto file = make_owned(dir);
    CHECK(in_child([&] {
              Plain wrong(file);
              wrong.exec("SELECT count(*) FROM pours");
              if (::chown((file.string() + "-wal").c_str(), 0, 0) != 0) {
                  ::_exit(1);
              }
              try {
                  journal::adopt(file);
              } catch (const Error& error) {
                  ::_exit(
                      error.code() == "wrong_owner" &&
                              error.hint().find("chown") != std::string::npos
                          ? 3
                          : 1
                  );
              }
          }) == 3);
}
