#include "central/settle/rows.hpp"

#include <string_view>
#include <unordered_map>

#include "central/settle/charge.hpp"
#include "central/settle/facts.hpp"
#include "central/settle/journal_shapes.hpp"
#include "central/settle/other_epochs.hpp"
#include "central/settle/prepare.hpp"
#include "central/settle/statements.hpp"
#include "central/settle/tap_owner.hpp"
#include "common/log.hpp"
#include "common/salvage_note.hpp"
#include "common/wire.hpp"

namespace tapline::settle {

namespace {

/// A row that can't be settled may still be in `pours`: an older program had laxer rules.
Decision decide_refused(const SettleRow& row, const Rejection& rejection, const Facts& facts) {
    RawPour scratch;
    const auto part =
        facts.existing ? readable_part(translated(*row.revision, *row.raw, scratch)) : std::nullopt;
    if (!part) {
        // Of a damaged row only the id may be left, and that pour is here already.
        const bool known = facts.existing && rejection.code == salvaged_code;
        return known ? Decision(Duplicate{facts.existing->pour_id}) : Decision(rejection);
    }
    return compare_existing(*part, *facts.existing);
}

bool is_conflict(const SettleRow& row) {
    const auto* rejection = std::get_if<Rejection>(&*row.decision);
    return rejection != nullptr && rejection->code == "conflict";
}

/// The pour under this id may have been settled from this very row, in an older epoch or with
/// another card by an operator: then it is no conflict.
void recognise_own_pours(
    pg::Session& session, std::vector<SettleRow>& rows, const std::vector<Facts>& facts
) {
    pg::ArrayBuilder pour_ids;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (is_conflict(rows[i]) && facts[i].existing) {
            pour_ids.plain(facts[i].existing->pour_id);
        }
    }
    if (pour_ids.empty()) {
        return;
    }

    struct Origin {
        std::string journal_id;
        std::string row_hash;
    };

    std::unordered_map<std::string, Origin> origins;
    for (const auto row : session.exec(sql::find_receipt_rows, pour_ids)) {
        origins[std::string(row.text(0))] = {std::string(row.text(1)), row.bytes(2)};
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!is_conflict(rows[i]) || !facts[i].existing) {
            continue;
        }
        const auto origin = origins.find(facts[i].existing->pour_id);
        if (origin != origins.end() && origin->second.journal_id == *rows[i].journal_id &&
            origin->second.row_hash == hash_bytes(*rows[i].hash)) {
            rows[i].decision = Duplicate{facts[i].existing->pour_id};
        }
    }
}

}  // namespace

void settle_rows(pg::Session& session, std::vector<SettleRow>& rows, const DecideOptions& options) {
    if (rows.empty()) {
        return;
    }
    auto facts = find_facts(session, rows);
    mark_foreign_taps(session, rows, facts);
    auto settled_before = find_settled_before(session, rows);
    Running running;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto& row = rows[i];
        row.pour_id.clear();
        if (settled_before[i]) {
            row.decision = std::move(*settled_before[i]);
        } else if (const auto* rejection = std::get_if<Rejection>(row.pour)) {
            row.decision = decide_refused(row, *rejection, facts[i]);
        } else {
            row.decision =
                decide(std::get<CleanPour>(*row.pour), *row.time, facts[i], running, options);
        }
    }
    recognise_own_pours(session, rows, facts);
    charge_rows(session, rows);
}

void keep_rows(pg::Session& session, const std::vector<SettleRow>& rows) {
    pg::ArrayBuilder journals, epochs, seqs, hashes, revisions, raws, codes, details, ids;
    pg::ArrayBuilder qualities, recorded, corrected;
    for (const auto& row : rows) {
        const auto* rejection = std::get_if<Rejection>(&*row.decision);
        if (rejection == nullptr) {
            continue;
        }
        journals.plain(*row.journal_id);
        epochs.integer(row.epoch);
        seqs.integer(row.raw->seq);
        hashes.bytes(hash_bytes(*row.hash));
        revisions.text(*row.revision);
        raws.bytes(wire::encode_row(*row.raw));
        codes.text(rejection->code);
        details.text(printable(rejection->detail));
        const auto id = storable_id(*row.raw);
        id.empty() ? ids.null() : ids.text(id);
        qualities.text(to_string(row.time->quality));
        recorded.timestamp_us(row.time->recorded_us);
        corrected.timestamp_us(row.time->corrected_us);
    }
    if (journals.empty()) {
        return;
    }
    session.exec(
        sql::insert_quarantine,
        journals,
        epochs,
        seqs,
        hashes,
        revisions,
        raws,
        codes,
        details,
        ids,
        qualities,
        recorded,
        corrected
    );
}

}  // namespace tapline::settle
