#include "agent/journal/adopt.hpp"

#include <system_error>

#include <sys/statvfs.h>

#include <fmt/format.h>

#include "agent/journal/backup.hpp"
#include "agent/journal/central_word.hpp"
#include "agent/journal/checkpoint.hpp"
#include "agent/journal/file_lock.hpp"
#include "agent/journal/inspect.hpp"
#include "agent/journal/owner.hpp"
#include "agent/journal/raise.hpp"
#include "agent/journal/rehearse.hpp"
#include "agent/journal/step_tables.hpp"
#include "agent/journal/wal_mode.hpp"
#include "common/test_hook.hpp"

namespace tapline::journal {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view sql_adopted_through = "SELECT adopted_through FROM tapline_journal";
/// 32 MiB while a table is rebuilt: ids are random, so the new index is written all over.
constexpr std::string_view sql_migration_cache = "PRAGMA cache_size=-32768";
/// Copy, rehearsal, backup and the migration's own pages.
constexpr std::uintmax_t copies_needed = 5;
constexpr std::uintmax_t spare_bytes = 1U << 20U;

void check_room(const fs::path& file) {
    std::error_code error;
    const auto size = fs::exists(file, error) ? fs::file_size(file, error) : 0;

    struct statvfs system {};

    if (error || ::statvfs(file.parent_path().c_str(), &system) != 0) {
        return;  // the copy itself will say what is wrong
    }
    const auto free_bytes = static_cast<std::uintmax_t>(system.f_bavail) * system.f_frsize;
    const auto needed = copies_needed * size + spare_bytes;
    if (free_bytes < needed) {
        throw Error(
            ErrorKind::storage_full,
            "disk_full",
            fmt::format(
                "{}: {} bytes are free, {} are needed",
                file.parent_path().string(),
                free_bytes,
                needed
            ),
            "Nothing was changed. Make room, then run this again."
        );
    }
}

void tell(const MigrateOptions& options, std::string_view stage) {
    if (options.progress) {
        options.progress(stage);
    }
}

fs::path prepare(const fs::path& file) {
    const auto real = real_journal_path(file);
    become_owner(real);
    check_room(real);
    return real;
}

fs::path prepare_existing(const fs::path& file) {
    const auto real = prepare(file);
    if (!fs::exists(real)) {
        throw Error(
            ErrorKind::usage,
            "no_such_file",
            fmt::format("{}: there is no such file", real.string()),
            "Check the path."
        );
    }
    return real;
}

struct Job {
    revision::Direction direction = revision::Direction::upgrade;
    std::string target;
    bool fresh = false;  ///< no file, or an empty one: there is nothing to keep a backup of
};

/// Whether the journal is what its backup holds no more.
bool has_swapped(Database& database) {
    const auto state = step_state(database);
    return state && state->swapped;
}

/// The part that touches the live file.
MigrateReport run_live(Database& database, const Job& job, const MigrateOptions& options) {
    MigrateReport report;
    if (!job.fresh) {
        tell(options, "backup");
        test_stop_at("adopt.backup");
        report.backup = make_backup(database);
    }
    database.exec(sql_migration_cache);
    tell(options, "switch to WAL");
    switch_to_wal(database);
    test_stop_at("adopt.begin");
    try {
        report.result = job.direction == revision::Direction::upgrade
                            ? upgrade(database, job.target, options)
                            : downgrade(database, job.target, options);
    } catch (const Error&) {
        // Rolled back: the journal is what the backup holds. An agent that tries again every hour
        // would fill the card with them.
        std::error_code ignored;
        if (report.backup && !has_swapped(database)) {
            fs::remove(*report.backup, ignored);
        }
        throw;
    }
    test_stop_at("adopt.committed");
    // The commit isn't on the disk yet (synchronous=NORMAL); what is reported as done must be. And
    // whoever copies the file without its -wal should find the new table in it.
    tell(options, "make durable");
    sync_file(database.file().string() + "-wal");
    tell(options, "checkpoint");
    Checkpointer(database).run();
    return report;
}

Database open_live(const fs::path& file, bool fresh) {
    OpenOptions options;
    options.create = fresh;
    return Database(file, options);
}

}  // namespace

AdoptReport adopt(const fs::path& file, const MigrateOptions& options) {
    const auto real = prepare(file);
    tell(options, "inspect");
    const auto word = read_central_word(real);
    Rehearse wanted{Rehearsal::always};
    wanted.central = word.revision;
    wanted.statements = read_statements(options.writer_statements);
    auto inspection = inspect(real, wanted);
    const bool ours = inspection.shape.kind == Recognised::Kind::revision && inspection.adopted;
    const std::string from = ours ? inspection.shape.name : std::string(first_journal_revision);
    const std::string head = highest_for(journal_lineage(), from, word.revision);
    AdoptReport report{
        inspection.shape.name,
        head,
        inspection.adopted_through,
        inspection.totals.per_status,
        std::nullopt,
        inspection.extras,
        false,
        0,
        std::chrono::milliseconds(0),
        std::move(inspection.findings)};
    if (inspection.shape.name == head && !inspection.unfinished) {
        return report;
    }
    const FileLock lock(real);
    const Job job{
        revision::Direction::upgrade,
        head,
        inspection.shape.kind == Recognised::Kind::empty && inspection.extras.empty()};
    auto database = open_live(real, job.fresh);
    if (inspection.shape.name == head) {
        discard_steps(database, options.steps.value_or(StepLimits{}));
        return report;
    }
    auto run = run_live(database, job, options);
    report.recognised = run.result.found;
    report.rows = run.result.rows;
    report.kept = run.result.kept;
    report.backup = run.backup;
    report.adopted_through = database.integer(sql_adopted_through);
    report.changed = run.result.changed;
    report.steps = run.result.steps;
    report.longest_lock = run.result.longest_lock;
    return report;
}

MigrateReport migrate_file(
    const fs::path& file,
    revision::Direction direction,
    std::string_view target,
    const MigrateOptions& options
) {
    const auto real = prepare_existing(file);
    tell(options, "inspect");
    const Job job{direction, std::string(target), false};
    const auto registered = read_statements(options.writer_statements);
    bool adopted = false;
    std::vector<Difference> findings;
    if (direction == revision::Direction::upgrade) {
        // A file that isn't ours yet isn't opened before that, and left as it is when refused.
        Rehearse wanted{Rehearsal::unless_adopted, job.target};
        wanted.statements = registered;
        auto inspection = inspect(real, wanted);
        adopted = inspection.adopted;
        findings = std::move(inspection.findings);
    }
    const FileLock lock(real);
    auto database = open_live(real, false);
    MigrateOptions checked = options;
    checked.check = [word = read_central_word(real),
                     direction](const auto& lineage, const auto& plan) {
        if (direction == revision::Direction::upgrade) {
            refuse_early(lineage, plan, word);
        } else {
            refuse_below_minimum(lineage, plan, word);
        }
    };
    if (const auto seen = preview(database, direction, target, checked)) {
        discard_steps(database, options.steps.value_or(StepLimits{}));
        return {*seen, std::nullopt, std::move(findings)};
    }
    if (adopted) {
        tell(options, "rehearse");
        findings = rehearse_open(database, target, registered);
    }
    auto report = run_live(database, job, checked);
    report.findings = std::move(findings);
    return report;
}

MigrateResult stamp_file(const fs::path& file, std::string_view target) {
    const auto real = prepare_existing(file);
    const FileLock lock(real);
    auto database = open_live(real, false);
    auto result = stamp(database, target);
    if (fs::exists(real.string() + "-wal")) {
        sync_file(real.string() + "-wal");
    }
    return result;
}

}  // namespace tapline::journal
