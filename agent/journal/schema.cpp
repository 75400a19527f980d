#include "agent/journal/schema.hpp"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "agent/journal/entry.hpp"
#include "agent/journal/identity.hpp"
#include "agent/journal/ledger.hpp"
#include "agent/journal/own_objects.hpp"
#include "agent/journal/run_section.hpp"
#include "agent/journal/totals.hpp"
#include "common/revision/digest.hpp"
#include "common/revision/file.hpp"
#include "common/revision/plan.hpp"
#include "common/revision/resolve.hpp"
#include "common/test_hook.hpp"
#include "common/version.hpp"

namespace tapline::journal {

namespace {

using revision::Direction;
using revision::Lineage;
using revision::Revision;

constexpr std::string_view sql_has_identity = "SELECT count(*) FROM tapline_journal";
constexpr std::string_view sql_has_seq =
    "SELECT count(*) FROM pragma_table_info('pours') WHERE name = 'seq'";
constexpr std::string_view sql_identity =
    "INSERT INTO tapline_journal (id, journal_id, fingerprint) VALUES (1, ?1, ?2)";
constexpr std::string_view sql_adopted =
    "UPDATE tapline_journal SET adopted_through = (SELECT COALESCE(max(seq), 0) FROM pours)";
constexpr std::string_view sql_max_seq = "SELECT COALESCE(max(seq), 0) FROM pours";

constexpr std::chrono::milliseconds pause_between_attempts{200};

void check(const MigrateOptions& options, const Lineage& lineage, const revision::Plan& plan) {
    if (options.check) {
        options.check(lineage, plan);
    }
}

void tell(const MigrateOptions& options, std::string_view stage) {
    if (options.progress) {
        options.progress(stage);
    }
}

[[noreturn]] void refuse_unknown(Database& database, const Recognised& found) {
    throw FileError(
        "unknown_shape",
        fmt::format(
            "{}: table pours has no shape that tapline knows; the nearest is {}",
            database.file().string(),
            found.name
        ),
        "Nothing was changed. Undo the differences by hand, or send `tapline-agent journal check "
        "--json` to the developers.",
        found.differences
    );
}

void run_section(
    Database& database, const Revision& revision, Direction direction, const MigrateOptions& options
) {
    const auto& section = revision.section(direction);
    if (!section.transaction || !section.batches.empty()) {
        throw Error(
            ErrorKind::refused,
            "unsupported_section",
            fmt::format(
                "revision {} asks for transaction=off or batches, which journals don't have",
                revision.id
            ),
            "Write the section as plain statements."
        );
    }
    run_statements(database, section, [&](std::size_t number) {
        tell(
            options,
            fmt::format(
                "{} {} {}/{}", revision.id, to_string(direction), number, section.statements.size()
            )
        );
    });
}

struct Run {
    Database& database;
    const MigrateOptions& options;
    const Lineage& lineage;
};

void run_step(
    const Run& run, const revision::Step& step, const std::string& found, std::string_view direction
) {
    const auto& revision = run.lineage.at(step.id);
    const auto start = std::chrono::steady_clock::now();
    run_section(run.database, revision, step.direction, run.options);
    // Not whether tapline's tables are there: they stay behind when a journal goes down to gen8.
    const bool is_journal =
        step.direction == Direction::upgrade && run.database.integer(sql_has_seq) != 0;
    LogEntry entry;
    entry.revision = step.id;
    entry.revises = revision.revises.empty() ? std::string{} : revision.revises.front();
    entry.direction = direction;
    entry.found = found;
    entry.current_after = step.heads_after.empty() ? std::string{} : step.heads_after.front();
    entry.digest = revision::digest(revision);
    // j0001 brings every row into its shape; later revisions leave old rows as they are.
    entry.first_seq =
        is_journal && step.id != first_journal_revision ? run.database.integer(sql_max_seq) + 1 : 1;
    entry.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                            std::chrono::steady_clock::now() - start
    )
                            .count();
    entry.agent_version = version;
    entry.downgrade_sql = revision.irreversible ? std::string{} : revision.downgrade.raw;
    append_ledger(run.database, entry);
}

void ensure_identity(Database& database) {
    if (database.integer(sql_has_identity) == 0) {
        database.prepare(sql_identity).bind(1, make_uuid()).bind(2, hardware_fingerprint()).run();
    }
    database.exec(sql_adopted);
}

bool reaches_journal(const revision::Plan& plan) {
    return std::any_of(plan.steps.begin(), plan.steps.end(), [](const revision::Step& step) {
        return step.id == first_journal_revision && step.direction == Direction::upgrade;
    });
}

void check_totals(Database& database, const Totals& before) {
    if (const auto after = read_totals(database); !after.same_pours(before)) {
        throw Error(
            ErrorKind::bug,
            "rows_changed",
            fmt::format(
                "{}: the migration would have changed pours: {} rows became {}",
                database.file().string(),
                before.rows,
                after.rows
            ),
            "It was rolled back; nothing has changed. Please send `tapline-agent journal check "
            "--json` to the developers."
        );
    }
}

MigrateResult upgrade_once(const Run& run, std::string_view target) {
    auto& database = run.database;
    Transaction transaction(database);
    if (run.options.deadline) {
        database.set_deadline(std::chrono::steady_clock::now() + *run.options.deadline);
    }
    const auto found = recognise(database);
    if (found.kind == Recognised::Kind::unknown) {
        refuse_unknown(database, found);
    }
    const bool entry = found.kind == Recognised::Kind::entry;
    std::vector<std::string> applied;
    if (found.kind != Recognised::Kind::empty) {
        applied.push_back(entry ? std::string(last_legacy_revision) : found.name);
    }
    const auto plan = revision::plan_upgrade(run.lineage, applied, target);
    check(run.options, run.lineage, plan);
    if (entry && !reaches_journal(plan)) {
        throw Error(
            ErrorKind::refused,
            "entry_shape",
            fmt::format("{} has the entry shape {}", database.file().string(), found.name),
            "Such a file goes to j0001 or later: run `tapline-agent journal adopt`."
        );
    }
    const auto totals = read_totals(database);
    MigrateResult result{
        found.name,
        found.name,
        totals.per_status,
        read_extras(database, found.name),
        !plan.steps.empty()};
    if (plan.steps.empty()) {
        return result;
    }
    set_aside(database, result.kept);
    if (entry) {
        tell(run.options, "rebuild " + found.name);
        rebuild_entry(database);
    }
    std::string before = found.name;
    for (const auto& step : plan.steps) {
        run_step(run, step, before, entry ? "adopt" : "upgrade");
        before = step.id;
    }
    test_stop_at("adopt.rebuild");
    if (reaches_journal(plan)) {
        ensure_identity(database);
    }
    put_back(database, result.kept);
    check_totals(database, totals);
    tell(run.options, "commit");
    test_stop_at("adopt.commit");
    transaction.commit();
    result.current = before;
    return result;
}

/// The embedded lineage and whatever newer revisions the log can take down.
Lineage lineage_with_log(Database& database) {
    auto revisions = journal_lineage().revisions();
    for (const auto& entry : read_ledger(database)) {
        const bool known =
            std::any_of(revisions.begin(), revisions.end(), [&](const Revision& revision) {
                return revision.id == entry.revision;
            });
        if (known) {
            continue;
        }
        Revision revision;
        revision.id = entry.revision;
        revision.revises = {entry.revises};
        revision.dialect = revision::Dialect::sqlite;
        revision.file = "the log of " + database.file().string();
        if (entry.downgrade_sql.empty()) {
            revision.irreversible = "the program that applied it left no way back";
        } else {
            revision.downgrade = revision::parse_section(
                entry.downgrade_sql, revision::Dialect::sqlite, Direction::downgrade, revision.file
            );
        }
        revisions.push_back(std::move(revision));
    }
    return Lineage(std::move(revisions));
}

std::string current_for_downgrade(Database& database) {
    const auto logged = ledger_revision(database);
    if (logged && journal_lineage().find(*logged) == nullptr) {
        return *logged;  // only the log knows its shape
    }
    const auto found = recognise(database);
    if (found.kind == Recognised::Kind::unknown) {
        refuse_unknown(database, found);
    }
    if (found.kind != Recognised::Kind::revision) {
        throw Error(
            ErrorKind::refused,
            "not_adopted",
            fmt::format(
                "{} is {}: there is nothing to step down from", database.file().string(), found.name
            ),
            "Run `tapline-agent journal adopt` first."
        );
    }
    return found.name;
}

MigrateResult downgrade_once(const Run& run, std::string_view target) {
    auto& database = run.database;
    Transaction transaction(database);
    if (run.options.deadline) {
        database.set_deadline(std::chrono::steady_clock::now() + *run.options.deadline);
    }
    const auto current = current_for_downgrade(database);
    const auto plan = revision::plan_downgrade(run.lineage, {current}, target);
    check(run.options, run.lineage, plan);
    const auto totals = read_totals(database);
    MigrateResult result{
        current, current, totals.per_status, read_extras(database, current), !plan.steps.empty()};
    if (plan.steps.empty()) {
        return result;
    }
    set_aside(database, result.kept);
    for (const auto& step : plan.steps) {
        run_step(run, step, result.current, "downgrade");
        result.current = step.heads_after.empty() ? std::string{} : step.heads_after.front();
    }
    put_back(database, result.kept);
    check_totals(database, totals);
    tell(run.options, "commit");
    transaction.commit();
    return result;
}

/// Tables of ours stay behind when a journal goes down, with what hangs on them alone.
bool may_stay_behind(const std::string& object) {
    return object.starts_with("table ") || object.starts_with("index ");
}

void add_own_differences(
    const ObjectMap& expected, const ObjectMap& found, std::vector<Difference>& differences
) {
    for (const auto& [object, sql] : expected) {
        const auto other = found.find(object);
        if (other == found.end()) {
            differences.push_back({object, "removed", sql, std::nullopt});
        } else if (other->second != sql) {
            differences.push_back({object, "changed", sql, other->second});
        }
    }
    for (const auto& [object, sql] : found) {
        if (!expected.contains(object) && !(expected.empty() && may_stay_behind(object))) {
            differences.push_back({object, "added", std::nullopt, sql});
        }
    }
}

template <typename Once>
MigrateResult with_attempts(Database& database, const MigrateOptions& options, const Once& once) {
    for (int attempt = 1;; ++attempt) {
        try {
            auto result = once();
            database.set_deadline(std::nullopt);
            return result;
        } catch (const Error& error) {
            database.set_deadline(std::nullopt);
            if (error.kind() != ErrorKind::storage_busy) {
                throw;
            }
            if (attempt == migration_attempts) {
                throw Error(
                    ErrorKind::storage_busy,
                    error.code() == "deadline" ? "too_slow" : "busy",
                    fmt::format(
                        "{}: {} attempts didn't fit between the tap's own writes: {}",
                        database.file().string(),
                        attempt,
                        error.what()
                    ),
                    "Nothing has changed. Stop the tap's program for a moment and run this again "
                    "with --writer-stopped."
                );
            }
        }
        tell(options, "busy, once more");
        std::this_thread::sleep_for(pause_between_attempts);
    }
}

}  // namespace

MigrateResult upgrade(Database& database, std::string_view target, const MigrateOptions& options) {
    const Run run{database, options, journal_lineage()};
    return with_attempts(database, options, [&] { return upgrade_once(run, target); });
}

MigrateResult downgrade(
    Database& database, std::string_view target, const MigrateOptions& options
) {
    const auto lineage = lineage_with_log(database);
    const Run run{database, options, lineage};
    return with_attempts(database, options, [&] { return downgrade_once(run, target); });
}

std::optional<MigrateResult> preview(
    Database& database, Direction direction, std::string_view target, const MigrateOptions& options
) {
    const bool up = direction == Direction::upgrade;
    const auto found =
        up ? recognise(database)
           : Recognised{Recognised::Kind::revision, current_for_downgrade(database), {}};
    if (found.kind != Recognised::Kind::revision) {
        return std::nullopt;
    }
    const auto lineage = lineage_with_log(database);
    const auto plan = up ? revision::plan_upgrade(lineage, {found.name}, target)
                         : revision::plan_downgrade(lineage, {found.name}, target);
    check(options, lineage, plan);
    if (!plan.steps.empty()) {
        return std::nullopt;
    }
    return MigrateResult{
        found.name,
        found.name,
        read_totals(database).per_status,
        read_extras(database, found.name),
        false};
}

MigrateResult stamp(Database& database, std::string_view target) {
    Transaction transaction(database);
    const auto& lineage = journal_lineage();
    const auto ids = revision::resolve(lineage, target);
    if (ids.size() != 1) {
        throw Error(
            ErrorKind::usage,
            "not_found",
            fmt::format("'{}' names no single revision", target),
            "Name one revision, e.g. gen8."
        );
    }
    const auto found = read_table(database, "pours");
    auto differences =
        found ? compare_tables("pours", expected_pours(ids.front()), *found)
              : std::vector<Difference>{{"table pours", "removed", "table", std::nullopt}};
    add_own_differences(expected_objects(ids.front()), own_objects(database), differences);
    if (!differences.empty()) {
        refuse_unknown(database, {Recognised::Kind::unknown, ids.front(), differences});
    }
    const auto& revision = lineage.at(ids.front());
    const auto before = ledger_revision(database).value_or("");
    LogEntry entry;
    entry.revision = revision.id;
    entry.revises = revision.revises.empty() ? std::string{} : revision.revises.front();
    entry.direction = "stamp";
    entry.found = before;
    entry.current_after = revision.id;
    entry.digest = revision::digest(revision);
    entry.agent_version = version;
    entry.downgrade_sql = revision.irreversible ? std::string{} : revision.downgrade.raw;
    append_ledger(database, entry);
    transaction.commit();
    return {before, revision.id, read_totals(database).per_status, {}, before != revision.id};
}

}  // namespace tapline::journal
