#include <chrono>
#include <sstream>

#include <fmt/format.h>

#include "agent/doctor/looks.hpp"
#include "agent/doctor/writer_sqlite.hpp"
#include "agent/journal/cursor.hpp"
#include "agent/journal/database.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/own_objects.hpp"
#include "agent/journal/owner.hpp"
#include "agent/journal/step_tables.hpp"
#include "agent/service/offline.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/pour.hpp"

namespace tapline::doctor {

namespace {

/// Opening the file and counting its rows, beside quick_check.
constexpr std::chrono::seconds rest_limit{3};
constexpr std::int64_t many_waiting = 10'000;
constexpr std::chrono::hours long_waiting{24};
constexpr std::chrono::milliseconds patience{200};

constexpr std::string_view sql_quick_check = "PRAGMA quick_check(1)";
constexpr std::string_view sql_quarantined =
    "SELECT count(*) FROM pours WHERE status = 'quarantined'";
// The agent settles no row past its cursor, so somebody else did. Rows that were there at adoption
// keep the status that the old loop gave them, sent or not.
constexpr std::string_view sql_foreign =
    "SELECT count(*) FROM pours "
    "WHERE seq > (SELECT max(acked_through, adopted_through) FROM tapline_journal) "
    "AND status IN ('confirmed', 'failed', 'rejected', 'audit_only')";
constexpr std::string_view sql_version = "SELECT sqlite_version()";

void check_integrity(
    journal::Database& database,
    const std::string& file,
    std::chrono::seconds limit,
    const Tell& tell
) {
    database.set_deadline(std::chrono::steady_clock::now() + limit);
    Check check{"journal_integrity", Verdict::ok, "quick_check: ok", "", ""};
    try {
        const auto found = database.text(sql_quick_check);
        if (found != "ok") {
            check.verdict = Verdict::fail;
            check.measured = found;
        }
    } catch (const Error& failure) {
        const bool late = failure.code() == "deadline" || failure.code() == "busy";
        check.verdict = late ? Verdict::unknown : Verdict::fail;
        check.measured =
            late ? fmt::format("not done in {} s; give it more by --quick-check", limit.count())
                 : std::string(failure.what());
    }
    if (check.verdict == Verdict::fail) {
        check.what_to_do = fmt::format(
            "The running agent salvages it by itself; without one: tapline-agent journal salvage "
            "{}",
            file
        );
    }
    tell(check);
    database.set_deadline(std::nullopt);
}

void check_rows(journal::Database& database, const std::string& file, const Tell& tell) {
    const auto quarantined = database.integer(sql_quarantined);
    tell(
        {"quarantined",
         quarantined > 0 ? Verdict::warn : Verdict::ok,
         fmt::format("{} pours", quarantined),
         quarantined > 0 ? "Tell central's operator: tapline-central quarantine list." : "",
         ""}
    );
    const auto foreign = database.integer(sql_foreign);
    tell(
        {"foreign_status",
         foreign > 0 ? Verdict::warn : Verdict::ok,
         fmt::format("{} pours past the cursor marked by another program", foreign),
         foreign > 0
             ? fmt::format(
                   "The tap's old sync loop runs, or ran: see `tapline-agent journal handover {} "
                   "--check`. (After a backup of central was restored it is the agent's own "
                   "marks, until these pours are sent again.)",
                   file
               )
             : "",
         ""}
    );
    const bool same = journal::own_objects(database) ==
                      journal::expected_objects(journal::recognise(database).name);
    tell(
        {"schema_drift",
         same ? Verdict::ok : Verdict::fail,
         same ? "none" : "tapline's tables or triggers were changed by hand",
         same ? "" : fmt::format("See what: tapline-agent journal check {}", file),
         ""}
    );
}

/// It costs the tap one small write per status and the card as much room again as `pours` takes.
void check_migration(journal::Database& database, const std::string& file, const Tell& tell) {
    const bool cut = journal::has_step_leftovers(database);
    tell(
        {"migration",
         cut ? Verdict::warn : Verdict::ok,
         cut ? "one in steps is under way, or was cut" : "none is under way",
         cut ? fmt::format(
                   "If it stays so: stop the agent, run tapline-agent journal upgrade {}, start "
                   "the agent.",
                   file
               )
             : "",
         ""}
    );
}

/// The agent's own; it isn't in danger, whatever its version (journal/checkpoint.hpp). For
/// that of the tap's program see writer_checks.cpp.
void check_version(const std::string& version, const Tell& tell) {
    const bool bug = has_reset_bug(version);
    tell(
        {"sqlite_version",
         bug ? Verdict::unknown : Verdict::ok,
         version + (bug ? ", before the fix of the WAL-reset bug; the agent works round it" : ""),
         "",
         ""}
    );
    tell(
        {"writer_synchronous",
         Verdict::unknown,
         "each connection has its own; that of the tap's program can't be seen from outside",
         "",
         ""}
    );
}

void check_backlog(const service::JournalFacts& facts, const Tell& tell) {
    // A journal of the field comes without times; then only the number counts.
    const auto oldest_us = parse_timestamp_us(facts.oldest_recorded_at.value_or(""));
    const auto now = system_clock().now_utc().time_since_epoch();
    const bool old =
        facts.depth > 0 && oldest_us && now - std::chrono::microseconds(*oldest_us) > long_waiting;
    const bool stuck = old || facts.depth >= many_waiting;
    tell(
        {"backlog",
         stuck ? Verdict::warn : Verdict::ok,
         fmt::format(
             "{}{} pours wait, the oldest of {}",
             facts.depth_exact ? "" : "about ",
             facts.depth,
             facts.oldest_recorded_at.value_or("-")
         ),
         stuck ? "Nothing is lost. See service_state and central_reachable, then `tapline-agent "
                 "status`; by hand: `journal export`."
               : "",
         ""}
    );
}

void look_at_journal(
    const std::string& journal, std::chrono::seconds quick_check, const Tell& tell
) {
    const auto facts = service::read_facts(journal);
    tell({"journal_adopted", Verdict::ok, facts.identity.revision, "", ""});
    check_backlog(facts, tell);
    journal::OpenOptions options;
    options.busy_timeout = patience;
    journal::Database database(journal::real_journal_path(journal), options);
    check_version(database.text(sql_version), tell);
    check_integrity(database, journal, quick_check, tell);
    database.set_deadline(std::chrono::steady_clock::now() + rest_limit);
    check_rows(database, journal, tell);
    check_migration(database, journal, tell);
}

}  // namespace

Group journal_group(const std::string& journal, std::chrono::seconds quick_check) {
    Group group;
    group.ids = {
        "journal_adopted",
        "backlog",
        "journal_integrity",
        "quarantined",
        "foreign_status",
        "schema_drift",
        "migration",
        "sqlite_version",
        "writer_synchronous"};
    group.subject = journal;
    group.limit = quick_check + 2 * rest_limit;
    group.needs = {"journal_file"};
    group.look = [journal, quick_check](const Tell& tell) {
        look_at_journal(journal, quick_check, tell);
    };
    return group;
}

}  // namespace tapline::doctor
