#include <fmt/format.h>

#include "central/access/grants.hpp"
#include "central/access/role.hpp"
#include "common/error.hpp"

namespace tapline::access {

namespace {

/// What `serve` reads and writes: settling, hello, enrolling, renewing, /readyz, /metrics. Columns
/// where a table holds more than that. A new statement of theirs needs its line here, and
/// tests/e2e/gateway_role.py fails without it.
struct Right {
    const char* table;
    const char* rights;
};

constexpr Right rights[] = {
    {"public.alembic_version", "SELECT"},
    {"public.pours",
     "SELECT (pour_id, client_tx_id, card_uid, tap_id, volume_ml), INSERT (pour_id, client_tx_id, "
     "guest_id, card_uid, tap_id, keg_id, volume_ml, amount_charged, price_per_ml_at_pour, "
     "poured_at)"},
    {"public.cards", "SELECT (card_uid, status, guest_id)"},
    {"public.guests", "SELECT (guest_id, is_active, balance), UPDATE (balance, updated_at)"},
    {"public.taps", "SELECT (tap_id, status, keg_id), UPDATE (status)"},
    {"public.kegs",
     "SELECT (keg_id, status, current_volume_ml, finished_at, beverage_id), "
     "UPDATE (status, current_volume_ml, finished_at)"},
    {"public.beverages", "SELECT (beverage_id, sell_price_per_liter)"},
    {"tapline.alembic_version", "SELECT"},
    {"tapline.revision_log", "SELECT"},
    {"tapline.setting", "SELECT"},
    {"tapline.hold", "SELECT (hold_id, reason, opened_at, ends_at, closed_at, spread_s)"},
    {"tapline.controller", "SELECT, INSERT, UPDATE"},
    {"tapline.controller_tap", "SELECT"},
    {"tapline.controller_event", "INSERT (controller, action, who, detail)"},
    {"tapline.certificate", "SELECT, INSERT, UPDATE (state, revoked_at, revoked_reason)"},
    // The hash of a code is compared by the program, in constant time; it is no way to the code.
    {"tapline.enrollment", "SELECT, UPDATE (attempts, used_at, used_key, fingerprint)"},
    {"tapline.journal", "SELECT, INSERT, UPDATE"},
    {"tapline.cursor", "SELECT, INSERT, UPDATE"},
    {"tapline.journal_side", "SELECT, INSERT, UPDATE, DELETE"},
    {"tapline.epoch_grant", "SELECT, INSERT, UPDATE (taken_at)"},
    {"tapline.wire_window", "SELECT"},
    {"tapline.journal_revision", "SELECT"},
    {"tapline.journal_minimum", "SELECT"},
    {"tapline.receipt", "SELECT, INSERT"},
    {"tapline.quarantine", "SELECT, INSERT"},
    {"tapline.quarantine_decision", "SELECT (journal_id, epoch, seq, row_hash, outcome)"},
    {"tapline.release", "SELECT"},
    {"tapline.sample", "SELECT, INSERT, UPDATE (raw, taken_at)"},
    {"tapline.tap_keg_history", "SELECT"},
    {"tapline.card_guest_history", "SELECT"},
};

constexpr std::string_view schemas[] = {"public", "tapline"};
constexpr std::string_view kind_sql =
    "SELECT kind FROM tapline.granted_role WHERE role = $1 AND kind <> $2";

void refuse_other_kind(pg::Session& session, const std::string& role) {
    if (session.query(kind_sql, role, gateway_kind).empty()) {
        return;
    }
    throw Error(
        ErrorKind::refused,
        "is_app_role",
        fmt::format("{} has the rights of the bar's application", role),
        "give `serve` a role of its own (CREATE ROLE tapline_gateway LOGIN PASSWORD '…'), or "
        "take the others first: grants --app-role ROLE --revoke"
    );
}

}  // namespace

GrantPlan plan_gateway_grants(pg::Session& session, const std::string& role, bool revoke) {
    const Names names = check_role(session, role, gateway_kind);
    refuse_other_kind(session, role);
    GrantPlan plan{role, gateway_kind, {}};
    auto& out = plan.statements;
    // Of a column alone is taken with it (PostgreSQL, REVOKE, Notes).
    for (const auto schema : schemas) {
        out.push_back(
            fmt::format("REVOKE ALL ON ALL TABLES IN SCHEMA {} FROM {}", schema, names.role)
        );
        out.push_back(
            fmt::format("REVOKE ALL ON ALL SEQUENCES IN SCHEMA {} FROM {}", schema, names.role)
        );
        out.push_back(fmt::format("REVOKE ALL ON SCHEMA {} FROM {}", schema, names.role));
    }
    if (revoke) {
        return plan;
    }
    out.push_back(fmt::format("REVOKE CREATE ON DATABASE {} FROM PUBLIC", names.database));
    out.push_back(fmt::format("REVOKE CREATE ON DATABASE {} FROM {}", names.database, names.role));
    out.push_back("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    if (names.creates_roles) {
        out.push_back(fmt::format("ALTER ROLE {} NOCREATEROLE", names.role));
    }
    for (const auto schema : schemas) {
        out.push_back(fmt::format("GRANT USAGE ON SCHEMA {} TO {}", schema, names.role));
    }
    for (const auto& right : rights) {
        out.push_back(fmt::format("GRANT {} ON {} TO {}", right.rights, right.table, names.role));
    }
    return plan;
}

}  // namespace tapline::access
