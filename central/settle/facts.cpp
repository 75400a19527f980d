#include "central/settle/facts.hpp"

#include <map>
#include <unordered_map>

#include "central/settle/prepare.hpp"
#include "central/settle/statements.hpp"

namespace tapline::settle {

namespace {

// An operator's keg stands in for the tap's.
constexpr pg::Statement find_keg{
    "settle_keg",
    "SELECT k.keg_id, k.status, k.current_volume_ml, (b.sell_price_per_liter * 100)::bigint"
    " FROM kegs k JOIN beverages b ON b.beverage_id = k.beverage_id WHERE k.keg_id = $1::uuid"};

struct Wanted {
    std::size_t row = 0;
    std::string card_uid;  ///< empty: as the row has it
};

Keg read_keg(const pg::Row& row, int first) {
    Keg keg;
    keg.keg_id = row.text(first);
    keg.status = row.text(first + 1);
    keg.volume_ml = row.integer(first + 2);
    keg.price_cents_per_liter = row.integer(first + 3);
    return keg;
}

Facts read_facts(const pg::Row& row) {
    Facts facts;
    if (!row.is_null(1)) {
        facts.existing = ExistingPour{
            std::string(row.text(1)), std::string(row.text(2)), row.integer(3), row.integer(4)};
    }
    facts.card_uid = row.optional_text(5);
    facts.card_status = row.text(6);
    if (!row.is_null(7)) {
        facts.holder = Holder{std::string(row.text(7)), row.boolean(8), row.integer(9)};
    }
    facts.tap_status = row.optional_text(10);
    // A keg without its beverage can't be: kegs_beverage_id_fkey.
    if (!row.is_null(11) && !row.is_null(14)) {
        facts.keg = read_keg(row, 11);
    }
    return facts;
}

void look_up(
    pg::Session& session,
    const std::vector<SettleRow>& rows,
    const std::vector<Wanted>& wanted,
    std::vector<Facts>& facts
) {
    pg::ArrayBuilder ids;
    pg::ArrayBuilder cards;
    pg::ArrayBuilder taps;
    pg::ArrayBuilder times;
    for (const auto& want : wanted) {
        const auto& row = rows[want.row];
        const auto* clean = std::get_if<CleanPour>(row.pour);
        if (clean == nullptr) {
            const auto id = storable_id(*row.raw);
            id.empty() ? ids.null() : ids.text(id);
            cards.null();
            taps.null();
            times.null();
            continue;
        }
        ids.text(clean->client_tx_id);
        cards.text(want.card_uid.empty() ? clean->card_uid : want.card_uid);
        taps.integer(clean->tap_id);
        times.timestamp_us(row.time->assignment_us());
    }
    const auto found = session.exec(sql::find_facts, ids, cards, taps, times);
    for (const auto row : found) {
        const auto index = static_cast<std::size_t>(row.integer(0) - 1);
        facts[wanted[index].row] = read_facts(row);
    }
}

/// Rows whose card isn't spelled as in `cards`, looked up again under the one card that reads
/// alike.
void look_up_respelled(
    pg::Session& session, const std::vector<SettleRow>& rows, std::vector<Facts>& facts
) {
    std::map<std::string, std::vector<std::size_t>> by_spelling;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto* clean = std::get_if<CleanPour>(rows[i].pour);
        if (clean == nullptr || facts[i].card_uid || facts[i].existing) {
            continue;
        }
        if (auto spelling = normalised_card(clean->card_uid); !spelling.empty()) {
            by_spelling[std::move(spelling)].push_back(i);
        }
    }
    if (by_spelling.empty()) {
        return;
    }
    pg::ArrayBuilder spellings;
    for (const auto& [spelling, indexes] : by_spelling) {
        spellings.text(spelling);
    }
    std::vector<Wanted> wanted;
    for (const auto row : session.exec(sql::find_respelled, spellings)) {
        for (const auto index : by_spelling.at(std::string(row.text(0)))) {
            wanted.push_back({index, std::string(row.text(1))});
        }
    }
    if (wanted.empty()) {
        return;
    }
    look_up(session, rows, wanted, facts);
    for (const auto& want : wanted) {
        facts[want.row].card_respelled = true;
    }
}

}  // namespace

std::optional<CleanPour> readable_part(const RawPour& raw) {
    const auto* card = raw.find("card_uid");
    const auto* tap = raw.find("tap_id");
    const auto* volume = raw.find("volume_ml");
    if (card == nullptr || tap == nullptr || volume == nullptr) {
        return std::nullopt;
    }
    const auto* card_text = std::get_if<Text>(card);
    const auto* tap_id = std::get_if<std::int64_t>(tap);
    const auto* volume_ml = std::get_if<std::int64_t>(volume);
    if (card_text == nullptr || tap_id == nullptr || volume_ml == nullptr) {
        return std::nullopt;
    }
    CleanPour part;
    part.seq = raw.seq;
    part.card_uid = card_text->bytes;
    part.tap_id = *tap_id;
    part.volume_ml = *volume_ml;
    return part;
}

std::vector<Facts> find_facts(pg::Session& session, const std::vector<SettleRow>& rows) {
    std::vector<Facts> facts(rows.size());
    std::vector<Wanted> wanted(rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        wanted[i].row = i;
    }
    look_up(session, rows, wanted, facts);
    look_up_respelled(session, rows, facts);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i].keg_id.empty()) {
            continue;
        }
        facts[i].keg.reset();
        for (const auto row : session.exec(find_keg, rows[i].keg_id)) {
            facts[i].keg = read_keg(row, 0);
        }
    }
    return facts;
}

}  // namespace tapline::settle
