#include "central/cli/start_checks.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/revision/ledger.hpp"
#include "common/error.hpp"

namespace tapline::cli {

namespace {

// app/0001_m1_baseline, by name.
constexpr std::array<std::string_view, 10> baseline_not_null{
    "amount_charged",
    "card_uid",
    "client_tx_id",
    "guest_id",
    "keg_id",
    "pour_id",
    "poured_at",
    "price_per_ml_at_pour",
    "tap_id",
    "volume_ml",
};

constexpr std::string_view not_null_columns_sql =
    "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('public.pours') "
    "AND attnum > 0 AND attnotnull AND NOT attisdropped ORDER BY attname COLLATE \"C\"";
constexpr std::string_view environment_sql =
    "SELECT value FROM tapline.setting WHERE key = 'environment'";
constexpr std::string_view has_settings_sql = "SELECT to_regclass('tapline.setting') IS NOT NULL";
constexpr std::string_view mark_as_dev_sql =
    "INSERT INTO tapline.setting (key, value) VALUES ('environment', 'dev') ON CONFLICT DO NOTHING";

std::string listed(const std::vector<std::string>& names) {
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

/// An applied id that no file has; nullptr: there is none.
const std::string* unknown_id(
    const revision::DatabaseLineage& one, const std::vector<std::string>& applied
) {
    const auto found = std::find_if(applied.begin(), applied.end(), [&](const std::string& id) {
        return one.lineage.find(id) == nullptr;
    });
    return found == applied.end() ? nullptr : &*found;
}

std::string behind(const revision::DatabaseLineage& one, const std::vector<std::string>& applied) {
    return fmt::format(
        "the lineage {} of this database is at {} and has to be at {}",
        revision::to_string(one.name),
        applied.empty() ? "base" : listed(applied),
        listed(one.lineage.real_heads())
    );
}

}  // namespace

void check_at_head(const revision::LineageSet& set, const revision::AppliedHeads& applied) {
    for (std::size_t i = 0; i < set.size(); ++i) {
        if (applied[i] == set[i].lineage.real_heads()) {
            continue;
        }
        const std::string* unknown = unknown_id(set[i], applied[i]);
        if (unknown != nullptr && set[i].name == revision::LineageName::app) {
            continue;
        }
        if (unknown != nullptr) {
            throw Error(
                ErrorKind::refused,
                "unknown_revision",
                fmt::format(
                    "the lineage {} of this database is at {}, which this program has no file for",
                    revision::to_string(set[i].name),
                    *unknown
                ),
                "run the tapline-central that took it there; `tapline-central history` lists what "
                "this "
                "one knows"
            );
        }
        throw Error(
            ErrorKind::refused,
            "behind_head",
            behind(set[i], applied[i]),
            "run `tapline-central upgrade`, then start this again"
        );
    }
}

std::optional<std::string> obstacle_in_schema(
    const revision::LineageSet& set, pg::Session& session
) {
    revision::Ledger ledger(session);
    for (const revision::DatabaseLineage& one : set) {
        const std::vector<std::string> applied = ledger.heads(one.name);
        if (applied != one.lineage.real_heads() && unknown_id(one, applied) == nullptr) {
            return behind(one, applied);
        }
    }
    return std::nullopt;
}

void check_pours_columns(pg::Session& session) {
    std::vector<std::string> extra;
    std::vector<std::string> missing(baseline_not_null.begin(), baseline_not_null.end());
    const pg::Result rows = session.run(not_null_columns_sql);
    for (const pg::Row row : rows) {
        std::string name(row.text(0));
        const auto known = std::find(missing.begin(), missing.end(), name);
        if (known == missing.end()) {
            extra.push_back(std::move(name));
        } else {
            missing.erase(known);
        }
    }
    if (!extra.empty() || !missing.empty()) {
        throw Error(
            ErrorKind::refused,
            "unknown_schema",
            fmt::format(
                "the table pours isn't the baseline's: NOT NULL here and not there: {}; NOT NULL "
                "there "
                "and not here: {}",
                listed(extra),
                listed(missing)
            ),
            "this release settles into the schema of 0001_m1_baseline only"
        );
    }
}

std::string environment_of(pg::Session& session) {
    if (!session.run(has_settings_sql)[0].boolean(0)) {
        return "production";
    }
    const pg::Result rows = session.run(environment_sql);
    return rows.empty() ? "production" : std::string(rows[0].text(0));
}

void mark_as_dev(pg::Session& session) {
    session.run(mark_as_dev_sql);
}

}  // namespace tapline::cli
