// The check beside a journal that is open: what it finds, and that nobody waits for it.
#include "agent/journal/damage_check.hpp"

#include <future>
#include <thread>

#include <catch2/catch.hpp>

#include "tests/sqlite/damage.hpp"
#include "tests/sqlite/files.hpp"

using namespace std::chrono_literals;
using namespace tapline;
using namespace tapline::test;

namespace {

/// Damaged in the leaf that is looked at last: SQLite walks a b-tree from its end.
void make_large_and_damaged(const std::filesystem::path& file) {
    Plain writer(file);
    writer.exec(
        "PRAGMA page_size=4096; CREATE TABLE t (x);"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)"
        " INSERT INTO t SELECT zeroblob(100) FROM n"
    );
    const auto page = std::stoll(writer.one(
        "SELECT pageno FROM dbstat WHERE name = 't' AND pagetype = 'leaf' ORDER BY path LIMIT 1"
    ));
    flip_bit(file, (page - 1) * 4096 + 3, 7);
}

}  // namespace

TEST_CASE("a check tells damage, nothing of a sound file, and nothing once it was stopped") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_known_journal(file, {40, 20, 20});
    journal::DamageCheck check;
    CHECK(check.run(file, 60s).empty());
    const auto map = map_pages(file);
    flip_bit(file, (map.rows.begin()->first - 1) * map.page_size + 3, 7);
    CHECK_FALSE(check.run(file, 60s).empty());
    check.stop();
    CHECK(check.run(file, 60s).empty());
}

TEST_CASE("a check ends at its limit and when it is stopped, in the middle of a large b-tree") {
    const TempDir dir;
    const auto file = dir / "large.db";
    make_large_and_damaged(file);
    journal::DamageCheck check;
    REQUIRE_FALSE(check.run(file, 600s).empty());
    CHECK(check.run(file, 1ms).empty());
    auto running = std::async(std::launch::async, [&] { return check.run(file, 600s); });
    std::this_thread::sleep_for(5ms);
    check.stop();
    CHECK(running.get().empty());
}
