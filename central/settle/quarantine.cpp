#include "central/settle/quarantine.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "central/settle/journal_shapes.hpp"
#include "central/settle/ladder.hpp"
#include "central/settle/pour_time.hpp"
#include "central/settle/prepare.hpp"
#include "central/settle/repair.hpp"
#include "central/settle/rows.hpp"
#include "central/settle/salvaged_twin.hpp"
#include "central/settle/statements.hpp"
#include "common/error.hpp"
#include "common/log.hpp"
#include "common/test_pour.hpp"
#include "common/wire.hpp"

namespace tapline::settle {

namespace {

constexpr const char* lock_timeout = "2s";

constexpr pg::Statement list_items{
    "quar_list",
    "SELECT q.quarantine_id, j.controller, q.journal_id, q.epoch, q.seq, q.revision, q.code,"
    " q.detail, q.state, q.client_tx_id,"
    " to_char(q.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), q.raw"
    " FROM tapline.quarantine q JOIN tapline.journal j ON j.journal_id = q.journal_id"
    " WHERE ($1::text = '' OR q.code = $1::text)"
    " AND ($2::text = '' OR q.journal_id::text = $2::text)"
    " AND (q.state = 'waiting' OR $3::boolean) AND q.quarantine_id > $4::bigint"
    " ORDER BY q.quarantine_id LIMIT $5::bigint"};

constexpr pg::Statement list_decisions{
    "quar_decisions",
    "SELECT d.action, d.who, d.reason, d.outcome,"
    " to_char(d.decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
    " FROM tapline.quarantine_decision d WHERE d.quarantine_id = $1::bigint"
    " ORDER BY d.decision_id LIMIT 100"};

// The same columns as list_items, of a row that has left the quarantine.
constexpr pg::Statement find_decided{
    "quar_decided",
    "SELECT d.quarantine_id, coalesce(j.controller, ''), d.journal_id, d.epoch, d.seq, '', d.code,"
    " '', d.outcome, NULL::text,"
    " to_char(d.decided_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), d.raw, d.who"
    " FROM tapline.quarantine_decision d"
    " LEFT JOIN tapline.journal j ON j.journal_id = d.journal_id"
    " WHERE d.quarantine_id = $1::bigint ORDER BY d.decision_id DESC LIMIT 1"};

constexpr pg::Statement lock_item{
    "quar_lock",
    "SELECT q.journal_id, q.epoch, q.seq, q.row_hash, q.revision, q.raw, q.code, q.state,"
    " q.time_quality, (extract(epoch FROM q.recorded_at) * 1000000)::bigint,"
    " (extract(epoch FROM q.corrected_at) * 1000000)::bigint,"
    " (extract(epoch FROM q.created_at) * 1000000)::bigint"
    " FROM tapline.quarantine q WHERE q.quarantine_id = $1::bigint FOR UPDATE"};

constexpr pg::Statement take_out{
    "quar_out", "DELETE FROM tapline.quarantine WHERE quarantine_id = $1::bigint"};

constexpr pg::Statement note_reason{
    "quar_reason",
    "UPDATE tapline.quarantine SET code = $2::text, detail = $3::text"
    " WHERE quarantine_id = $1::bigint"};

constexpr pg::Statement mark_dismissed{
    "quar_dismiss",
    "UPDATE tapline.quarantine SET state = 'dismissed' WHERE quarantine_id = $1::bigint"};

constexpr pg::Statement log_decision{
    "quar_log",
    "INSERT INTO tapline.quarantine_decision (quarantine_id, journal_id, epoch, seq, row_hash, raw,"
    " code, action, who, reason, outcome, pour_id)"
    " VALUES ($1::bigint, $2::uuid, $3::bigint, $4::bigint, $5::bytea, $6::bytea, $7::text,"
    " $8::text, $9::text, $10::text, $11::text, $12::uuid)"};

// The journal's row lock orders the releases of a journal: an id is visible only after all below
// it.
constexpr pg::Statement add_release{
    "quar_release",
    "WITH next AS (UPDATE tapline.journal SET last_release = last_release + 1"
    "  WHERE journal_id = $1::uuid RETURNING journal_id, last_release)"
    " INSERT INTO tapline.release (journal_id, id, epoch, seq, outcome)"
    " SELECT n.journal_id, n.last_release, $2::bigint, $3::bigint, $4::text FROM next n"};

constexpr pg::Statement find_environment{
    "quar_env", "SELECT s.value FROM tapline.setting s WHERE s.key = 'environment'"};

/// The row under its lock.
struct Item {
    std::int64_t id = 0;
    std::string journal_id;
    std::int64_t epoch = 0;
    std::string revision;
    RowHash hash{};
    std::string raw_bytes;
    RawPour raw;
    std::string code;
    PourTime time;
    std::int64_t received_us = 0;
};

[[noreturn]] void not_there(pg::Session& session, std::int64_t id) {
    const auto decided = session.exec(find_decided, id);
    if (!decided.empty()) {
        throw Error(
            ErrorKind::refused,
            "decided",
            fmt::format(
                "pour {} has left the quarantine: {} by {} at {}",
                id,
                decided[0].text(8),
                decided[0].text(12),
                decided[0].text(10)
            ),
            fmt::format("nothing was changed; `tapline-central quarantine show {}` has it all", id)
        );
    }
    throw Error(
        ErrorKind::usage,
        "not_in_quarantine",
        fmt::format("no pour {} is in quarantine", id),
        "`tapline-central quarantine list` shows what waits"
    );
}

void begin_move(pg::Session& session) {
    const auto begun = session.exec(sql::begin, lock_timeout);
    const auto reason = begun[0].optional_text(1);
    if (reason || !begun[0].boolean(0)) {
        throw Error(
            ErrorKind::refused,
            "hold",
            fmt::format("central is on hold: {}", reason.value_or("it is being changed")),
            "try again when the hold is over"
        );
    }
}

PourTime stored_time(const pg::Row& row) {
    PourTime time;
    time.quality = time_quality(row.text(8));
    time.recorded_us = row.optional_integer(9);
    time.corrected_us = row.optional_integer(10);
    time.poured_us = time.corrected_us.value_or(row.integer(11));
    return time;
}

Item lock(pg::Session& session, std::int64_t id) {
    const auto found = session.exec(lock_item, id);
    if (found.empty()) {
        not_there(session, id);
    }
    const auto row = found[0];
    if (row.text(7) != "waiting") {
        throw Error(
            ErrorKind::refused,
            "dismissed",
            fmt::format("pour {} was dismissed", id),
            "`tapline-central quarantine show` tells by whom and why"
        );
    }
    Item item;
    item.id = id;
    item.journal_id = row.text(0);
    item.epoch = row.integer(1);
    const auto hash = row.bytes(3);
    std::copy_n(hash.begin(), std::min(hash.size(), item.hash.size()), item.hash.begin());
    item.revision = row.text(4);
    item.raw_bytes = row.bytes(5);
    item.raw = wire::decode_row(item.raw_bytes);
    item.code = row.text(6);
    item.time = stored_time(row);
    item.received_us = row.integer(11);
    return item;
}

std::string hex_literal(std::string_view bytes) {
    std::string literal = "\\x";
    for (const char c : bytes) {
        literal += fmt::format("{:02x}", static_cast<unsigned char>(c));
    }
    return literal;
}

void log(
    pg::Session& session,
    const Item& item,
    const std::string& action,
    const OperatorWord& word,
    const MoveResult& result
) {
    std::optional<std::string> pour_id;
    if (!result.pour_id.empty()) {
        pour_id = result.pour_id;
    }
    session.exec(
        log_decision,
        item.id,
        item.journal_id,
        item.epoch,
        item.raw.seq,
        hex_literal(hash_bytes(item.hash)),
        hex_literal(item.raw_bytes),
        item.code,
        action,
        word.who,
        word.reason,
        result.outcome,
        pour_id
    );
}

void tell_journal(pg::Session& session, const Item& item, const std::string& outcome) {
    session.exec(add_release, item.journal_id, item.epoch, item.raw.seq, outcome);
}

/// An uncertain time was told by the row itself; what the row says may have been mended since.
PourTime time_for(const Item& item, const CleanPour& pour) {
    if (item.time.corrected_us) {
        return item.time;
    }
    ClockView view;
    view.received_us = item.received_us;
    return pour_time(pour, view);
}

Decision settle_item(
    pg::Session& session,
    const Item& item,
    const std::variant<CleanPour, Rejection>& pour,
    const std::string& keg_id,
    const DecideOptions& options,
    std::string& pour_id
) {
    const auto* clean = std::get_if<CleanPour>(&pour);
    const auto time = clean != nullptr ? time_for(item, *clean) : item.time;
    std::vector<SettleRow> rows(1);
    rows[0].journal_id = &item.journal_id;
    rows[0].epoch = item.epoch;
    rows[0].revision = &item.revision;
    rows[0].raw = &item.raw;
    rows[0].hash = &item.hash;
    rows[0].pour = &pour;
    rows[0].time = &time;
    rows[0].keg_id = keg_id;
    try {
        pg::Savepoint savepoint(session);
        settle_rows(session, rows, options);
        savepoint.release();
    } catch (const Error& error) {
        if (classify(error) != Fault::row) {
            throw;
        }
        const auto& name = error.sqlstate().empty() ? error.code() : error.sqlstate();
        return Rejection{fmt::format("settle_error/{}", name), error.what()};
    }
    pour_id = rows[0].pour_id;
    return *rows[0].decision;
}

MoveResult conclude(
    pg::Session& session, const Item& item, const Decision& decision, const std::string& pour_id
) {
    MoveResult result;
    result.id = item.id;
    if (const auto* rejection = std::get_if<Rejection>(&decision)) {
        result.outcome = "waiting";
        result.code = rejection->code;
        result.detail = printable(rejection->detail);
        session.exec(note_reason, item.id, result.code, result.detail);
        if (result.code == test_pour_code) {
            result.outcome = "dismissed";
            session.exec(mark_dismissed, item.id);
            // "settled": its row in the journal ends as it would have if it had come here at once.
            tell_journal(session, item, "settled");
        }
        return result;
    }
    const auto* duplicate = std::get_if<Duplicate>(&decision);
    result.outcome = duplicate != nullptr ? "duplicate" : "settled";
    result.pour_id = duplicate != nullptr ? duplicate->pour_id : pour_id;
    session.exec(take_out, item.id);
    tell_journal(session, item, "settled");
    return result;
}

QuarantineItem read_item(const pg::Row& row) {
    QuarantineItem item;
    item.id = row.integer(0);
    item.controller = row.text(1);
    item.journal_id = row.text(2);
    item.epoch = row.integer(3);
    item.seq = row.integer(4);
    item.revision = row.text(5);
    item.code = row.text(6);
    item.detail = row.text(7);
    item.state = row.text(8);
    item.client_tx_id = row.optional_text(9);
    item.created_at = row.text(10);
    item.raw = row.bytes(11);
    return item;
}

}  // namespace

std::vector<QuarantineItem> list_quarantine(pg::Session& session, const QuarantineFilter& filter) {
    std::vector<QuarantineItem> items;
    for (const auto row : session.exec(
             list_items,
             filter.code,
             filter.journal_id,
             filter.dismissed,
             filter.after_id,
             std::clamp<std::int64_t>(filter.limit, 0, max_listed)
         )) {
        items.push_back(read_item(row));
    }
    return items;
}

QuarantineItem find_quarantined(pg::Session& session, std::int64_t id) {
    QuarantineFilter filter;
    filter.dismissed = true;
    filter.after_id = id - 1;
    filter.limit = 1;
    auto items = list_quarantine(session, filter);
    if (!items.empty() && items.front().id == id) {
        return std::move(items.front());
    }
    const auto decided = session.exec(find_decided, id);
    if (decided.empty()) {
        not_there(session, id);
    }
    return read_item(decided[0]);
}

std::vector<PastDecision> decisions_on(pg::Session& session, std::int64_t id) {
    std::vector<PastDecision> decisions;
    for (const auto row : session.exec(list_decisions, id)) {
        decisions.push_back(
            {std::string(row.text(0)),
             std::string(row.text(1)),
             std::string(row.text(2)),
             std::string(row.text(3)),
             std::string(row.text(4))}
        );
    }
    return decisions;
}

MoveResult retry_quarantined(pg::Session& session, std::int64_t id, const OperatorWord& word) {
    pg::Transaction transaction(session);
    begin_move(session);
    const auto item = lock(session, id);
    RawPour scratch;
    std::variant<CleanPour, Rejection> pour =
        check_pour(translated(item.revision, item.raw, scratch));
    if (item.code == "row_too_large") {
        // The row was cut: what is left may look whole and isn't.
        pour = Rejection{item.code, "the row came cut; resolve it by hand"};
    }
    DecideOptions options;
    options.price_from_journal = word.price_from_journal;
    std::string pour_id;
    const auto decision = settle_item(session, item, pour, "", options, pour_id);
    auto result = conclude(session, item, decision, pour_id);
    log(session, item, "retry", word, result);
    transaction.commit();
    return result;
}

MoveResult resolve_quarantined(
    pg::Session& session, std::int64_t id, const Override& instead, const OperatorWord& word
) {
    pg::Transaction transaction(session);
    begin_move(session);
    const auto item = lock(session, id);
    DecideOptions options;
    options.price_from_journal = word.price_from_journal;
    options.operator_decided = true;
    std::string pour_id;
    auto words = instead;
    words.new_id = words.new_id || item.code == "conflict";
    RawPour scratch;
    const auto& row = translated(item.revision, item.raw, scratch);
    refuse_settled_twin(session, id, row);
    const auto pour = repair(row, item.hash, words);
    const auto decision = settle_item(session, item, pour, instead.keg_id, options, pour_id);
    auto result = conclude(session, item, decision, pour_id);
    log(session, item, "resolve", word, result);
    transaction.commit();
    return result;
}

MoveResult dismiss_quarantined(pg::Session& session, std::int64_t id, const OperatorWord& word) {
    pg::Transaction transaction(session);
    begin_move(session);
    const auto environment = session.exec(find_environment);
    if (environment.empty() || environment[0].text(0) == "production") {
        throw Error(
            ErrorKind::refused,
            "production",
            "this is a production database: a pour isn't dismissed outside a change",
            "resolve it with a reason, or leave it waiting; nothing is lost"
        );
    }
    const auto item = lock(session, id);
    MoveResult result;
    result.id = id;
    result.outcome = "dismissed";
    session.exec(mark_dismissed, id);
    tell_journal(session, item, result.outcome);
    log(session, item, "dismiss", word, result);
    transaction.commit();
    return result;
}

}  // namespace tapline::settle
