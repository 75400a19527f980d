// A guest's balance or a keg's volume against what made it: opening + top-ups - receipts - pours of
// the bar's own program. Pure. Values are integer cents (guest) or millilitres (keg).
//
// Why a difference can be named: settling changes balances relatively and leaves a receipt, every
// other update leaves a row with old and new value (tapline.balance_change). An update should
// change the balance by what its own transaction wrote into `transactions` and `pours`; what it
// changed beyond that is the difference it made. The pilot's backend writes balances absolutely:
// charges of ours that came after its read are gone, and the amount tells which.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tapline::reconcile {

enum class Subject { guest, keg };

/// Sums over everything since the opening.
struct Account {
    Subject subject = Subject::guest;
    std::string id;
    std::string name;
    std::optional<std::int64_t> opening;  ///< nullopt: nobody wrote one down
    std::string opened_at;
    std::int64_t top_ups = 0;
    std::int64_t top_up_count = 0;
    std::int64_t receipts = 0;
    std::int64_t receipt_count = 0;
    std::int64_t own_pours = 0;  ///< of the bar's own program: in pours, no receipt
    std::int64_t own_pour_count = 0;
    std::int64_t actual = 0;

    [[nodiscard]] std::int64_t expected() const {
        return opening.value_or(0) + top_ups - receipts - own_pours;
    }

    /// > 0: there is more than there should be.
    [[nodiscard]] std::int64_t difference() const { return actual - expected(); }

    [[nodiscard]] bool balanced() const { return opening.has_value() && difference() == 0; }
};

// Times are UTC text of one width, "2026-11-20T18:00:00.000000Z": they compare as they are.

/// An update that settling didn't make.
struct Update {
    std::int64_t change_id = 0;
    std::string began_at;
    std::string changed_at;
    std::string role;
    std::string application;
    std::int64_t old_value = 0;
    std::int64_t new_value = 0;
};

/// A top-up or a pour of the bar's own program: what should have changed the balance.
struct Document {
    std::string id;
    std::string kind;  ///< "pour", or transactions.type
    std::string created_at;
    std::int64_t effect = 0;  ///< on the balance, with its sign
};

struct ReceiptLine {
    std::string pour_id;
    std::string journal_id;
    std::int64_t epoch = 0;
    std::int64_t seq = 0;
    std::string settled_at;
    std::int64_t value = 0;
};

/// Each in the order of its time.
struct Trail {
    std::vector<Update> updates;
    std::vector<Document> documents;
    std::vector<ReceiptLine> receipts;
};

struct Cause {
    enum class Kind {
        overwrote,    ///< an update took back exactly these receipts
        unexplained,  ///< an update that no document explains; receipts since the one before
        ineffective,  ///< a document that no update followed
        unrecorded,   ///< a change that left no row: triggers off, or somebody posed as settling
    };
    Kind kind = Kind::unexplained;
    std::int64_t amount = 0;  ///< its share of the difference
    std::optional<Update> update;
    std::optional<Document> document;
    std::vector<ReceiptLine> receipts;
};

/// The causes' amounts add up to the account's difference; none when it is 0.
[[nodiscard]] std::vector<Cause> explain(const Account& account, const Trail& trail);

}  // namespace tapline::reconcile
