#include "central/revision/half_done.hpp"

namespace tapline::revision {

namespace {

constexpr std::string_view has_table_sql =
    "SELECT to_regclass('tapline.revision_progress') IS NOT NULL";
constexpr std::string_view create_table_sql = R"sql(
CREATE TABLE IF NOT EXISTS tapline.revision_progress (
    lineage text NOT NULL,
    revision_id text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('upgrade', 'downgrade')),
    digest text NOT NULL,
    pieces_done bigint NOT NULL,
    started boolean NOT NULL,
    before text NOT NULL,
    last_key text NOT NULL,
    rows_done bigint NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (lineage, revision_id)
)
)sql";
constexpr std::string_view read_sql =
    "SELECT revision_id, direction, digest, pieces_done, started, before, last_key, rows_done, "
    "to_char(began_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') "
    "FROM tapline.revision_progress WHERE lineage = $1 ORDER BY revision_id COLLATE \"C\"";
constexpr std::string_view write_sql =
    "INSERT INTO tapline.revision_progress AS p (lineage, revision_id, direction, digest, "
    "pieces_done, started, before, last_key, rows_done) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
    "ON CONFLICT (lineage, revision_id) DO UPDATE SET pieces_done = excluded.pieces_done, "
    "started = excluded.started, before = excluded.before, last_key = excluded.last_key, "
    "rows_done = excluded.rows_done";
constexpr std::string_view remove_sql =
    "DELETE FROM tapline.revision_progress WHERE lineage = $1 AND revision_id = $2";

}  // namespace

std::string_view half_done_table_sql() noexcept {
    return create_table_sql;
}

void HalfDoneLedger::bootstrap() {
    if (!session_.run(has_table_sql)[0].boolean(0)) {
        session_.run(create_table_sql);
    }
}

std::vector<HalfDone> HalfDoneLedger::all(LineageName lineage) {
    std::vector<HalfDone> found;
    if (!session_.run(has_table_sql)[0].boolean(0)) {
        return found;
    }
    const pg::Result rows = session_.query(read_sql, to_string(lineage));
    for (const pg::Row row : rows) {
        HalfDone one;
        one.lineage = lineage;
        one.id = row.text(0);
        one.direction = row.text(1) == "upgrade" ? Direction::upgrade : Direction::downgrade;
        one.digest = row.text(2);
        one.pieces = row.integer(3);
        one.started = row.boolean(4);
        one.before = row.text(5);
        one.last_key = row.text(6);
        one.rows = row.integer(7);
        one.began_at = row.text(8);
        found.push_back(std::move(one));
    }
    return found;
}

std::optional<HalfDone> HalfDoneLedger::find(LineageName lineage, const std::string& id) {
    for (HalfDone& one : all(lineage)) {
        if (one.id == id) {
            return std::move(one);
        }
    }
    return std::nullopt;
}

void HalfDoneLedger::write(const HalfDone& row) {
    session_.query(
        write_sql,
        to_string(row.lineage),
        row.id,
        to_string(row.direction),
        row.digest,
        row.pieces,
        row.started,
        row.before,
        row.last_key,
        row.rows
    );
}

void HalfDoneLedger::remove(const HalfDone& row) {
    session_.query(remove_sql, to_string(row.lineage), row.id);
}

}  // namespace tapline::revision
