#include "agent/salvage/proof.hpp"

#include <algorithm>

#include "common/row_hash.hpp"

namespace tapline::salvage {

namespace {

/// Stored points and the cursor, ascending, once each; none beyond the last seq that was found:
/// such a one can't be proven, and a flipped bit may have made it.
std::vector<FoundHash> points_of(const Found& found, Seq last) {
    auto points = found.hashes;
    if (found.identity && found.identity->acked_through > 0) {
        const auto& identity = *found.identity;
        points.push_back(
            {identity.epoch, identity.acked_through, {identity.acked_through, identity.acked_hash}}
        );
    }
    std::erase_if(points, [&](const FoundHash& hash) { return hash.point.seq > last; });
    std::stable_sort(points.begin(), points.end(), [](const FoundHash& a, const FoundHash& b) {
        return a.point.seq < b.point.seq;
    });
    const auto same = [](const FoundHash& a, const FoundHash& b) {
        return a.point.seq == b.point.seq;
    };
    points.erase(std::unique(points.begin(), points.end(), same), points.end());
    return points;
}

Seq last_seq(const Found& found, const std::vector<ChainRow>& rows) {
    Seq last = 0;
    for (const auto& row : rows) {
        last = row.sound ? std::max(last, row.seq) : last;
    }
    const Seq furthest = last + found.most_rows;
    for (const auto& row : rows) {
        last = row.seq <= furthest ? std::max(last, row.seq) : last;
    }
    // An id without its row tells that there was one.
    for (const auto& id : found.ids) {
        last = id.counts && id.seq <= furthest ? std::max(last, id.seq) : last;
    }
    return last;
}

}  // namespace

bool Proof::proves(Seq seq) const noexcept {
    const auto next = std::lower_bound(
        intervals.begin(),
        intervals.end(),
        seq,
        [](const std::pair<Seq, Seq>& interval, Seq value) { return interval.second < value; }
    );
    return next != intervals.end() && seq > next->first;
}

Proof prove_chain(
    const Found& found,
    const std::vector<ChainRow>& rows,
    const std::function<std::optional<RawPour>(const FoundRow&)>& read
) {
    Proof proof;
    const Seq pruned = found.identity ? found.identity->pruned_through : 0;
    FoundHash before;
    auto row = rows.begin();
    bool doubt = false;
    for (const auto& point : points_of(found, last_seq(found, rows))) {
        RowHash chain = before.point.hash;
        bool any = false;
        bool all_sound = true;
        for (; row != rows.end() && row->seq <= point.point.seq; ++row) {
            const auto pour = read(found.rows[row->row]);
            chain = pour ? next_hash(chain, *pour) : RowHash{};
            any = any || row->seq > pruned;
            all_sound = all_sound && (row->sound || row->seq <= pruned);
        }
        if (chain == point.point.hash) {
            proof.intervals.emplace_back(before.point.seq, point.point.seq);
        } else {
            // What was pruned can't be proven any more; what is left of it must be sound then.
            const bool pruned_part = before.point.seq < pruned && all_sound;
            doubt = doubt || (any && !pruned_part);
        }
        if (!doubt) {
            proof.settled = point.point;
            proof.chain.push_back(point);
        }
        before = point;
    }
    return proof;
}

}  // namespace tapline::salvage
