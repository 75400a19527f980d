#include "central/cli/dry_run.hpp"

#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/lint_gate.hpp"
#include "central/cli/revision_text.hpp"
#include "central/lint/lint.hpp"
#include "central/revision/alone.hpp"

namespace tapline::cli {

namespace {

using nlohmann::ordered_json;
using revision::Direction;
using revision::Revision;

constexpr std::size_t shown_sql = 100;  // bytes

constexpr std::string_view tables_sql = R"sql(
SELECT t.name, pg_total_relation_size(c.oid), c.reltuples::bigint,
    (SELECT count(DISTINCT l.pid) FROM pg_locks l
     WHERE l.relation = c.oid AND l.granted AND l.pid <> pg_backend_pid()
     AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
FROM unnest($1::text[]) AS t(name)
JOIN pg_namespace n ON true
JOIN pg_class c ON c.relnamespace = n.oid
WHERE CASE WHEN n.nspname = 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END = t.name
)sql";

struct TableFacts {
    std::int64_t bytes = 0;
    std::int64_t rows = 0;
    std::int64_t used_by = 0;
};

using Facts = std::map<std::string, TableFacts>;

Facts facts_of(pg::Session& session, const std::vector<std::string>& tables) {
    Facts facts;
    pg::ArrayBuilder names;
    for (const std::string& table : tables) {
        names.text(std::string_view(table));
    }
    const pg::Result rows = session.query(tables_sql, names);
    for (const pg::Row row : rows) {
        facts[std::string(row.text(0))] = {row.integer(1), row.integer(2), row.integer(3)};
    }
    return facts;
}

/// On one line, cut.
std::string in_short(const std::string& sql) {
    std::string line;
    bool space = false;
    for (const char c : sql) {
        const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
        if (blank) {
            space = !line.empty();
            continue;
        }
        if (space) {
            line += ' ';
            space = false;
        }
        line += c;
        if (line.size() > shown_sql) {
            // Not in the middle of a character.
            while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0x80U) != 0) {
                line.pop_back();
            }
            return line + "…";
        }
    }
    return line;
}

std::string_view commits(const std::vector<revision::Piece>& pieces, std::size_t statement) {
    for (const revision::Piece& piece : pieces) {
        if (statement >= piece.first && statement < piece.end) {
            switch (piece.kind) {
                case revision::Piece::Kind::together:
                    return pieces.size() == 1 ? "with the revision" : "with its neighbours";
                case revision::Piece::Kind::alone:
                    return "by itself";
                case revision::Piece::Kind::batch:
                    return "page by page";
            }
        }
    }
    return "with the revision";
}

ordered_json statements_json(
    pg::Session& session, lint::Catalog& catalog, const Revision& revision, Direction direction
) {
    const revision::Section& section = revision.section(direction);
    const lint::Report report = lint::lint_section(catalog, section, {revision.file, direction});
    std::vector<std::string> tables;
    for (const lint::StatementLocks& each : report.locks) {
        for (const auto& one : each.locks) {
            tables.push_back(one.table);
        }
    }
    const Facts facts = facts_of(session, tables);
    const std::vector<revision::Piece> pieces = revision::pieces_of(revision, direction);
    ordered_json list = ordered_json::array();
    for (const lint::StatementLocks& each : report.locks) {
        const revision::Statement& statement = section.statements[each.statement];
        ordered_json one{
            {"line", statement.line},
            {"sql", in_short(statement.text)},
            {"commits", commits(pieces, each.statement)},
            {"locks", ordered_json::array()}};
        if (!each.slow.empty()) {
            one["grows_with"] = each.slow;
        }
        for (const auto& [table, lock] : each.locks) {
            ordered_json held{{"table", table}, {"lock", lint::to_string(lock)}};
            if (const auto known = facts.find(table); known != facts.end()) {
                held["bytes"] = known->second.bytes;
                held["rows"] = known->second.rows;
                held["used_by"] = known->second.used_by;
            }
            one["locks"].push_back(std::move(held));
        }
        list.push_back(std::move(one));
    }
    return list;
}

std::string size_text(std::int64_t bytes) {
    constexpr std::int64_t mib = 1024 * 1024;
    return bytes < mib ? fmt::format("{} KiB", bytes / 1024)
                       : fmt::format("{:.1f} MiB", static_cast<double>(bytes) / mib);
}

std::string lock_text(const ordered_json& held) {
    std::string text = fmt::format(
        "      {} on {}", held.at("lock").get<std::string>(), held.at("table").get<std::string>()
    );
    if (held.contains("bytes")) {
        text += fmt::format(", {}", size_text(held.at("bytes").get<std::int64_t>()));
        const auto rows = held.at("rows").get<std::int64_t>();
        text += rows < 0 ? ", never analyzed" : fmt::format(", about {} rows", rows);
        if (const auto users = held.at("used_by").get<std::int64_t>(); users > 0) {
            text += fmt::format(", in use by {} sessions now", users);
        }
    }
    return text + "\n";
}

}  // namespace

ordered_json dry_run_json(
    pg::Session& session,
    const revision::LineageSet& set,
    const revision::Runner::Rehearsal& rehearsal
) {
    ordered_json json = steps_json(set, rehearsal.heads, rehearsal.steps);
    lint::Catalog catalog = catalog_at(set, rehearsal.heads);
    for (std::size_t i = 0; i < rehearsal.steps.size(); ++i) {
        const revision::PartStep& step = rehearsal.steps[i];
        const Revision& revision = set[step.part].lineage.at(step.step.id);
        json["steps"][i]["statements"] =
            statements_json(session, catalog, revision, step.step.direction);
        catalog.settle();
    }
    json["dry_run"] = true;
    return json;
}

std::string dry_run_text(const ordered_json& json) {
    std::string text;
    for (const ordered_json& step : json.at("steps")) {
        text += fmt::format(
            "{} {} ({})\n",
            step.at("direction").get<std::string>(),
            step.at("id").get<std::string>(),
            step.at("lineage").get<std::string>()
        );
        for (const ordered_json& one : step.at("statements")) {
            text += fmt::format(
                "  line {}, commits {}: {}\n",
                one.at("line").get<int>(),
                one.at("commits").get<std::string>(),
                one.at("sql").get<std::string>()
            );
            for (const ordered_json& held : one.at("locks")) {
                text += lock_text(held);
            }
            if (one.contains("grows_with")) {
                text += fmt::format(
                    "      takes longer the larger {} is\n", one.at("grows_with").get<std::string>()
                );
            }
        }
    }
    return text.empty() ? "nothing to do\n" : text + "nothing was changed: this was a dry run\n";
}

}  // namespace tapline::cli
