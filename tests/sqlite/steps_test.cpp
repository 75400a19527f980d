// A migration whose rows don't fit one transaction, in steps beside the tap.
#include <atomic>
#include <chrono>
#include <map>
#include <thread>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "agent/journal/adopt.hpp"
#include "agent/journal/check.hpp"
#include "agent/journal/journal.hpp"
#include "agent/journal/step_tables.hpp"
#include "tests/sqlite/files.hpp"

using namespace tapline;
using namespace tapline::test;
using revision::Direction;

namespace {

/// In steps from the first try on, without waiting for anybody.
journal::MigrateOptions in_steps(std::int64_t rows = 800) {
    journal::MigrateOptions options;
    options.steps->at_once = true;
    options.steps->max_rows = rows;
    options.steps->pause = std::chrono::milliseconds(0);
    return options;
}

/// Every cell of every pour, and the chain over them.
struct Contents {
    std::vector<std::string> rows;
    RowHash hash{};
    bool operator==(const Contents&) const = default;
};

Contents contents_of(const std::filesystem::path& file) {
    Contents contents;
    contents.rows = Plain(file).rows(
        "SELECT seq, quote(client_tx_id), quote(short_id), quote(card_uid), quote(tap_id), "
        "quote(start_ts), quote(end_ts), quote(duration_ms), quote(volume_ml), "
        "quote(tail_volume_ml), quote(price_cents), quote(status), quote(attempts), "
        "quote(price_per_ml_at_pour), quote(data), quote(recorded_at), quote(legacy_status) FROM "
        "pours ORDER BY seq"
    );
    const auto opened = journal::Journal::open(file);
    Seq acked = 0;
    while (const auto batch = opened->next_batch(acked, contents.hash, {})) {
        contents.hash = batch->hash;
        acked = batch->last_seq;
    }
    return contents;
}

void nothing_left_behind(const std::filesystem::path& file) {
    Plain database(file);
    CHECK(
        database.one("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'tapline_step%'") == "0"
    );
    CHECK(database.one("PRAGMA integrity_check") == "ok");
    CHECK(journal::check(file).problem.empty());
}

}  // namespace

TEST_CASE("in steps every shape of the field becomes what one transaction makes of it") {
    for (const auto& shape : field_shapes) {
        DYNAMIC_SECTION(shape.origin << " as " << shape.recognised) {
            const TempDir dir;
            make_journal(dir / "whole.db", shape, 230);
            make_journal(dir / "steps.db", shape, 230);

            const auto whole = journal::adopt(dir / "whole.db");
            const auto steps = journal::adopt(dir / "steps.db", in_steps(50));

            CHECK(whole.steps == 0);
            CHECK(steps.steps >= 5);
            CHECK(steps.rows == whole.rows);
            CHECK(steps.adopted_through == whole.adopted_through);
            CHECK(contents_of(dir / "steps.db") == contents_of(dir / "whole.db"));
            nothing_left_behind(dir / "steps.db");
        }
    }
}

namespace {

/// The tap's program: sets statuses of old pours and says which, until it is told to stop.
class StatusSetter {
  public:
    explicit StatusSetter(const std::filesystem::path& file)
        : thread_([this, file] {
              Plain database(file, 5000);
              for (int number = 1; !stop_; number = number % 2000 + 1) {
                  const std::string status = number % 2 == 0 ? "confirmed" : "failed";
                  const auto id = id_of(number);
                  if (database.run(fmt::format(
                          "UPDATE pours SET status = '{}', attempts = {} WHERE client_tx_id = '{}'",
                          status,
                          ++round_,
                          id
                      )) == 0) {
                      last_[id] = fmt::format("{}|{}", status, round_);
                  }
                  std::this_thread::sleep_for(std::chrono::milliseconds(1));
              }
          }) {}

    std::map<std::string, std::string> stop() {
        stop_ = true;
        thread_.join();
        return last_;
    }

  private:
    std::atomic<bool> stop_{false};
    int round_ = 0;
    std::map<std::string, std::string> last_;
    std::thread thread_;
};

}  // namespace

TEST_CASE("statuses that the tap sets on rows already copied are what it set last") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 4000);
    StatusSetter tap(file);
    auto options = in_steps(40);
    options.steps->pause = std::chrono::milliseconds(10);

    const auto report = journal::adopt(file, options);

    const auto last = tap.stop();
    CHECK(report.steps >= 100);
    CHECK(last.size() >= 200);
    Plain database(file);
    int wrong = 0;
    for (const auto& [id, value] : last) {
        wrong +=
            database.one("SELECT status, attempts FROM pours WHERE client_tx_id = '" + id + "'") ==
                    value
                ? 0
                : 1;
    }
    CHECK(wrong == 0);
    nothing_left_behind(file);
}

TEST_CASE("a journal goes down in steps and up again, and each pour keeps its hash") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen3", 300);
    journal::adopt(file);
    const auto before = contents_of(file);

    const auto down = journal::migrate_file(file, Direction::downgrade, "gen8", in_steps(50));
    CHECK(down.result.current == "gen8");
    CHECK(down.result.steps >= 6);
    CHECK(Plain(file).insert(release("gen8").insert, "between", 1) == 0);
    const auto up = journal::adopt(file, in_steps(50));

    CHECK(up.steps >= 6);
    auto after = contents_of(file);
    REQUIRE(after.rows.size() == 301);
    after.rows.pop_back();
    CHECK(after.rows == before.rows);
    nothing_left_behind(file);
}

TEST_CASE(
    "what misses its deadline goes in steps by itself, and what a tap wrote meanwhile is there"
) {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 5'000);
    Tap tap(file, {});
    auto options = in_steps();
    options.steps->at_once = false;
    options.deadline = std::chrono::milliseconds(1);

    const auto report = journal::adopt(file, options);

    const auto result = tap.stop();
    CHECK(result.failed == 0);
    CHECK(report.steps >= 7);
    CHECK(report.longest_lock.count() > 0);
    CHECK(Plain(file).one("SELECT count(*) FROM pours") == std::to_string(5'000 + result.written));
    nothing_left_behind(file);
}

TEST_CASE("rows that must be numbered anew can't go in steps: too_slow, and nothing has changed") {
    const TempDir dir;
    const auto file = dir / "local_journal.db";
    make_journal(file, "gen8", 3'000);
    Plain(file).exec("UPDATE pours SET rowid = -7 WHERE rowid = 5");
    const auto before = account_of(file);
    auto options = in_steps();
    options.steps->at_once = GENERATE(false, true);
    options.deadline = std::chrono::milliseconds(1);
    try {
        journal::adopt(file, options);
        FAIL("adopted");
    } catch (const Error& error) {
        CHECK(error.code() == "too_slow");
    }
    CHECK(account_of(file) == before);
    CHECK(Plain(file).one("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'tapline%'") == "0");
}
