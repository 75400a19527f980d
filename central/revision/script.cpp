#include "central/revision/script.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/revision/alone.hpp"
#include "central/revision/fleet_gate.hpp"
#include "central/revision/half_done.hpp"
#include "central/revision/ledger.hpp"
#include "common/error.hpp"
#include "common/revision/digest.hpp"
#include "common/version.hpp"

namespace tapline::revision {

namespace {

std::string literal(std::string_view text) {
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? "''" : std::string(1, c);
    }
    return quoted + "'";
}

std::string text_array(const std::vector<std::string>& texts) {
    std::vector<std::string> quoted;
    quoted.reserve(texts.size());
    for (const std::string& text : texts) {
        quoted.push_back(literal(text));
    }
    return fmt::format("ARRAY[{}]::text[]", fmt::join(quoted, ", "));
}

std::string version_table(LineageName name) {
    return name == LineageName::app ? "public.alembic_version" : "tapline.alembic_version";
}

/// Raises unless the version rows are these.
std::string guard(LineageName name, const std::vector<std::string>& heads) {
    return fmt::format(
        "DO $tapline$\n"
        "DECLARE found text[];\n"
        "BEGIN\n"
        "    LOCK TABLE {0} IN SHARE ROW EXCLUSIVE MODE;\n"
        "    SELECT coalesce(array_agg(version_num::text ORDER BY version_num COLLATE \"C\"), "
        "'{{}}')\n"
        "        INTO found FROM {0};\n"
        "    IF found <> {1} THEN\n"
        "        RAISE EXCEPTION 'the lineage {2} of this database is at %, and the script goes on "
        "from %', found, {1}\n"
        "            USING HINT = 'Nothing was changed by this step. Is it the right database? "
        "Make "
        "the script anew from where it is.';\n"
        "    END IF;\n"
        "END $tapline$;\n",
        version_table(name),
        text_array(heads),
        to_string(name)
    );
}

/// Raises when an applied revision was another file than today's.
std::string digest_guard(const DatabaseLineage& one, const std::vector<std::string>& heads) {
    std::string values;
    for (const std::string& id : one.lineage.with_ancestors(heads)) {
        values += fmt::format(
            "{}({}, {})",
            values.empty() ? "" : ", ",
            literal(id),
            literal(digest(one.lineage.at(id)))
        );
    }
    if (values.empty()) {
        return {};
    }
    return fmt::format(
        "DO $tapline$\n"
        "DECLARE changed text;\n"
        "BEGIN\n"
        "    SELECT string_agg(file.id, ', ') INTO changed FROM (VALUES {}) AS file (id, digest)\n"
        "        JOIN (SELECT DISTINCT ON (revision_id) revision_id, digest FROM "
        "tapline.revision_log\n"
        "            WHERE lineage = {} AND outcome = 'done' AND action IN ('upgrade', 'stamp')\n"
        "            AND digest IS NOT NULL ORDER BY revision_id, log_id DESC) AS applied\n"
        "        ON applied.revision_id = file.id AND applied.digest <> file.digest;\n"
        "    IF changed IS NOT NULL THEN\n"
        "        RAISE EXCEPTION 'changed after it was applied to this database: %', changed;\n"
        "    END IF;\n"
        "END $tapline$;\n",
        values,
        literal(to_string(one.name))
    );
}

/// Raises when a revision is half done: what it did already would be done again, or skipped.
constexpr std::string_view half_done_guard =
    "DO $tapline$\n"
    "DECLARE half text;\n"
    "BEGIN\n"
    "    SELECT string_agg(revision_id, ', ') INTO half FROM tapline.revision_progress;\n"
    "    IF half IS NOT NULL THEN\n"
    "        RAISE EXCEPTION 'this database is half way through %', half\n"
    "            USING HINT = 'Finish it with tapline-central first: a script can''t go on in "
    "it.';\n"
    "    END IF;\n"
    "END $tapline$;\n";

std::string beginning(const LineageSet& set, const OfflineSteps& offline) {
    std::string text = fmt::format(
        "-- tapline-central {}: {} revisions\n"
        "-- Run it with: psql -X -v ON_ERROR_STOP=1 -f FILE \"$DATABASE_URL\"\n"
        "\\set ON_ERROR_STOP on\n"
        "SET standard_conforming_strings = on;\n"
        "SET client_min_messages = warning;\n"
        "DO $tapline$ BEGIN\n"
        "    IF NOT pg_try_advisory_lock({}) THEN\n"
        "        RAISE EXCEPTION 'another upgrade of this database runs';\n"
        "    END IF;\n"
        "END $tapline$;\n"
        "BEGIN;\n",
        version,
        offline.steps.size(),
        runner_lock_key
    );
    for (const DatabaseLineage& one : set) {
        text += bootstrap_script(one.name);
    }
    text += fmt::format("{};\n{}", half_done_table_sql(), half_done_guard);
    for (std::size_t i = 0; i < set.size(); ++i) {
        text += guard(set[i].name, offline.from[i]) + digest_guard(set[i], offline.from[i]);
    }
    return text + "COMMIT;\n";
}

void refuse_pieces(const Revision& revision, Direction direction) {
    const auto pieces = pieces_of(revision, direction);
    if (pieces.size() == 1 && pieces.front().kind == Piece::Kind::together) {
        return;
    }
    throw Error(
        ErrorKind::usage,
        "offline_pieces",
        fmt::format("{} commits in pieces, and a script can't", revision.file),
        fmt::format(
            "make one script up to it and one from it, and in between run `tapline-central {} {}` "
            "on the database",
            to_string(direction),
            direction == Direction::upgrade ? revision.id : std::string("-1")
        )
    );
}

/// Raises when one of them holds rows; a table that isn't there holds none.
std::string rows_guard(const std::vector<std::string>& tables) {
    std::string text;
    for (const std::string& table : tables) {
        text += fmt::format(
            "DO $tapline$\n"
            "DECLARE filled boolean;\n"
            "BEGIN\n"
            "    IF to_regclass({0}) IS NOT NULL THEN\n"
            "        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', to_regclass({0})) INTO "
            "filled;\n"
            "        IF filled THEN\n"
            "            RAISE EXCEPTION 'the table % holds rows, which would be lost', {0}\n"
            "                USING HINT = 'Take a backup; `downgrade --sql --discard-rows` makes a "
            "script that drops them.';\n"
            "        END IF;\n"
            "    END IF;\n"
            "END $tapline$;\n",
            literal(table)
        );
    }
    return text;
}

std::string one_step(
    const DatabaseLineage& one,
    const Step& step,
    const std::vector<std::string>& before,
    const std::vector<std::string>& guarded
) {
    const Revision& revision = one.lineage.at(step.id);
    const Section& section = revision.section(step.direction);
    refuse_pieces(revision, step.direction);
    refuse_gated(one.name, revision, step.direction);
    std::string text = fmt::format(
        "\n-- {} {}\n\\echo {} {}\nBEGIN;\n"
        "SET LOCAL lock_timeout = {};\nSET LOCAL statement_timeout = {};\n"
        "SET LOCAL search_path = public;\n",
        to_string(step.direction),
        revision.file,
        to_string(step.direction),
        step.id,
        section.lock_timeout.value_or(std::chrono::milliseconds(2'000)).count(),
        section.statement_timeout.value_or(std::chrono::milliseconds(0)).count()
    );
    text += guard(one.name, before) + rows_guard(guarded);
    for (const Statement& statement : section.statements) {
        text += statement.text + ";\n";
    }
    const std::string after = text_array(step.heads_after);
    text += fmt::format(
        "DELETE FROM {0} WHERE version_num <> ALL ({1});\n"
        "INSERT INTO {0} (version_num) SELECT unnest({1}) ON CONFLICT DO NOTHING;\n"
        "INSERT INTO tapline.revision_log (lineage, revision_id, action, outcome, digest, "
        "heads_after, duration_ms, system_user_name, downgrade_sql) VALUES ({2}, {3}, {4}, 'done', "
        "{5}, {1},\n    extract(epoch FROM clock_timestamp() - now())::bigint * 1000, "
        "'offline script', nullif({6}, ''));\n"
        "COMMIT;\n",
        version_table(one.name),
        after,
        literal(to_string(one.name)),
        literal(step.id),
        literal(to_string(step.direction)),
        literal(digest(revision)),
        literal(revision.downgrade.raw)
    );
    return text;
}

}  // namespace

std::string offline_script(
    const LineageSet& set,
    const OfflineSteps& offline,
    const std::vector<std::vector<std::string>>& guarded
) {
    std::string text = beginning(set, offline);
    AppliedHeads heads = offline.from;
    for (std::size_t i = 0; i < offline.steps.size(); ++i) {
        const PartStep& step = offline.steps[i];
        text += one_step(
            set[step.part],
            step.step,
            heads[step.part],
            i < guarded.size() ? guarded[i] : std::vector<std::string>{}
        );
        heads[step.part] = step.step.heads_after;
    }
    return text + "\n\\echo done\n";
}

}  // namespace tapline::revision
