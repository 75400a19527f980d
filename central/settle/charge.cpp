#include "central/settle/charge.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "central/settle/pour_ids.hpp"
#include "central/settle/statements.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/test_hook.hpp"

namespace tapline::settle {

namespace {

using Charged = std::vector<SettleRow*>;

const CleanPour& pour_of(const SettleRow& row) {
    return std::get<CleanPour>(*row.pour);
}

const Charge& charge_of(const SettleRow& row) {
    return std::get<Charge>(*row.decision);
}

/// Two instances insert in one order, so they wait for each other's ids instead of deadlocking.
void sort_by_id(Charged& charged) {
    std::stable_sort(
        charged.begin(),
        charged.end(),
        [](const SettleRow* left, const SettleRow* right) {
            return pour_of(*left).client_tx_id < pour_of(*right).client_tx_id;
        }
    );
}

/// The ones that didn't get in: somebody was faster, or an id stands twice among ours.
Charged insert_pours(pg::Session& session, const Charged& charged) {
    pg::ArrayBuilder pour_ids, ids, guests, cards, taps, kegs, volumes, amounts, prices, times;
    for (const auto* row : charged) {
        const auto& pour = pour_of(*row);
        const auto& charge = charge_of(*row);
        pour_ids.plain(row->pour_id);
        ids.text(pour.client_tx_id);
        guests.plain(charge.guest_id);
        cards.text(charge.card_uid);
        taps.integer(pour.tap_id);
        kegs.plain(charge.keg_id);
        volumes.integer(charge.volume_ml);
        amounts.text(money_text(charge.amount_cents));
        prices.text(price_per_ml_text(charge.price_cents_per_liter));
        times.timestamp_us(row->time->poured_us);
    }
    const auto inserted = session.exec(
        sql::insert_pours, pour_ids, ids, guests, cards, taps, kegs, volumes, amounts, prices, times
    );
    Charged left_out;
    if (inserted.rows() == static_cast<int>(charged.size())) {
        return left_out;
    }
    std::unordered_set<std::string_view> done;
    for (const auto row : inserted) {
        done.insert(row.text(0));
    }
    for (auto* row : charged) {
        if (!done.contains(row->pour_id)) {
            left_out.push_back(row);
        }
    }
    return left_out;
}

[[noreturn]] void swallowed(const std::string& what) {
    throw Error(
        ErrorKind::pg,
        "swallowed",
        what + ": a trigger, a rule or a policy of the bar stands in the way",
        "look at the triggers, rules and policies of that table, then retry the pour",
        "P0002"  // no_data_found
    );
}

/// PostgreSQL calls it a success when a BEFORE trigger returns NULL or a policy hides the row.
void must_have_changed(const pg::Result& result, std::size_t expected, std::string_view table) {
    if (result.affected() != static_cast<std::int64_t>(expected)) {
        swallowed(fmt::format(
            "the update of {} changed {} rows instead of {}", table, result.affected(), expected
        ));
    }
}

/// Sets the decision of those that pours has already; the others are returned.
Charged compare_left_out(pg::Session& session, const Charged& left_out) {
    pg::ArrayBuilder ids;
    for (const auto* row : left_out) {
        ids.text(pour_of(*row).client_tx_id);
    }
    std::unordered_map<std::string, ExistingPour> existing;
    for (const auto row : session.exec(sql::find_existing, ids)) {
        existing[std::string(row.text(0))] = ExistingPour{
            std::string(row.text(1)), std::string(row.text(2)), row.integer(3), row.integer(4)};
    }
    Charged absent;
    for (auto* row : left_out) {
        const auto found = existing.find(pour_of(*row).client_tx_id);
        if (found == existing.end()) {
            absent.push_back(row);
            continue;
        }
        row->decision = compare_existing(pour_of(*row), found->second);
        row->pour_id.clear();
    }
    return absent;
}

/// All that are new; the others have got their decision.
void insert_or_compare(pg::Session& session, const Charged& charged) {
    auto left_out = insert_pours(session, charged);
    // The second round: the pour that was in the way was deleted between two statements.
    for (int round = 0; round < 2 && !left_out.empty(); ++round) {
        const auto absent = compare_left_out(session, left_out);
        left_out = absent.empty() ? absent : insert_pours(session, absent);
    }
    if (!left_out.empty() && !compare_left_out(session, left_out).empty()) {
        swallowed("an insert into pours left nothing there");
    }
}

void insert_receipts(pg::Session& session, const Charged& charged) {
    pg::ArrayBuilder pour_ids, journals, epochs, seqs, revisions, hashes, guests, kegs, volumes;
    pg::ArrayBuilder amounts, prices, flags, qualities, recorded, corrected;
    for (const auto* row : charged) {
        const auto& charge = charge_of(*row);
        pour_ids.plain(row->pour_id);
        journals.plain(*row->journal_id);
        epochs.integer(row->epoch);
        seqs.integer(row->raw->seq);
        revisions.text(*row->revision);
        hashes.bytes(hash_bytes(*row->hash));
        guests.plain(charge.guest_id);
        kegs.plain(charge.keg_id);
        volumes.integer(charge.volume_ml);
        amounts.text(money_text(charge.amount_cents));
        prices.text(money_text(charge.price_cents_per_liter));
        flags.integer(charge.flags);
        qualities.text(to_string(row->time->quality));
        recorded.timestamp_us(row->time->recorded_us);
        corrected.timestamp_us(row->time->corrected_us);
    }
    session.exec(
        sql::insert_receipts,
        pour_ids,
        journals,
        epochs,
        seqs,
        revisions,
        hashes,
        guests,
        kegs,
        volumes,
        amounts,
        prices,
        flags,
        qualities,
        recorded,
        corrected
    );
}

struct Draw {
    std::int64_t volume_ml = 0;
    std::int64_t last_us = 0;
};

void draw_kegs(pg::Session& session, const Charged& charged) {
    std::map<std::string, Draw> draws;
    for (const auto* row : charged) {
        const auto& charge = charge_of(*row);
        if (charge.volume_ml == 0) {
            continue;
        }
        auto [draw, fresh] = draws.try_emplace(charge.keg_id, Draw{0, row->time->poured_us});
        draw->second.volume_ml += charge.volume_ml;
        draw->second.last_us = std::max(draw->second.last_us, row->time->poured_us);
    }
    if (draws.empty()) {
        return;
    }
    pg::ArrayBuilder kegs, volumes, times;
    for (const auto& [keg_id, draw] : draws) {
        kegs.plain(keg_id);
        volumes.integer(draw.volume_ml);
        times.timestamp_us(draw.last_us);
    }
    pg::ArrayBuilder emptied;
    for (const auto row : session.exec(sql::lock_kegs, kegs)) {
        const auto left_ml = row.integer(2) - draws.at(std::string(row.text(0))).volume_ml;
        if (left_ml <= 0 && row.text(1) != "empty") {
            emptied.plain(row.text(0));
        }
    }
    const auto drawn = session.exec(sql::draw_kegs, kegs, volumes, times);
    must_have_changed(drawn, draws.size(), "kegs");
    if (!emptied.empty()) {
        session.exec(sql::empty_taps, emptied);
    }
}

void charge_guests(pg::Session& session, const Charged& charged) {
    std::map<std::string, std::int64_t> sums_cents;
    for (const auto* row : charged) {
        if (const auto& charge = charge_of(*row); charge.amount_cents != 0) {
            sums_cents[charge.guest_id] += charge.amount_cents;
        }
    }
    if (sums_cents.empty()) {
        return;
    }
    pg::ArrayBuilder guests, amounts;
    for (const auto& [guest_id, cents] : sums_cents) {
        guests.plain(guest_id);
        amounts.text(money_text(cents));
    }
    session.exec(sql::lock_guests, guests);
    const auto updated = session.exec(sql::charge_guests, guests, amounts);
    must_have_changed(updated, sums_cents.size(), "guests");
}

}  // namespace

void charge_rows(pg::Session& session, std::vector<SettleRow>& rows) {
    Charged charged;
    for (auto& row : rows) {
        if (std::holds_alternative<Charge>(*row.decision)) {
            charged.push_back(&row);
        }
    }
    if (charged.empty()) {
        return;
    }
    const SystemClock clock;
    auto pour_ids = new_pour_ids(charged.size(), clock.now_utc().time_since_epoch().count());
    sort_by_id(charged);
    for (std::size_t i = 0; i < charged.size(); ++i) {
        charged[i]->pour_id = std::move(pour_ids[i]);
    }
    insert_or_compare(session, charged);
    std::erase_if(charged, [](const SettleRow* row) {
        return !std::holds_alternative<Charge>(*row->decision);
    });
    test_stop_at("settle.inserted");
    if (charged.empty()) {
        return;
    }
    insert_receipts(session, charged);
    draw_kegs(session, charged);
    charge_guests(session, charged);
    test_stop_at("settle.charged");
}

}  // namespace tapline::settle
