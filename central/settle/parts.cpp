#include "central/settle/parts.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "central/settle/problems.hpp"
#include "central/settle/shape_gate.hpp"
#include "central/settle/statements.hpp"
#include "common/test_hook.hpp"

namespace tapline::settle {

namespace {

using JournalKey = std::pair<std::string, std::int64_t>;

std::map<JournalKey, Cursor> lock_cursors(
    pg::Session& session, const std::vector<const Prepared*>& batches
) {
    pg::ArrayBuilder journals;
    pg::ArrayBuilder epochs;
    for (const auto* batch : batches) {
        journals.plain(batch->batch.journal_id);
        epochs.integer(batch->batch.epoch);
    }
    std::map<JournalKey, Cursor> cursors;
    for (const auto row : session.exec(sql::lock_cursors, journals, epochs)) {
        Cursor& cursor = cursors[{std::string(row.text(0)), row.integer(1)}];
        cursor.controller = row.text(2);
        cursor.cursor = row.integer(3);
        const auto hash = row.bytes(4);
        std::copy_n(hash.begin(), std::min(hash.size(), cursor.hash.size()), cursor.hash.begin());
        cursor.prunable_through = row.integer(5);
        cursor.last_release = row.integer(6);
        cursor.contested = row.boolean(7);
        cursor.closed = row.boolean(8);
        cursor.many_epochs = row.boolean(9);
    }
    return cursors;
}

void add_released(pg::Session& session, const Part& part, wire::Ack& ack) {
    const auto& batch = part.batch->batch;
    if (part.cursor.last_release <= batch.released_through) {
        return;
    }
    for (const auto row :
         session.exec(sql::find_released, batch.journal_id, batch.epoch, batch.released_through)) {
        ack.released.push_back({row.integer(0), row.integer(1), std::string(row.text(2))});
    }
}

/// Rows settled earlier: an agent that lost our answer asks what became of them.
void add_quarantined(pg::Session& session, const Part& part, wire::Ack& ack) {
    const auto& batch = part.batch->batch;
    for (const auto row : session.exec(
             sql::find_quarantined,
             batch.journal_id,
             batch.epoch,
             batch.first_seq,
             batch.rows[part.first - 1].seq
         )) {
        ack.quarantined.push_back(
            {row.integer(0), std::string(row.text(1)), std::string(row.text(2))}
        );
    }
}

/// A batch that ends behind the cursor is acked only if its last row is known to be the one that
/// was settled or kept: the chain ties all rows before it to that one. A row that was a duplicate
/// left no trace, so the agent compares chains with a hello then.
std::optional<wire::Problem> check_behind(
    pg::Session& session, const Prepared& prepared, Seq cursor
) {
    const auto& batch = prepared.batch;
    std::map<Seq, std::string> kept;
    for (const auto row : session.exec(
             sql::find_hashes, batch.journal_id, batch.epoch, batch.first_seq, batch.last_seq
         )) {
        kept[row.integer(0)] = row.bytes(1);
    }
    for (std::size_t i = 0; i < batch.rows.size(); ++i) {
        const auto& hash = prepared.rows[i].hash;
        const auto found = kept.find(batch.rows[i].seq);
        if (found != kept.end() && found->second != std::string(hash.begin(), hash.end())) {
            return problems::fork(batch.rows[i].seq);
        }
    }
    return kept.contains(batch.last_seq) ? std::nullopt : std::optional(problems::gap(cursor + 1));
}

}  // namespace

std::optional<std::string> begin_settling(pg::Session& session, const GroupOptions& options) {
    const auto lock_timeout = fmt::format("{}ms", options.lock_timeout.count());
    const auto begun = session.exec(sql::begin, lock_timeout);
    test_stop_at("settle.begin");
    auto reason = begun[0].optional_text(1);
    if (!begun[0].boolean(0) && !reason) {
        return "central is being changed";
    }
    return reason;
}

std::vector<Part> place_batches(pg::Session& session, const std::vector<const Prepared*>& batches) {
    const auto cursors = lock_cursors(session, batches);
    std::vector<Part> parts;
    parts.reserve(batches.size());
    for (const auto* batch : batches) {
        Part& part = parts.emplace_back();
        part.batch = batch;
        const auto found = cursors.find({batch->batch.journal_id, batch->batch.epoch});
        std::optional<Cursor> cursor;
        if (found != cursors.end()) {
            cursor = found->second;
            part.cursor = found->second;
        }
        auto placed = position(*batch, cursor);
        if (auto* problem = std::get_if<wire::Problem>(&placed)) {
            part.refused = std::move(*problem);
        } else {
            part.first = std::get<std::size_t>(placed);
            if (batch->batch.last_seq < part.cursor.cursor) {
                part.refused = check_behind(session, *batch, part.cursor.cursor);
            }
        }
    }
    judge_shapes(session, parts);
    return parts;
}

SettleRow row_of(const Part& part, std::size_t index) {
    const Prepared& batch = *part.batch;
    SettleRow row;
    row.many_epochs = part.cursor.many_epochs;
    row.journal_id = &batch.batch.journal_id;
    row.epoch = batch.batch.epoch;
    row.revision = &batch.batch.revision;
    row.raw = &batch.batch.rows[index];
    row.hash = &batch.rows[index].hash;
    row.pour = part.kept ? &*part.kept : &batch.rows[index].pour;
    row.time = &batch.rows[index].time;
    return row;
}

void move_cursors(pg::Session& session, const std::vector<Move>& moves) {
    if (moves.empty()) {
        return;
    }
    pg::ArrayBuilder journals, epochs, cursors, hashes, revisions;
    for (const auto& move : moves) {
        const auto& batch = move.batch->batch;
        journals.plain(batch.journal_id);
        epochs.integer(batch.epoch);
        cursors.integer(batch.rows[move.last].seq);
        hashes.bytes(hash_bytes(move.batch->rows[move.last].hash));
        revisions.text(batch.revision);
    }
    session.exec(sql::move_cursors, journals, epochs, cursors, hashes, revisions);
}

wire::Ack ack_of(pg::Session& session, const Part& part) {
    wire::Ack ack;
    ack.acked_through = std::max(part.cursor.cursor, part.batch->batch.last_seq);
    ack.prunable_through = part.cursor.prunable_through;
    if (part.first > 0) {
        add_quarantined(session, part, ack);
    }
    add_released(session, part, ack);
    return ack;
}

void commit_settling(pg::Transaction& transaction) {
    test_stop_at("settle.commit");
    transaction.commit();
    test_stop_at("settle.committed");
}

}  // namespace tapline::settle
