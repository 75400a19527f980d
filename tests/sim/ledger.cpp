#include "tests/sim/ledger.hpp"

#include <set>

#include <fmt/format.h>

#include "tests/pg/settle/bar.hpp"
#include "tests/sim/sim_bar.hpp"
#include "tests/sqlite/files.hpp"

namespace tapline::test {

namespace {

constexpr int most_of_a_kind = 5;

constexpr const char* sql_pours =
    "SELECT client_tx_id, guest_id::text, card_uid, tap_id, keg_id::text, volume_ml,"
    " (amount_charged * 100)::bigint FROM pours";
constexpr const char* sql_receipts =
    "SELECT (SELECT count(*) FROM tapline.receipt),"
    " (SELECT count(*) FROM tapline.receipt r JOIN pours p ON p.pour_id = r.pour_id"
    "  WHERE r.volume_ml = p.volume_ml AND r.amount = p.amount_charged"
    "  AND r.guest_id = p.guest_id AND r.keg_id = p.keg_id),"
    " (SELECT count(*) FROM pours)";
constexpr const char* sql_quarantine =
    "SELECT code, seq::bigint, coalesce(client_tx_id, '') FROM tapline.quarantine";
constexpr const char* sql_balances =
    "SELECT guest_id::text, (balance * 100)::bigint FROM guests ORDER BY guest_id";
constexpr const char* sql_kegs = "SELECT keg_id::text, current_volume_ml FROM kegs ORDER BY keg_id";
constexpr const char* sql_cursor =
    "SELECT epoch, cursor, encode(hash, 'hex') FROM tapline.cursor"
    " WHERE journal_id = $1::uuid ORDER BY epoch DESC LIMIT 1";
constexpr const char* sql_has_notes =
    "SELECT count(*) FROM sqlite_schema WHERE name = 'tapline_salvage'";
constexpr const char* sql_noted =
    "SELECT s.seq, coalesce(p.client_tx_id, '') FROM tapline_salvage s JOIN pours p USING (seq)";
constexpr const char* sql_quarantined =
    "SELECT 1 FROM tapline.quarantine"
    " WHERE journal_id = $1::uuid AND seq = $2::bigint AND code = 'salvaged'";
constexpr const char* sql_open =
    "SELECT coalesce(client_tx_id, '') FROM pours WHERE status <> 'confirmed'";
constexpr const char* sql_ids_of_tap = "SELECT client_tx_id FROM pours WHERE tap_id = $1::int";

std::int64_t price_of(std::int64_t volume_ml) {
    return (volume_ml * price_cents_per_liter + 500) / 1'000;
}

/// The first few of each kind; one fault of ours can make a hundred thousand.
class Findings {
  public:
    void add(const std::string& kind, const std::string& what) {
        if (++counts_[kind] <= most_of_a_kind) {
            list_.push_back(fmt::format("{}: {}", kind, what));
        }
    }

    [[nodiscard]] std::vector<std::string> list() {
        for (const auto& [kind, count] : counts_) {
            if (count > most_of_a_kind) {
                list_.push_back(fmt::format("{}: {} in all", kind, count));
            }
        }
        return std::move(list_);
    }

  private:
    std::map<std::string, int> counts_;
    std::vector<std::string> list_;
};

struct Sums {
    std::map<std::string, std::int64_t> charged_cents;  ///< by guest
    std::map<std::string, std::int64_t> drawn_ml;       ///< by keg
};

void check_balances(pg::Session& session, const Sums& sums, Findings& wrong) {
    const auto sum_of = [](const auto& sums_by_id, const std::string& id) {
        const auto found = sums_by_id.find(id);
        return found == sums_by_id.end() ? 0 : found->second;
    };
    for (const auto row : session.query(sql_balances)) {
        const std::string guest(row.text(0));
        const auto due = start_balance_cents - sum_of(sums.charged_cents, guest);
        if (row.integer(1) != due) {
            wrong.add("money", fmt::format("{} has {}, not {}", guest, row.integer(1), due));
        }
    }
    for (const auto row : session.query(sql_kegs)) {
        const std::string keg(row.text(0));
        const auto due = start_volume_ml - sum_of(sums.drawn_ml, keg);
        if (row.integer(1) != due) {
            wrong.add("beer", fmt::format("{} has {} ml, not {}", keg, row.integer(1), due));
        }
    }
}

/// The ids of what a salvage left in doubt and central keeps for an operator. A card may make an id
/// of two halves.
std::set<std::string> kept_in_doubt(
    Plain& file, const std::string& journal_id, pg::Session& session
) {
    std::set<std::string> ids;
    if (file.one(sql_has_notes) == "0") {
        return ids;
    }
    for (const auto& line : file.rows(sql_noted)) {
        const std::int64_t seq = std::stoll(line);
        if (!session.query(sql_quarantined, journal_id, seq).empty()) {
            ids.insert(line.substr(line.find('|') + 1));
        }
    }
    return ids;
}

}  // namespace

bool Ledger::may_be_kept_back(const std::string& id) const {
    const auto found = tries_.find(id);
    return id.empty() || (found != tries_.end() && !found->second.promised);
}

std::vector<std::string> Ledger::wrong_at_central(pg::Session& session) const {
    Findings wrong;
    Sums sums;
    std::set<std::string> there;
    for (const auto row : session.query(sql_pours)) {
        const std::string id(row.text(0));
        const auto found = tries_.find(id);
        if (found == tries_.end()) {
            wrong.add("invented", id);
            continue;
        }
        const auto& pour = found->second.pour;
        if (!there.insert(id).second) {
            wrong.add("doubled", id);
        }
        sums.charged_cents[guest_id(pour.guest)] += price_of(pour.volume_ml);
        sums.drawn_ml[keg_id(pour.device)] += pour.volume_ml;
        const bool same = row.text(1) == guest_id(pour.guest) &&
                          row.text(2) == fmt::format("card{}", pour.guest) &&
                          row.integer(3) == pour.device && row.text(4) == keg_id(pour.device) &&
                          row.integer(5) == pour.volume_ml &&
                          row.integer(6) == price_of(pour.volume_ml);
        if (!same) {
            wrong.add("differs", id);
        }
    }
    for (const auto& [id, entry] : tries_) {
        if (entry.promised && !there.contains(id)) {
            wrong.add("lost", fmt::format("{} of device {}", id, entry.pour.device));
        }
    }
    const auto receipts = session.query(sql_receipts);
    const auto counts = receipts[0];
    if (counts.integer(0) != counts.integer(2) || counts.integer(1) != counts.integer(2)) {
        wrong.add(
            "receipts",
            fmt::format(
                "{}, {} of them right, for {} pours",
                counts.integer(0),
                counts.integer(1),
                counts.integer(2)
            )
        );
    }
    for (const auto row : session.query(sql_quarantine)) {
        const std::string id(row.text(2));
        if (row.text(0) != "salvaged" || !may_be_kept_back(id) || there.contains(id)) {
            wrong.add("quarantine", fmt::format("{} {} {}", row.text(0), row.integer(1), id));
        }
    }
    check_balances(session, sums, wrong);
    return wrong.list();
}

std::vector<std::string> Ledger::wrong_in(const JournalAfter& journal, pg::Session& session) const {
    Findings wrong;
    const auto name = fmt::format("device {}: ", journal.device);
    std::set<std::string> settled;
    for (const auto row : session.query(sql_ids_of_tap, journal.device)) {
        settled.emplace(row.text(0));
    }
    Plain file(journal.file);
    const auto check = file.one("PRAGMA integrity_check");
    if (check != "ok") {
        wrong.add("damaged", name + check);
        return wrong.list();
    }
    const auto in_doubt = kept_in_doubt(file, journal.journal_id, session);
    const auto may_be_kept = [&](const std::string& id) {
        return in_doubt.contains(id) || may_be_kept_back(id);
    };
    std::set<std::string> rows;
    for (const auto& id : file.rows("SELECT coalesce(client_tx_id, '') FROM pours")) {
        rows.insert(id);
        if (!settled.contains(id) && !may_be_kept(id)) {
            wrong.add("not sent", name + id);
        }
    }
    for (const auto& [id, entry] : tries_) {
        if (entry.promised && entry.pour.device == journal.device && !rows.contains(id)) {
            wrong.add("gone", name + id);
        }
    }
    for (const auto& id : file.rows(sql_open)) {
        if (!may_be_kept(id)) {
            wrong.add("unconfirmed", name + id);
        }
    }
    const auto new_ones = file.one("SELECT count(*) FROM pours WHERE status = 'new'");
    if (new_ones != "0") {
        wrong.add("the tap waits", fmt::format("{}for {} rows", name, new_ones));
    }
    const auto ours = file.one(
        "SELECT epoch || ' ' || acked_through || ' ' || lower(hex(acked_hash)) FROM tapline_journal"
    );
    const auto found = session.query(sql_cursor, journal.journal_id);
    const auto theirs =
        found.empty()
            ? std::string("none")
            : fmt::format("{} {} {}", found[0].integer(0), found[0].integer(1), found[0].text(2));
    if (ours != theirs) {
        wrong.add("cursor", fmt::format("{}{} here, {} at central", name, ours, theirs));
    }
    const auto last = file.one("SELECT coalesce(max(seq), 0) FROM pours");
    if (last != file.one("SELECT acked_through FROM tapline_journal")) {
        wrong.add("depth", name + "rows up to " + last + " aren't all acked");
    }
    return wrong.list();
}

}  // namespace tapline::test
