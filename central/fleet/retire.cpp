#include "central/fleet/retire.hpp"

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::fleet {

namespace {

constexpr std::size_t max_reason_bytes = 1'000;

constexpr std::string_view find_status_sql =
    "SELECT status FROM tapline.controller WHERE name = $1 FOR UPDATE";
constexpr std::string_view retire_sql =
    "UPDATE tapline.controller SET status = 'retired', status_reason = $2, status_by = $3, "
    "status_at = now() WHERE name = $1";
constexpr std::string_view cancel_codes_sql =
    "UPDATE tapline.enrollment SET cancelled_at = now() "
    "WHERE controller = $1 AND cancelled_at IS NULL";
constexpr std::string_view note_event_sql =
    "INSERT INTO tapline.controller_event (controller, action, who, detail) "
    "VALUES ($1, 'retired', $2, $3)";
constexpr std::string_view retire_journal_sql =
    "UPDATE tapline.journal SET retired_at = now() "
    "WHERE controller = $1 AND journal_id::text = lower($2)";

}  // namespace

void retire(
    pg::Session& session, const std::string& name, const std::string& reason, const std::string& who
) {
    pg::Transaction transaction(session);
    const auto found = session.query(find_status_sql, name);
    if (found.empty()) {
        throw Error(
            ErrorKind::usage,
            "unknown_controller",
            fmt::format("there is no controller {}", printable(name, 80)),
            "`tapline-central controllers list` names them"
        );
    }
    const std::string status(found[0].text(0));
    if (status == "retired" || status == "revoked") {
        throw Error(
            ErrorKind::refused,
            status,
            fmt::format("{} is {} already", name, status),
            "nothing was changed; no contract waits for it"
        );
    }
    const std::string why = printable(reason, max_reason_bytes);
    session.query(retire_sql, name, why, who);
    session.query(cancel_codes_sql, name);
    session.query(note_event_sql, name, who, why);
    transaction.commit();
}

void retire_journal(
    pg::Session& session,
    const std::string& name,
    const std::string& journal_id,
    const std::string& reason,
    const std::string& who
) {
    pg::Transaction transaction(session);
    if (session.query(retire_journal_sql, name, journal_id).affected() == 0) {
        throw Error(
            ErrorKind::usage,
            "unknown_journal",
            fmt::format("{} has no journal {}", printable(name, 80), printable(journal_id, 80)),
            "`tapline-central fleet` names them"
        );
    }
    const std::string why = printable(reason, max_reason_bytes);
    session.query(note_event_sql, name, who, fmt::format("journal {}: {}", journal_id, why));
    transaction.commit();
}

}  // namespace tapline::fleet
