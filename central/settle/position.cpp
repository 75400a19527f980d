#include "central/settle/position.hpp"

#include <algorithm>

#include "central/settle/problems.hpp"

namespace tapline::settle {

std::variant<std::size_t, wire::Problem> position(
    const Prepared& prepared, const std::optional<Cursor>& cursor
) {
    const auto& batch = prepared.batch;
    if (!cursor) {
        return problems::unknown_journal(batch.journal_id);
    }
    if (cursor->controller != prepared.controller) {
        return problems::foreign_journal(batch.journal_id);
    }
    if (cursor->closed) {
        return problems::epoch_closed(batch.epoch);
    }
    if (cursor->contested) {
        return problems::two_alive(batch.journal_id);
    }
    if (batch.first_seq - 1 > cursor->cursor) {
        return problems::gap(cursor->cursor + 1);
    }
    const auto fresh = std::upper_bound(
        batch.rows.begin(),
        batch.rows.end(),
        cursor->cursor,
        [](Seq settled, const RawPour& row) { return settled < row.seq; }
    );
    const auto first = static_cast<std::size_t>(fresh - batch.rows.begin());
    // A batch that ends behind the cursor is compared with its receipts (parts.cpp).
    const bool behind = batch.last_seq < cursor->cursor;
    const auto& hash_at_cursor = first == 0 ? batch.prev_hash : prepared.rows[first - 1].hash;
    if (!behind && hash_at_cursor != cursor->hash) {
        return problems::fork(cursor->cursor);
    }
    return first;
}

}  // namespace tapline::settle
