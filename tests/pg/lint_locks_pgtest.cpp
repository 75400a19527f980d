// What lint says of locks, rewrites, scans and refusals, held against a server: each case of
// hazards.txt is run in a transaction that is rolled back.
#include <algorithm>
#include <memory>

#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/lint/lock.hpp"
#include "common/error.hpp"
#include "tests/support/lint_cases.hpp"
#include "tests/support/pg_cluster.hpp"

namespace tapline::test {

namespace {

using lint::Hazard;
using lint::Lock;

/// Rows wherever a scan or a rewrite is to be seen, and nothing in them that a case trips over.
constexpr const char* rows =
    "INSERT INTO guests (guest_id, last_name, phone_number, nickname, balance, mood) SELECT "
    "format('00000000-0000-0000-0000-%s', lpad(g::text, 12, '0'))::uuid, 'n', g::text, 'x', 0, "
    "'calm' FROM generate_series(1, 50) g;"
    "INSERT INTO taps (display_name, cleaned_by) SELECT 'tap', g FROM generate_series(1, 6) g;"
    "INSERT INTO pours (pour_id, client_tx_id, guest_id, tap_id, volume_ml, amount_charged, "
    "price_per_ml, note, code, tail_ml) SELECT gen_random_uuid(), g::text, "
    "format('00000000-0000-0000-0000-%s', lpad((1 + g % 50)::text, 12, '0'))::uuid, 1 + g % 5, "
    "300, "
    "5, 0.0167, g::text, g::text, 1 FROM generate_series(1, 200) g;"
    "INSERT INTO archive (id, pour_id, body) SELECT row_number() OVER (), pour_id, 'b' FROM pours "
    "LIMIT 100;"
    "INSERT INTO readings_loose (taken_on, value) SELECT '2026-02-01'::date + g, g FROM "
    "generate_series(1, 100) g;"
    "INSERT INTO readings_checked (taken_on, value) SELECT '2027-02-01'::date + g, g FROM "
    "generate_series(1, 100) g;"
    "INSERT INTO tokens (token) SELECT g::text FROM generate_series(1, 100) g;"
    "INSERT INTO readings (taken_on, value) VALUES ('2025-05-05', 1);"
    "INSERT INTO events (happened_on, kind) SELECT '2020-01-01'::date + g, 'x' FROM "
    "generate_series(1, 100) g;"
    "REFRESH MATERIALIZED VIEW pours_per_guest;";

/// Strongest lock on each relation of schema public that this transaction holds, strongest first.
/// Relations are those of before: what the transaction itself makes is nobody's.
constexpr const char* held_locks =
    "SELECT max(array_position(ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', "
    "'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', "
    "'AccessExclusiveLock'], l.mode)) FROM pg_locks l JOIN known k ON k.oid = l.relation WHERE "
    "l.pid "
    "= pg_backend_pid() AND l.locktype = 'relation'";

/// Of every table and index: a new file means that its rows were written again.
constexpr const char* files =
    "SELECT k.relname, c.relfilenode, k.relkind FROM known k JOIN pg_class c ON c.oid = k.oid "
    "WHERE "
    "k.relfilenode <> c.relfilenode";

/// Rows that sequential scans have returned, since the session last told the statistics.
constexpr const char* rows_read =
    "SELECT coalesce(sum(pg_stat_get_xact_tuples_returned(oid)), 0) FROM known WHERE relkind = 'r'";

/// schema.sql in a database of its own.
class Bar {
  public:
    Bar() { session_->run(lint_schema_text()); }

    /// Roles belong to the whole cluster.
    ~Bar() { session_->run("DROP OWNED BY reporting; DROP ROLE reporting"); }

    Bar(const Bar&) = delete;
    Bar& operator=(const Bar&) = delete;

    [[nodiscard]] pg::Session& session() const { return *session_; }

  private:
    TestDatabase database_{TestDatabase::Schema::empty};
    std::unique_ptr<pg::Session> session_ = std::make_unique<pg::Session>(database_.connect());
};

struct Observed {
    Lock lock = Lock::none;
    bool table_rewritten = false;
    std::int64_t rows_read = 0;
    std::string error;
};

std::int64_t count_rows_read(pg::Session& session) {
    return std::stoll(std::string(session.run(rows_read)[0].text(0)));
}

Observed observe(pg::Session& session, const LintCase& one) {
    Observed seen;
    pg::Transaction transaction(session);
    session.run(
        "CREATE TEMPORARY TABLE known ON COMMIT DROP AS SELECT oid, relname, relkind, relfilenode "
        "FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    );
    const std::int64_t before = count_rows_read(session);
    try {
        session.run(one.section.statements.front().text);
    } catch (const Error& error) {
        seen.error = error.what();
        return seen;
    }
    const pg::Result lock = session.run(held_locks);
    seen.lock = static_cast<Lock>(lock[0].optional_integer(0).value_or(0));
    for (const pg::Row& row : session.run(files)) {
        seen.table_rewritten = seen.table_rewritten || row.text(2) == "r";
    }
    seen.rows_read = count_rows_read(session) - before;
    return seen;
}

lint::Report lint_first(const LintCase& one) {
    lint::Catalog catalog = lint_schema();
    revision::Section first = one.section;
    first.statements.resize(1);
    return lint::lint_section(catalog, first, {one.title, revision::Direction::upgrade});
}

bool finds(const lint::Report& report, std::initializer_list<Hazard> hazards) {
    return std::any_of(report.findings.begin(), report.findings.end(), [&](const auto& each) {
        return std::count(hazards.begin(), hazards.end(), each.hazard) > 0;
    });
}

}  // namespace

TEST_CASE("LintLocks.ClaimsHoldOnAServer") {
    const Bar bar;
    pg::Session& session = bar.session();
    session.run(rows);
    int compared = 0;
    int rewritten = 0;
    int scanned = 0;
    for (const LintCase& one : read_lint_cases()) {
        if (one.text_only) {
            continue;
        }
        INFO(fmt::format("hazards.txt:{}: {}", one.line, one.section.statements.front().text));
        const Observed seen = observe(session, one);
        CHECK(seen.error == "");
        if (!seen.error.empty()) {
            continue;
        }
        const lint::Report report = lint_first(one);
        const bool rewrite = finds(report, {Hazard::table_rewrite});
        // TRUNCATE and REFRESH make new files of no old rows.
        const bool new_file = finds(report, {Hazard::blocks_reads_and_writes, Hazard::data_loss});
        CHECK((seen.table_rewritten == rewrite || new_file));
        const bool reads = finds(report, {Hazard::full_scan_under_lock});
        if (reads) {
            CHECK(seen.rows_read > 0);
        }
        if (finds(report, {Hazard::cannot_be_checked})) {
            continue;
        }
        if (!report.findings.empty()) {
            CHECK(lint::to_string(report.findings.front().lock) == lint::to_string(seen.lock));
            ++compared;
        } else {
            // Nothing found: it neither reads nor rewrites under a lock that stops everybody.
            CHECK((seen.lock != Lock::access_exclusive || seen.rows_read == 0));
        }
        rewritten += rewrite ? 1 : 0;
        scanned += reads ? 1 : 0;
    }
    CHECK(compared > 80);
    CHECK(rewritten > 15);
    CHECK(scanned > 6);
}

TEST_CASE("LintLocks.WhatIsRefusedInATransactionIsRefused") {
    const Bar bar;
    pg::Session& session = bar.session();
    int refused = 0;
    for (const LintCase& one : read_lint_cases()) {
        const lint::Report report = lint_first(one);
        if (!finds(report, {Hazard::not_allowed_in_transaction})) {
            continue;
        }
        INFO(fmt::format("hazards.txt:{}: {}", one.line, one.section.statements.front().text));
        pg::Transaction transaction(session);
        std::string sqlstate;
        try {
            session.run(one.section.statements.front().text);
        } catch (const Error& error) {
            sqlstate = error.sqlstate();
        }
        CHECK(sqlstate == "25001");
        ++refused;
    }
    CHECK(refused >= 8);
}

TEST_CASE("LintLocks.AnEnumValueUsedTooEarlyIsRefused") {
    const Bar bar;
    pg::Session& session = bar.session();
    int refused = 0;
    for (const LintCase& one : read_lint_cases()) {
        const auto used =
            std::find_if(one.expected.begin(), one.expected.end(), [](const auto& each) {
                return each.contains("enum_value_used_too_early");
            });
        if (used == one.expected.end()) {
            continue;
        }
        INFO(fmt::format("hazards.txt:{}: {}", one.line, one.title));
        pg::Transaction transaction(session);
        std::string sqlstate;
        for (const revision::Statement& each : one.section.statements) {
            try {
                session.run(each.text);
            } catch (const Error& error) {
                sqlstate = error.sqlstate();
                break;
            }
        }
        CHECK(sqlstate == "55P04");
        ++refused;
    }
    CHECK(refused >= 3);
}

}  // namespace tapline::test
