#include "agent/journal/test_pour.hpp"

#include <vector>

#include "agent/journal/identity.hpp"
#include "common/test_pour.hpp"

namespace tapline::journal {

namespace {

constexpr std::string_view sql_insert =
    "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, duration_ms, volume_ml, "
    "tail_volume_ml, price_cents, status, attempts, price_per_ml_at_pour) "
    "VALUES (?1, ?2, ?3, ?4, 0, 0, 0, 0, 'new', 0, 0.0)";
constexpr std::string_view sql_insert_whole =
    "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, start_ts, end_ts, duration_ms, "
    "volume_ml, tail_volume_ml, price_cents, status, attempts, price_per_ml_at_pour) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1000, 0, 0, 0, 'new', 0, 0.0)";
constexpr std::string_view sql_usual_tap =
    "SELECT tap_id FROM pours WHERE typeof(tap_id) = 'integer' ORDER BY seq DESC LIMIT 1";
constexpr std::string_view sql_status = "SELECT status FROM pours WHERE seq = ?1";
constexpr std::string_view sql_acked = "SELECT acked_through >= ?1 FROM tapline_journal";
constexpr std::string_view sql_hold =
    "UPDATE pours SET status = 'held' WHERE seq = ?1 AND status = 'new'";
constexpr std::string_view sql_leftovers =
    "SELECT seq FROM pours WHERE card_uid = ?1 AND status = 'new' "
    "AND seq > (SELECT acked_through FROM tapline_journal) ORDER BY seq DESC LIMIT 100";
constexpr std::string_view sql_sync_commits = "PRAGMA synchronous=FULL";
constexpr std::string_view sql_last_seq = "SELECT last_insert_rowid()";
constexpr std::size_t short_id_chars = 8;

}  // namespace

TestPours::TestPours(Database& database)
    : database_(database),
      insert_(database.prepare(sql_insert)),
      usual_tap_(database.prepare(sql_usual_tap)),
      status_(database.prepare(sql_status)),
      acked_(database.prepare(sql_acked)),
      hold_(database.prepare(sql_hold)) {
    database.exec(sql_sync_commits);
}

TestPour TestPours::write_by(Statement& insert, std::int64_t tap_id) {
    TestPour pour;
    const auto unique = make_uuid();
    pour.client_tx_id = std::string(test_id_prefix) + unique;
    insert.bind(1, pour.client_tx_id)
        .bind(2, unique.substr(0, short_id_chars))
        .bind(3, test_card_uid)
        .bind(4, tap_id)
        .run();
    pour.seq = database_.integer(sql_last_seq);
    return pour;
}

TestPour TestPours::write(std::int64_t tap_id) {
    return write_by(insert_, tap_id);
}

TestPour TestPours::write_for_every_release(std::int64_t tap_id, const std::string& utc) {
    auto insert = database_.prepare(sql_insert_whole);
    insert.bind(5, utc);
    return write_by(insert, tap_id);
}

std::int64_t TestPours::usual_tap() {
    const ResetAtExit at_exit(usual_tap_);
    return usual_tap_.step() ? usual_tap_.integer(0) : 1;
}

std::string TestPours::status(Seq seq) {
    const ResetAtExit at_exit(status_);
    return status_.bind(1, seq).step() ? status_.text(0) : std::string();
}

bool TestPours::acked(Seq seq) {
    const ResetAtExit at_exit(acked_);
    return acked_.bind(1, seq).step() && acked_.integer(0) != 0;
}

bool TestPours::hold(Seq seq) {
    return hold_.bind(1, seq).run() > 0;
}

std::int64_t TestPours::hold_leftovers() {
    // Looked for without the write lock: the backlog may be long.
    std::vector<Seq> found;
    auto leftovers = database_.prepare(sql_leftovers);
    leftovers.bind(1, test_card_uid);
    while (leftovers.step()) {
        found.push_back(leftovers.integer(0));
    }
    leftovers.reset();
    std::int64_t held = 0;
    for (const auto seq : found) {
        held += hold(seq) ? 1 : 0;
    }
    return held;
}

}  // namespace tapline::journal
