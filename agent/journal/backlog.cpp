#include "agent/journal/backlog.hpp"

#include <algorithm>

namespace tapline::journal {

std::optional<std::string> oldest_recorded_at(Rows& rows, const Identity& identity, Seq max_seq) {
    const Seq acked = identity.acked_through;
    const Seq adopted = std::max(acked, identity.adopted_through);
    const auto early = rows.first_recorded_at(acked, std::min(adopted, acked + rows_per_look));
    return early ? early : rows.first_recorded_at(adopted, max_seq);
}

std::int64_t Backlog::depth(Seq acked, Seq max_seq) {
    const bool stepped_back = acked < counted_after_ || max_seq < counted_through_;
    const bool jumped = acked >= counted_through_ || acked - counted_after_ > rows_per_look;
    if (stepped_back || jumped) {
        counted_ = 0;
        counted_through_ = acked;
    } else {
        counted_ -= rows_.count(counted_after_, acked);
    }
    counted_after_ = acked;
    const Seq look = std::min(max_seq, counted_through_ + rows_per_look);
    if (look > counted_through_) {
        counted_ += rows_.count(counted_through_, look);
        counted_through_ = look;
    }
    return counted_ + std::max<Seq>(max_seq - counted_through_, 0);
}

Marked Backlog::hold(Seq acked, Seq through, std::int64_t limit) {
    const Seq last = std::min(through, rows_.max_seq());
    if (held_through_ <= acked) {
        held_through_ = std::max(acked, last - rows_per_look);
        held_after_ = held_through_;
    }
    const bool upwards = held_through_ < last;
    const Seq after = upwards ? held_through_ : std::max(acked, held_after_ - rows_per_look);
    const Seq until = upwards ? std::min(last, held_through_ + rows_per_look) : held_after_;
    Marked marked;
    if (after < until) {
        const auto found = upwards ? rows_.find_new(after, until, limit)
                                   : rows_.find_newest_new(after, until, limit);
        if (!found.empty()) {
            Transaction transaction(database_);
            for (const auto seq : found) {
                marked.rows += rows_.hold(seq);
            }
            transaction.commit();
        }
        // Always forward: a trigger of somebody's that sets rows back must not keep us here.
        const bool whole = static_cast<std::int64_t>(found.size()) < limit;
        if (upwards) {
            held_through_ = whole ? until : found.back();
        } else {
            held_after_ = whole ? after : found.back() - 1;
        }
    }
    marked.more = held_through_ < last || held_after_ > acked;
    return marked;
}

Marked Backlog::heal(Seq acked) {
    if (healed_after_ < 0) {
        healed_after_ = acked;
    }
    const Seq after = std::max<Seq>(healed_after_ - rows_per_look, 0);
    const auto found = rows_.find_newest_new(after, healed_after_, rows_per_mark);
    Marked marked;
    if (!found.empty()) {
        Transaction transaction(database_);
        for (const auto seq : found) {
            marked.rows += rows_.confirm(seq - 1, seq);
        }
        transaction.commit();
    }
    const bool whole = static_cast<std::int64_t>(found.size()) < rows_per_mark;
    healed_after_ = whole ? after : found.back() - 1;
    marked.more = healed_after_ > 0;
    return marked;
}

}  // namespace tapline::journal
