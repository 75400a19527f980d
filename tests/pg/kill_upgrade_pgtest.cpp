// SIGKILL before, while and after every statement of a long upgrade; the next run goes on each
// time.
#include <csignal>
#include <random>
#include <thread>

#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "tests/pg/revision_lab.hpp"

namespace tapline::test {

namespace {

using revision::Runner;
using revision::StatementProgress;

constexpr int revisions = 20;
constexpr int rows = 400;

enum class Moment { before, during, after };

struct Point {
    std::string revision;
    std::size_t statement = 0;
    Moment moment = Moment::before;
};

std::string id_of(int number) {
    return fmt::format("r{:03}", number);
}

/// Insert-only, and slow enough to be killed in.
std::string probe(int number, int statement) {
    return fmt::format(
        "INSERT INTO probe (revision, statement) SELECT {}, {} FROM pg_sleep(0.003);\n",
        number,
        statement
    );
}

std::string batch(int number) {
    return fmt::format(
        "-- tapline: batch table=t{0} key=id rows=100 until=\"n = 0\"\n"
        "UPDATE t{0} SET n = n + 1 FROM pg_sleep(0.002) WHERE id = ANY(:keys);\n",
        number
    );
}

std::string filled_table(int number) {
    return fmt::format(
        "CREATE TABLE t{0} (id int PRIMARY KEY, n int NOT NULL, x int);\n"
        "CREATE TYPE e{0} AS ENUM ('a');\n"
        "INSERT INTO t{0} (id, n, x) SELECT i, 0, i FROM generate_series(1, {1}) i;\n"
        "ALTER TABLE t{0} ADD CONSTRAINT c{0} CHECK (x > 0) NOT VALID;\n"
        "CREATE INDEX old{0} ON t{0} (n);\n",
        number,
        rows
    );
}

/// In turn: tables in one transaction, what runs alone on them, batch steps between ordinary
/// statements, and ordinary statements only.
void write_revision(const Files& files, int number) {
    const std::string before = number == 1 ? "" : id_of(number - 1);
    const int table = number - (number - 1) % 4;
    std::string sql;
    std::string options;
    switch ((number - 1) % 4) {
        case 0:
            sql = (number == 1 ? "CREATE TABLE probe (revision int, statement int);\n" : "") +
                  probe(number, 1) + filled_table(number) + probe(number, 2);
            break;
        case 1:
            options = " transaction=off";
            sql = fmt::format(
                "CREATE INDEX CONCURRENTLY x{0} ON t{0} (x);\n"
                "ALTER TYPE e{0} ADD VALUE IF NOT EXISTS 'b';\n"
                "ALTER TABLE t{0} VALIDATE CONSTRAINT c{0};\n"
                "DROP INDEX CONCURRENTLY old{0};\n"
                "REINDEX INDEX CONCURRENTLY x{0};\n"
                "ANALYZE t{0};\n",
                table
            );
            break;
        case 2:
            sql = probe(number, 1) + batch(table) + probe(number, 2) + probe(number, 3);
            break;
        default:
            sql = probe(number, 1) + fmt::format("ALTER TABLE t{} ADD y int;\n", table) +
                  probe(number, 2);
            break;
    }
    files.write(id_of(number), before, sql, "", options);
}

std::vector<Point> points_of(const revision::LineageSet& set) {
    std::vector<Point> points;
    for (const revision::Revision& each : set.front().lineage.revisions()) {
        for (std::size_t i = 0; i < each.upgrade.statements.size(); ++i) {
            for (const Moment moment : {Moment::before, Moment::during, Moment::after}) {
                points.push_back({each.id, i, moment});
            }
        }
        points.push_back({each.id, each.upgrade.statements.size(), Moment::before});
    }
    return points;
}

/// `upgrade` to that revision in a process of its own, which dies at that point. False: it got to
/// the end, because the statement was done before.
bool killed_at(
    const TestDatabase& database, const revision::LineageSet& set, const Point& point, int delay_us
) {
    const pid_t child = fork();
    if (child == 0) {
        revision::RunOptions options = options_for(database);
        options.progress = [&](const StatementProgress& at) {
            if (at.revision.id != point.revision || at.statement != point.statement ||
                at.executed != (point.moment == Moment::after)) {
                return;
            }
            if (point.moment != Moment::during) {
                kill(getpid(), SIGKILL);
            }
            std::thread([delay_us] {
                usleep(static_cast<useconds_t>(delay_us));
                kill(getpid(), SIGKILL);
            }).detach();
        };
        try {
            Runner(set, options).upgrade(point.revision);
        } catch (const Error& error) {
            fmt::print(stderr, "{}\n", error.what());
            _exit(1);
        }
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    REQUIRE((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
    return WIFSIGNALED(status);
}

std::string catalog_of(pg::Session& session) {
    return std::string(
        session
            .run("SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM ("
                 "SELECT format('%s %s %s', attrelid::regclass, attname, format_type(atttypid, "
                 "atttypmod)) "
                 "AS line FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
                 "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND attnum > 0 "
                 "UNION ALL SELECT pg_get_indexdef(indexrelid) || indisvalid::text FROM pg_index "
                 "JOIN pg_class c ON c.oid = indexrelid WHERE c.relnamespace = "
                 "'public'::regnamespace "
                 "UNION ALL SELECT conname || convalidated::text FROM pg_constraint "
                 "WHERE connamespace = 'public'::regnamespace "
                 "UNION ALL SELECT enumtypid::regtype::text || enumlabel FROM pg_enum "
                 "UNION ALL SELECT 'version ' || version_num FROM public.alembic_version) AS lines"
            )[0]
            .text(0)
    );
}

}  // namespace

TEST_CASE("KillUpgrade.EveryStatementTakesEffectOnceHoweverOftenTheRunnerDies") {
    const auto seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random(seed);
    std::uniform_int_distribution<int> delay(0, 5'000);
    Files files;
    for (int number = 1; number <= revisions; ++number) {
        write_revision(files, number);
    }
    const revision::LineageSet set = files.load();
    const std::vector<Point> points = points_of(set);

    TestDatabase undisturbed(TestDatabase::Schema::empty);
    Runner(set, options_for(undisturbed)).upgrade("heads");
    pg::Session expected = undisturbed.connect();

    TestDatabase database(TestDatabase::Schema::empty);
    std::array<int, 3> kills{};
    for (const Point& point : points) {
        if (killed_at(database, set, point, delay(random))) {
            ++kills[static_cast<std::size_t>(point.moment)];
        }
    }
    Runner(set, options_for(database)).upgrade("heads");
    WARN(fmt::format(
        "seed {}: {} kills before, {} during, {} after a statement",
        seed,
        kills[0],
        kills[1],
        kills[2]
    ));
    CHECK(kills[0] >= 45);
    CHECK(kills[1] >= 20);
    CHECK(kills[2] >= 25);
    pg::Session session = database.connect();
    CHECK(catalog_of(session) == catalog_of(expected));
    CHECK(session.run("SELECT count(*) FROM tapline.revision_progress")[0].integer(0) == 0);
    constexpr std::string_view probes =
        "SELECT string_agg(format('%s.%s', revision, statement), ' ' ORDER BY revision, statement) "
        "FROM public.probe";
    CHECK(session.run(probes)[0].text(0) == expected.run(probes)[0].text(0));
    for (int number = 1; number <= revisions; number += 4) {
        const pg::Result counted = session.run(
            fmt::format("SELECT count(*), count(*) FILTER (WHERE n = 1) FROM public.t{}", number)
        );
        CHECK(counted[0].integer(0) == rows);
        CHECK(counted[0].integer(1) == rows);
    }
    CHECK(
        session.run("SELECT count(*) FROM tapline.revision_log WHERE outcome = 'done'")[0].integer(0
        ) == revisions
    );
}

}  // namespace tapline::test
