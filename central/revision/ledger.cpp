#include "central/revision/ledger.hpp"

#include <array>

#include <pwd.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/error.hpp"
#include "common/revision/digest.hpp"

namespace tapline::revision {

namespace {

/// The statements on a version table differ by its name only, and a name can't be a parameter.
struct VersionSql {
    std::string_view exists;
    std::string_view create;
    std::string_view read;
    std::string_view lock_and_read;
    std::string_view remove;
    std::string_view insert;
    pg::Statement record;  ///< remove, insert and the line in the log
};

constexpr std::string_view write_log_sql =
    "INSERT INTO tapline.revision_log (heads_after, lineage, revision_id, action, outcome, digest, "
    "duration_ms, system_user_name, downgrade_sql, error, heads_before) "
    "VALUES ($1::text[], $2, $3, $4, $5, nullif($6, ''), $7::bigint, $8, nullif($9, ''), "
    "nullif($10, ''), CASE WHEN $4 = 'stamp' THEN $11::text[] END)";

// Name, type and constraint are Alembic's.
constexpr VersionSql app_version_sql{
    "SELECT to_regclass('public.alembic_version') IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS public.alembic_version ("
    "version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
    "SELECT version_num FROM public.alembic_version ORDER BY version_num COLLATE \"C\"",
    "LOCK TABLE public.alembic_version IN SHARE ROW EXCLUSIVE MODE; "
    "SELECT version_num FROM public.alembic_version ORDER BY version_num COLLATE \"C\"",
    "DELETE FROM public.alembic_version WHERE version_num <> ALL ($1::text[])",
    "INSERT INTO public.alembic_version (version_num) SELECT unnest($1::text[]) ON CONFLICT DO "
    "NOTHING",
    {"record_app_step",
     "WITH removed AS (DELETE FROM public.alembic_version WHERE version_num <> ALL ($1::text[])), "
     "added AS (INSERT INTO public.alembic_version (version_num) SELECT unnest($1::text[]) "
     "ON CONFLICT DO NOTHING) "
     "INSERT INTO tapline.revision_log (heads_after, lineage, revision_id, action, outcome, "
     "digest, "
     "duration_ms, system_user_name, downgrade_sql, error) "
     "VALUES ($1::text[], $2, $3, $4, $5, nullif($6, ''), $7::bigint, $8, nullif($9, ''), "
     "nullif($10, ''))"},
};
constexpr VersionSql tapline_version_sql{
    "SELECT to_regclass('tapline.alembic_version') IS NOT NULL",
    "CREATE TABLE IF NOT EXISTS tapline.alembic_version ("
    "version_num varchar(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
    "SELECT version_num FROM tapline.alembic_version ORDER BY version_num COLLATE \"C\"",
    "LOCK TABLE tapline.alembic_version IN SHARE ROW EXCLUSIVE MODE; "
    "SELECT version_num FROM tapline.alembic_version ORDER BY version_num COLLATE \"C\"",
    "DELETE FROM tapline.alembic_version WHERE version_num <> ALL ($1::text[])",
    "INSERT INTO tapline.alembic_version (version_num) SELECT unnest($1::text[]) ON CONFLICT DO "
    "NOTHING",
    {"record_tapline_step",
     "WITH removed AS (DELETE FROM tapline.alembic_version WHERE version_num <> ALL ($1::text[])), "
     "added AS (INSERT INTO tapline.alembic_version (version_num) SELECT unnest($1::text[]) "
     "ON CONFLICT DO NOTHING) "
     "INSERT INTO tapline.revision_log (heads_after, lineage, revision_id, action, outcome, "
     "digest, "
     "duration_ms, system_user_name, downgrade_sql, error) "
     "VALUES ($1::text[], $2, $3, $4, $5, nullif($6, ''), $7::bigint, $8, nullif($9, ''), "
     "nullif($10, ''))"},
};

constexpr std::string_view has_schema_sql = "SELECT to_regnamespace('tapline') IS NOT NULL";
constexpr std::string_view create_schema_sql = "CREATE SCHEMA IF NOT EXISTS tapline";
// "$user" comes first in the default search_path: for a role named tapline that is our schema, and
// the bar's Alembic, run as that role, would take our version table for its own.
constexpr std::string_view role_finds_us_first_sql = R"sql(
SELECT EXISTS (
    SELECT FROM pg_roles r
    WHERE r.rolname = 'tapline'
    AND (r.rolname = current_user OR (SELECT u.rolsuper FROM pg_roles u WHERE u.rolname = current_user))
    AND NOT EXISTS (
        SELECT FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE s.setrole = r.oid AND d.datname = current_database()
        AND array_to_string(s.setconfig, ' ') LIKE '%search_path=%'))
)sql";
constexpr std::string_view role_to_public_sql =
    "DO $$ BEGIN EXECUTE format('ALTER ROLE tapline IN DATABASE %I SET search_path = public', "
    "current_database()); END $$";
constexpr std::string_view create_log_sql = R"sql(
CREATE TABLE IF NOT EXISTS tapline.revision_log (
    log_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lineage text NOT NULL,
    revision_id text NOT NULL,
    action text NOT NULL CHECK (action IN ('upgrade', 'downgrade', 'stamp')),
    outcome text NOT NULL CHECK (outcome IN ('done', 'failed')),
    digest text,
    heads_after text[] NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    duration_ms bigint NOT NULL,
    database_role text NOT NULL DEFAULT session_user,
    system_user_name text NOT NULL,
    downgrade_sql text,
    error text,
    heads_before text[]
)
)sql";
// 0: missing; 1: an earlier release made it; 2: as it is made now.
constexpr std::string_view log_state_sql =
    "SELECT CASE WHEN to_regclass('tapline.revision_log') IS NULL THEN 0 WHEN EXISTS ("
    "SELECT FROM pg_attribute WHERE attrelid = to_regclass('tapline.revision_log') "
    "AND attname = 'heads_before' AND NOT attisdropped) THEN 2 ELSE 1 END";
constexpr std::string_view add_heads_before_sql =
    "ALTER TABLE tapline.revision_log ADD COLUMN IF NOT EXISTS heads_before text[]";
constexpr std::string_view has_accepted_sql =
    "SELECT to_regclass('tapline.accepted_difference') IS NOT NULL";
constexpr std::string_view create_accepted_sql = R"sql(
CREATE TABLE IF NOT EXISTS tapline.accepted_difference (
    object text NOT NULL,
    digest text NOT NULL,
    reason text NOT NULL,
    who text NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (object, digest)
)
)sql";
// Oldest first, the last one counts: the log is read in the order of its key, without a sort.
constexpr std::string_view read_digests_sql =
    "SELECT revision_id, digest FROM tapline.revision_log "
    "WHERE lineage = $1 AND outcome = 'done' AND action IN ('upgrade', 'stamp') "
    "AND digest IS NOT NULL ORDER BY log_id";

const VersionSql& sql_of(LineageName lineage) noexcept {
    return lineage == LineageName::app ? app_version_sql : tapline_version_sql;
}

}  // namespace

std::string who() {
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) != 0) {
        host[0] = '\0';
    }
    const char* sudo_user = std::getenv("SUDO_USER");
    const passwd* entry = getpwuid(getuid());
    const std::string name = entry == nullptr ? std::to_string(getuid()) : entry->pw_name;
    const std::string self = fmt::format("{}@{}", name, host.data());
    return sudo_user == nullptr ? self : fmt::format("{} ({})", self, sudo_user);
}

namespace {

void fill(pg::ArrayBuilder& array, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
        array.text(std::string_view(text));
    }
}

/// In the order of write_log_sql, which has one more, and VersionSql::record.
template <typename Use>
void with_parameters(const LogEntry& entry, const Use& use) {
    static const std::string system_user = who();
    pg::ArrayBuilder heads_after;
    fill(heads_after, entry.heads_after);
    pg::Params params;
    params.add(heads_after);
    params.add(to_string(entry.lineage));
    params.add(entry.id);
    params.add(entry.action);
    params.add(entry.failed ? "failed" : "done");
    params.add(entry.digest);
    params.add(std::int64_t{entry.duration.count()});
    params.add(system_user);
    params.add(entry.downgrade_sql);
    params.add(entry.error);
    use(params);
}

}  // namespace

void Ledger::bootstrap(LineageName lineage) {
    // Asked first, so that a role that may not create anything still gets by when all is there.
    if (!session_.run(has_schema_sql)[0].boolean(0)) {
        session_.run(create_schema_sql);
    }
    if (session_.run(role_finds_us_first_sql)[0].boolean(0)) {
        session_.run(role_to_public_sql);
    }
    const std::int64_t log_state = session_.run(log_state_sql)[0].integer(0);
    if (log_state < 2) {
        session_.run(log_state == 0 ? create_log_sql : add_heads_before_sql);
    }
    if (!session_.run(has_accepted_sql)[0].boolean(0)) {
        session_.run(create_accepted_sql);
    }
    if (!session_.run(sql_of(lineage).exists)[0].boolean(0)) {
        session_.run(sql_of(lineage).create);
    }
}

std::string bootstrap_script(LineageName lineage) {
    return fmt::format(
        "{};\n{};\n{};\n{};\n",
        create_schema_sql,
        create_log_sql,
        create_accepted_sql,
        sql_of(lineage).create
    );
}

bool Ledger::has_table(LineageName lineage) {
    return session_.run(sql_of(lineage).exists)[0].boolean(0);
}

std::vector<std::string> Ledger::heads(LineageName lineage) {
    std::vector<std::string> ids;
    if (!has_table(lineage)) {
        return ids;
    }
    const pg::Result rows = session_.run(sql_of(lineage).read);
    for (const pg::Row row : rows) {
        ids.emplace_back(row.text(0));
    }
    return ids;
}

std::string_view Ledger::lock_heads_sql(LineageName lineage) {
    return sql_of(lineage).lock_and_read;
}

void Ledger::lock_heads(LineageName lineage, const std::vector<std::string>& before) {
    check_heads(lineage, before, session_.run(lock_heads_sql(lineage)));
}

void Ledger::check_heads(
    LineageName lineage, const std::vector<std::string>& before, const pg::Result& rows
) {
    std::vector<std::string> found;
    for (const pg::Row row : rows) {
        found.emplace_back(row.text(0));
    }
    if (found != before) {
        throw Error(
            ErrorKind::refused,
            "changed_meanwhile",
            fmt::format(
                "the lineage {} was at [{}] a moment ago and is at [{}] now",
                to_string(lineage),
                fmt::join(before, ", "),
                fmt::join(found, ", ")
            ),
            "another migration tool works on this database; let it finish, then run this again"
        );
    }
}

void Ledger::move_heads(
    LineageName lineage,
    const std::vector<std::string>& before,
    const std::vector<std::string>& after
) {
    lock_heads(lineage, before);
    pg::ArrayBuilder ids;
    fill(ids, after);
    session_.query(sql_of(lineage).remove, ids);
    session_.query(sql_of(lineage).insert, ids);
}

std::map<std::string, std::string> Ledger::digests(LineageName lineage) {
    std::map<std::string, std::string> known;
    if (session_.run(log_state_sql)[0].integer(0) == 0) {
        return known;
    }
    const pg::Result rows = session_.query(read_digests_sql, to_string(lineage));
    for (const pg::Row row : rows) {
        known.insert_or_assign(std::string(row.text(0)), std::string(row.text(1)));
    }
    return known;
}

void Ledger::write(const LogEntry& entry) {
    pg::ArrayBuilder heads_before;
    fill(heads_before, entry.heads_before);
    with_parameters(entry, [&](pg::Params& params) {
        params.add(heads_before);
        session_.exec_params(write_log_sql, params);
    });
}

void Ledger::record(const LogEntry& entry) {
    with_parameters(entry, [&](const pg::Params& params) {
        session_.exec_prepared(sql_of(entry.lineage).record, params);
    });
}

void check_digests(
    Ledger& ledger, const DatabaseLineage& lineage, const std::vector<std::string>& heads
) {
    std::vector<std::string> known_heads;
    for (const std::string& id : heads) {
        if (lineage.lineage.find(id) != nullptr) {
            known_heads.push_back(id);
        }
    }
    const std::map<std::string, std::string> digests = ledger.digests(lineage.name);
    for (const std::string& id : lineage.lineage.with_ancestors(known_heads)) {
        const Revision& revision = lineage.lineage.at(id);
        const auto applied = digests.find(id);
        if (applied != digests.end() && applied->second != digest(revision)) {
            throw Error(
                ErrorKind::refused,
                "digest_changed",
                fmt::format("{} was changed after it was applied to this database", revision.file),
                fmt::format(
                    "bring the file back to what was applied (version control has it) and put the "
                    "change into a new revision; if the database has it already, "
                    "`tapline-central stamp --lineage {} {}{}` accepts the files as they are now",
                    to_string(lineage.name),
                    known_heads.empty() ? id : fmt::format("{}", fmt::join(known_heads, " ")),
                    directory_option(lineage.directory)
                )
            );
        }
    }
}

}  // namespace tapline::revision
