#include "central/compat/contract.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "central/compat/lock.hpp"

namespace tapline::compat {

namespace {

constexpr std::string_view tables_sql =
    "SELECT to_regclass('tapline.journal_minimum') IS NOT NULL,"
    " to_regclass('tapline.controller') IS NOT NULL";
constexpr std::string_view any_controller_sql = "SELECT EXISTS (SELECT FROM tapline.controller)";
constexpr std::string_view take_lock_sql = "SELECT pg_advisory_xact_lock($1::bigint)";
constexpr std::string_view is_fixed_sql =
    "SELECT EXISTS (SELECT FROM tapline.journal_minimum WHERE lineage = $1 AND contract = $2)";
constexpr std::string_view known_sql =
    "SELECT count(*) FILTER (WHERE revision = $1) = 1, coalesce(string_agg(revision, ', ' ORDER BY "
    "place), 'none') FROM tapline.journal_revision";
constexpr std::string_view fix_sql =
    "INSERT INTO tapline.journal_minimum (lineage, contract, revision, fixed_by) "
    "SELECT $1, $2, r.revision, $4 FROM tapline.journal_revision r WHERE r.revision = $3 "
    "ON CONFLICT (lineage, contract) DO NOTHING";
constexpr std::string_view give_back_sql =
    "DELETE FROM tapline.journal_minimum WHERE lineage = $1 AND contract = $2";

constexpr std::size_t shown_blockers = 5;

std::string some(const std::vector<Blocker>& blockers) {
    std::string text;
    for (std::size_t i = 0; i < std::min(blockers.size(), shown_blockers); ++i) {
        text += fmt::format(
            "{}{} ({})", text.empty() ? "" : ", ", blockers[i].controller, why(blockers[i])
        );
    }
    if (blockers.size() > shown_blockers) {
        text += fmt::format(" and {} more", blockers.size() - shown_blockers);
    }
    return text;
}

bool has_tables(pg::Session& session) {
    return session.run(tables_sql)[0].boolean(0);
}

/// False: there is no fleet, nor a place to write the minimum down.
bool has_fleet(pg::Session& session, const Contract& contract) {
    const auto tables = session.run(tables_sql);
    if (tables[0].boolean(0)) {
        return true;
    }
    if (tables[0].boolean(1) && session.run(any_controller_sql)[0].boolean(0)) {
        throw Error(
            ErrorKind::refused,
            "fleet_unknown",
            fmt::format(
                "{} waits for the fleet, and what its journals are isn't known before t0006_compat",
                contract.id
            ),
            "run `tapline-central upgrade --lineage tapline` first"
        );
    }
    return false;
}

bool is_fixed(pg::Session& session, const Contract& contract) {
    return session.query(is_fixed_sql, contract.lineage, contract.id)[0].boolean(0);
}

void refuse_unknown(pg::Session& session, const Contract& contract) {
    const auto known = session.query(known_sql, contract.journal);
    if (!known[0].boolean(0)) {
        throw Error(
            ErrorKind::refused,
            "journal_unknown",
            fmt::format(
                "{} requires journals at {}, which this central can't settle; it can: {}",
                contract.id,
                contract.journal,
                known[0].text(1)
            ),
            "nothing was changed; upgrade tapline-central first, or correct `Requires Journal`"
        );
    }
}

void ask(pg::Session& session, const Contract& contract) {
    refuse_unknown(session, contract);
    if (auto found = blockers(session, contract.journal); !found.empty()) {
        throw Blocked(contract, std::move(found));
    }
}

}  // namespace

Blocked::Blocked(const Contract& contract, std::vector<Blocker> blockers)
    : Error(
          ErrorKind::refused,
          "fleet_behind",
          fmt::format(
              "{} requires journals at {}; {} stand in the way: {}",
              contract.id,
              contract.journal,
              blockers.size(),
              some(blockers)
          ),
          fmt::format(
              "nothing was changed; `tapline-central fleet compat {}` tells when they are through, "
              "`tapline-central controllers retire NAME --reason WHY` writes one off; what comes "
              "before {} can be run by naming its revision",
              contract.journal,
              contract.id
          )
      ),
      blockers_(std::move(blockers)) {}

void check_fleet(pg::Session& session, const Contract& contract, bool ours_follow) {
    if (ours_follow && !has_tables(session)) {
        return;
    }
    if (!has_fleet(session, contract) || is_fixed(session, contract)) {
        return;
    }
    const bool known = session.query(known_sql, contract.journal)[0].boolean(0);
    if (known || !ours_follow) {
        ask(session, contract);
    }
}

void fix_minimum(pg::Session& session, const Contract& contract, const std::string& who) {
    if (!has_fleet(session, contract)) {
        return;
    }
    session.query(take_lock_sql, lock_key);
    if (is_fixed(session, contract)) {
        return;
    }
    ask(session, contract);
    session.query(fix_sql, contract.lineage, contract.id, contract.journal, who);
}

void give_back(pg::Session& session, const Contract& contract) {
    if (has_tables(session)) {
        session.query(give_back_sql, contract.lineage, contract.id);
    }
}

void note_applied(
    pg::Session& session, const std::vector<Contract>& contracts, const std::string& who
) {
    if (contracts.empty() || !has_tables(session)) {
        return;
    }
    for (const Contract& one : contracts) {
        session.query(fix_sql, one.lineage, one.id, one.journal, who);
    }
}

}  // namespace tapline::compat
