#include "central/reconcile/account.hpp"

#include <algorithm>
#include <cstddef>

namespace tapline::reconcile {

namespace {

/// What an update changed beyond the documents that came with it.
struct Open {
    const Update* update = nullptr;
    std::int64_t left = 0;
};

std::vector<Open> open_updates(const Trail& trail, std::vector<const Document*>& loose) {
    std::vector<bool> used(trail.documents.size());
    std::vector<Open> open;
    for (const Update& update : trail.updates) {
        std::int64_t left = update.new_value - update.old_value;
        const bool again = !open.empty() && open.back().update->began_at == update.began_at;
        for (std::size_t i = 0; i < trail.documents.size(); ++i) {
            // created_at defaults to now(), which is the start of the transaction.
            if (!used[i] && trail.documents[i].created_at == update.began_at) {
                used[i] = true;
                left -= trail.documents[i].effect;
            }
        }
        if (again) {
            // One transaction changed it twice: its documents stand for both together.
            open.back().left += left;
            open.back().update = &update;
        } else {
            open.push_back({&update, left});
        }
    }
    for (std::size_t i = 0; i < trail.documents.size(); ++i) {
        if (!used[i]) {
            loose.push_back(&trail.documents[i]);
        }
    }
    return open;
}

/// A program may set created_at itself: such a document belongs to an update of just its size.
void match_by_size(std::vector<Open>& open, std::vector<const Document*>& loose) {
    std::erase_if(loose, [&](const Document* document) {
        const auto same = std::find_if(open.begin(), open.end(), [&](const Open& one) {
            return one.left == document->effect && one.left != 0;
        });
        if (same == open.end()) {
            return false;
        }
        same->left = 0;
        return true;
    });
}

/// The newest receipts before the update that add up to just what came back; empty: none do.
/// named: receipts that an earlier update took back already.
std::vector<ReceiptLine> overwritten(
    const Update& update,
    std::int64_t amount,
    const std::vector<ReceiptLine>& receipts,
    std::vector<bool>& named
) {
    std::vector<std::size_t> taken;
    std::int64_t sum = 0;
    for (std::size_t i = receipts.size(); i-- > 0 && sum < amount;) {
        if (!named[i] && receipts[i].settled_at <= update.changed_at && receipts[i].value != 0) {
            sum += receipts[i].value;
            taken.push_back(i);
        }
    }
    std::vector<ReceiptLine> lines;
    if (sum == amount) {
        for (auto index = taken.rbegin(); index != taken.rend(); ++index) {
            named[*index] = true;
            lines.push_back(receipts[*index]);
        }
    }
    return lines;
}

std::vector<ReceiptLine> between(
    const std::string& after, const std::string& until, const std::vector<ReceiptLine>& receipts
) {
    std::vector<ReceiptLine> lines;
    for (const ReceiptLine& line : receipts) {
        if (line.settled_at > after && line.settled_at <= until) {
            lines.push_back(line);
        }
    }
    return lines;
}

Cause cause_of(
    const Open& open, const std::string& before, const Trail& trail, std::vector<bool>& named
) {
    Cause cause;
    cause.amount = open.left;
    cause.update = *open.update;
    if (open.left > 0) {
        cause.receipts = overwritten(*open.update, open.left, trail.receipts, named);
    }
    if (!cause.receipts.empty()) {
        cause.kind = Cause::Kind::overwrote;
        return cause;
    }
    cause.receipts = between(before, open.update->changed_at, trail.receipts);
    return cause;
}

}  // namespace

std::vector<Cause> explain(const Account& account, const Trail& trail) {
    std::vector<Cause> causes;
    if (!account.opening || account.difference() == 0) {
        return causes;
    }
    std::vector<const Document*> loose;
    auto open = open_updates(trail, loose);
    match_by_size(open, loose);
    std::int64_t sum = 0;
    std::vector<bool> named(trail.receipts.size());
    std::string before = account.opened_at;
    for (const Open& one : open) {
        if (one.left != 0) {
            causes.push_back(cause_of(one, before, trail, named));
            sum += one.left;
        }
        before = one.update->changed_at;
    }
    for (const Document* document : loose) {
        Cause cause;
        cause.kind = Cause::Kind::ineffective;
        cause.amount = -document->effect;
        cause.document = *document;
        sum += cause.amount;
        if (cause.amount != 0) {
            causes.push_back(std::move(cause));
        }
    }
    if (sum != account.difference()) {
        Cause cause;
        cause.kind = Cause::Kind::unrecorded;
        cause.amount = account.difference() - sum;
        causes.push_back(std::move(cause));
    }
    return causes;
}

}  // namespace tapline::reconcile
