#include <chrono>
#include <sstream>

#include <fmt/format.h>

#include "agent/doctor/doctor.hpp"
#include "agent/journal/cursor.hpp"
#include "agent/journal/database.hpp"
#include "agent/journal/known_shapes.hpp"
#include "agent/journal/own_objects.hpp"
#include "agent/service/offline.hpp"
#include "common/error.hpp"

namespace tapline::doctor {

namespace {

constexpr std::chrono::seconds quick_check_limit{4};
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

void check_integrity(journal::Database& database, const std::string& file, Report& report) {
    database.set_deadline(std::chrono::steady_clock::now() + quick_check_limit);
    Check check{"journal_integrity", Verdict::ok, "quick_check: ok", "", file};
    try {
        const auto found = database.text(sql_quick_check);
        if (found != "ok") {
            check.verdict = Verdict::fail;
            check.measured = found;
        }
    } catch (const Error& failure) {
        const bool late = failure.code() == "deadline" || failure.code() == "busy";
        check.verdict = late ? Verdict::unknown : Verdict::fail;
        check.measured = late ? fmt::format("not done in {} s", quick_check_limit.count())
                              : std::string(failure.what());
    }
    if (check.verdict == Verdict::fail) {
        check.what_to_do = "Copy the file with its -wal before anything else; don't delete it.";
    }
    report.push_back(check);
    database.set_deadline(std::nullopt);
}

void check_rows(journal::Database& database, const std::string& file, Report& report) {
    const auto quarantined = database.integer(sql_quarantined);
    report.push_back(
        {"quarantined",
         quarantined > 0 ? Verdict::warn : Verdict::ok,
         fmt::format("{} pours", quarantined),
         quarantined > 0 ? "Tell central's operator: tapline-central quarantine list." : "",
         file}
    );
    const auto foreign = database.integer(sql_foreign);
    report.push_back(
        {"foreign_status",
         foreign > 0 ? Verdict::warn : Verdict::ok,
         fmt::format("{} pours past the cursor marked by another program", foreign),
         foreign > 0
             ? "The tap's old sync loop still runs: switch it off in its settings. (After a "
               "backup of central was restored it is the agent's own marks, until these "
               "pours are sent again.)"
             : "",
         file}
    );
    const bool same = journal::own_objects(database) ==
                      journal::expected_objects(journal::recognise(database).name);
    report.push_back(
        {"schema_drift",
         same ? Verdict::ok : Verdict::fail,
         same ? "none" : "tapline's tables or triggers were changed by hand",
         same ? "" : fmt::format("See what: tapline-agent journal check {}", file),
         file}
    );
}

/// The WAL-reset bug (SQLite 3.51.3, release notes) is mended in 3.51.3, 3.50.7 and 3.44.6.
bool has_reset_bug(const std::string& version) {
    int major = 0;
    int minor = 0;
    int patch = 0;
    char dot = 0;
    std::istringstream(version) >> major >> dot >> minor >> dot >> patch;
    const auto at_least = [&](int wanted_minor, int wanted_patch) {
        return minor == wanted_minor && patch >= wanted_patch;
    };
    return major < 4 && minor <= 51 && !at_least(51, 3) && !at_least(50, 7) && !at_least(44, 6);
}

/// The agent's own; it isn't in danger, whatever its version (journal/checkpoint.hpp). What the
/// tap's program does can't be seen from outside.
void check_version(const std::string& version, const std::string& file, Report& report) {
    const bool bug = has_reset_bug(version);
    report.push_back(
        {"sqlite_version",
         bug ? Verdict::unknown : Verdict::ok,
         version + (bug ? ", before the fix of the WAL-reset bug; the agent works round it, the "
                          "tap's program can't be asked"
                        : ""),
         "",
         file}
    );
    report.push_back(
        {"writer_synchronous",
         Verdict::unknown,
         "each connection has its own; that of the tap's program can't be seen from outside",
         "",
         file}
    );
}

}  // namespace

void check_journal(const std::filesystem::path& journal, Report& report) {
    const std::string file = journal.string();
    try {
        const auto facts = service::read_facts(journal);
        report.push_back({"journal_adopted", Verdict::ok, facts.identity.revision, "", file});
        report.push_back(
            {"backlog",
             Verdict::ok,
             fmt::format(
                 "{} pours wait, the oldest of {}",
                 facts.depth,
                 facts.oldest_recorded_at.value_or("-")
             ),
             "",
             file}
        );
        journal::OpenOptions options;
        options.busy_timeout = patience;
        journal::Database database(journal, options);
        check_integrity(database, file, report);
        check_rows(database, file, report);
        check_version(database.text(sql_version), file, report);
    } catch (const Error& failure) {
        report.push_back({"journal_adopted", Verdict::fail, failure.what(), failure.hint(), file});
    }
}

}  // namespace tapline::doctor
