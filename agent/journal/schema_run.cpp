#include "agent/journal/schema_run.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "agent/journal/cursor.hpp"
#include "agent/journal/entry.hpp"
#include "agent/journal/identity.hpp"
#include "agent/journal/ledger.hpp"
#include "agent/journal/run_section.hpp"
#include "common/revision/digest.hpp"
#include "common/revision/file.hpp"
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

void run_step(
    const Run& run, const revision::Step& step, const std::string& found, const Work& work
) {
    const auto& revision = run.lineage.at(step.id);
    const auto start = work.begun.value_or(std::chrono::steady_clock::now());
    run_section(run.database, revision, step.direction, run.options);
    // Not whether tapline's tables are there: they stay behind when a journal goes down to gen8.
    const bool is_journal =
        step.direction == Direction::upgrade && run.database.integer(sql_has_seq) != 0;
    LogEntry entry;
    entry.revision = step.id;
    entry.revises = revision.revises.empty() ? std::string{} : revision.revises.front();
    entry.direction = work.label;
    entry.found = found;
    entry.current_after = step.heads_after.empty() ? std::string{} : step.heads_after.front();
    entry.digest = revision::digest(revision);
    // j0001 brings every row into its shape; later revisions leave old rows as they are.
    entry.first_seq = is_journal && step.id != first_journal_revision
                          ? work.max_seq.value_or(run.database.integer(sql_max_seq)) + 1
                          : 1;
    entry.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                            std::chrono::steady_clock::now() - start
    )
                            .count();
    entry.agent_version = version;
    entry.downgrade_sql = revision.irreversible ? std::string{} : revision.downgrade.raw;
    append_ledger(run.database, entry);
}

/// Pours that central has settled were deleted by hand while the journal was below j0001, so the
/// next ones get their numbers. Without the hashes of these the chains differ at the next hello,
/// and a new epoch begins; with them the new pours would pass for settled ones.
void forget_deleted(Database& database) {
    Cursor cursor(database);
    const Seq top = database.integer(sql_max_seq);
    if (cursor.read().acked_through > top) {
        cursor.step_back(cursor.nearest(top));
    }
}

void ensure_identity(Database& database) {
    if (database.integer(sql_has_identity) == 0) {
        database.prepare(sql_identity).bind(1, make_uuid()).bind(2, hardware_fingerprint()).run();
    }
    database.exec(sql_adopted);
    forget_deleted(database);
}

}  // namespace

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

void refuse_unknown(Database& database, const Recognised& found) {
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

Work work_up(const Run& run, std::string_view target) {
    auto& database = run.database;
    const auto found = recognise(database);
    if (found.kind == Recognised::Kind::unknown) {
        refuse_unknown(database, found);
    }
    Work work;
    work.found = found.name;
    work.entry = found.kind == Recognised::Kind::entry;
    work.label = work.entry ? "adopt" : "upgrade";
    std::vector<std::string> applied;
    if (found.kind != Recognised::Kind::empty) {
        applied.push_back(work.entry ? std::string(last_legacy_revision) : found.name);
    }
    work.plan = revision::plan_upgrade(run.lineage, applied, target);
    check(run.options, run.lineage, work.plan);
    if (work.entry && !reaches_journal(work.plan)) {
        throw Error(
            ErrorKind::refused,
            "entry_shape",
            fmt::format("{} has the entry shape {}", database.file().string(), found.name),
            "Such a file goes to j0001 or later: run `tapline-agent journal adopt`."
        );
    }
    return work;
}

Work work_down(const Run& run, std::string_view target) {
    Work work;
    work.found = current_for_downgrade(run.database);
    work.direction = Direction::downgrade;
    work.label = "downgrade";
    work.plan = revision::plan_downgrade(run.lineage, {work.found}, target);
    check(run.options, run.lineage, work.plan);
    return work;
}

std::string run_plan(const Run& run, const Work& work) {
    if (work.entry) {
        tell(run.options, "rebuild " + work.found);
        rebuild_entry(run.database);
    }
    std::string at = work.found;
    for (const auto& step : work.plan.steps) {
        run_step(run, step, at, work);
        at = work.direction == Direction::upgrade ? step.id
             : step.heads_after.empty()           ? std::string{}
                                                  : step.heads_after.front();
    }
    return at;
}

void ensure_identity_after(const Run& run, const Work& work) {
    if (reaches_journal(work.plan)) {
        ensure_identity(run.database);
    }
}

bool reaches_journal(const revision::Plan& plan) {
    return std::any_of(plan.steps.begin(), plan.steps.end(), [](const revision::Step& step) {
        return step.id == first_journal_revision && step.direction == Direction::upgrade;
    });
}

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

}  // namespace tapline::journal
