// What operators do with pours that wait: look, try again, decide, dismiss. Each move is one
// transaction with its line in quarantine_decision and its release for the journal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "central/pg/session.hpp"

namespace tapline::settle {

inline constexpr std::int64_t max_listed = 10'000;

struct QuarantineItem {
    std::int64_t id = 0;
    std::string controller;
    std::string journal_id;
    std::int64_t epoch = 0;
    std::int64_t seq = 0;
    std::string revision;
    std::string code;
    std::string detail;
    std::string state;  ///< waiting or dismissed; settled or duplicate once it has left
    std::optional<std::string> client_tx_id;
    std::string created_at;  ///< ISO 8601, UTC
    std::string raw;         ///< JSON of the row as it came
};

struct QuarantineFilter {
    std::string code;        ///< empty: all
    std::string journal_id;  ///< empty: all
    bool dismissed = false;  ///< also those
    std::int64_t after_id = 0;
    std::int64_t limit = 100;  ///< at most max_listed
};

/// Ascending by id.
[[nodiscard]] std::vector<QuarantineItem> list_quarantine(
    pg::Session& session, const QuarantineFilter& filter
);

struct PastDecision {
    std::string action;
    std::string who;
    std::string reason;
    std::string outcome;
    std::string decided_at;
};

/// One that has left the quarantine too: as it was last decided on, state settled or duplicate.
/// Throws Error{usage, "not_in_quarantine"}.
[[nodiscard]] QuarantineItem find_quarantined(pg::Session& session, std::int64_t id);
/// Oldest first, at most 100.
[[nodiscard]] std::vector<PastDecision> decisions_on(pg::Session& session, std::int64_t id);

struct OperatorWord {
    std::string who;
    std::string reason;
    bool price_from_journal = false;
};

/// What an operator puts in the place of what the row says.
struct Override {
    std::string card_uid;
    std::optional<std::int64_t> tap_id;
    std::string keg_id;   ///< UUID, lower case
    bool new_id = false;  ///< the row's id belongs to another pour
};

struct MoveResult {
    std::int64_t id = 0;
    std::string outcome;  ///< settled, duplicate (pours had it), dismissed, or waiting
    std::string code;     ///< why it waits still
    std::string detail;
    std::string pour_id;
};

// All three throw Error{usage, "not_in_quarantine"}, Error{refused, "dismissed" |
// "decided" | "hold"}, and what
// the session throws; then nothing has been moved.

/// The same decision as at settling, on today's cards, taps and kegs.
MoveResult retry_quarantined(pg::Session& session, std::int64_t id, const OperatorWord& word);

/// By the operator's word: legacy rows are charged; an id that is missing, unusable or in conflict
/// is replaced by "tapline-<row hash>"; times and prices that can't be read count as unknown. A
/// volume is never made up.
MoveResult resolve_quarantined(
    pg::Session& session, std::int64_t id, const Override& instead, const OperatorWord& word
);

/// Nobody will be charged; the row is kept. Throws Error{refused, "production"} where the
/// database's setting `environment` is production or absent.
MoveResult dismiss_quarantined(pg::Session& session, std::int64_t id, const OperatorWord& word);

}  // namespace tapline::settle
