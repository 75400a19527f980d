#include "central/lint/transaction.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "central/lint/clip.hpp"
#include "central/lint/expression.hpp"
#include "common/revision/tokens.hpp"

namespace tapline::lint {

namespace {

/// NAMEDATALEN - 1 (PostgreSQL 15, 4.1.1 Identifiers and Key Words).
constexpr std::size_t max_name_bytes = 63;

bool is_table(const Catalog& catalog, const std::string& name) {
    const Relation* const relation = catalog.relation(name);
    return relation == nullptr || relation->kind == RelationKind::table;
}

bool has(const Statement& s, Hazard hazard) {
    return std::any_of(s.drafts.begin(), s.drafts.end(), [&](const Draft& each) {
        return each.hazard == hazard;
    });
}

void judge_slow(Statement& s) {
    const std::string& stopped = s.transaction.stopped;
    if (stopped.empty() || s.slow.empty() || has(s, Hazard::validate_in_same_transaction)) {
        return;
    }
    s.find(
        Hazard::slow_work_under_lock,
        s.slow,
        fmt::format("nobody can use {} any more since a statement before it", stopped)
    );
}

void judge_many_tables(
    Statement& s, const std::set<std::string>& direct, const std::set<std::string>& all
) {
    TransactionState& state = s.transaction;
    std::set<std::string> added;
    std::set_difference(
        all.begin(),
        all.end(),
        state.locked.begin(),
        state.locked.end(),
        std::inserter(added, added.begin())
    );
    // The tables that a new table refers to are one step too.
    const bool second_step = !state.locked.empty() && (state.locked_directly || !direct.empty());
    if (!added.empty() && (second_step || direct.size() > 1)) {
        std::set<std::string> together = state.locked;
        together.insert(all.begin(), all.end());
        s.find(
            Hazard::many_tables_locked,
            fmt::format("table {}", fmt::join(added, ", table ")),
            fmt::format(
                "nobody can write to {} until the transaction ends", fmt::join(together, ", ")
            )
        );
    }
}

/// The enum may be what a constant of the statement is read as.
bool may_use_type(const Catalog& catalog, Node node, const std::string& type) {
    bool possible = false;
    walk(node, [&](std::string_view, Node each) {
        if (each["names"] && type_of(each).name == type) {
            possible = true;
        } else if (each["relname"]) {
            const Relation* const relation = catalog.relation(relation_name(each));
            possible = possible || relation == nullptr || !relation->complete ||
                       std::any_of(
                           relation->columns.begin(),
                           relation->columns.end(),
                           [&](const Column& column) { return column.type.name == type; }
                       );
        }
        return !possible;
    });
    return possible;
}

}  // namespace

void judge_transaction_wide(Statement& s) {
    judge_slow(s);
    std::set<std::string> direct;
    std::set<std::string> all;
    std::string stopped;
    for (const TableLock& each : s.locks) {
        if (!each.counted || !stops_writes(each.lock) || !is_table(s.catalog, each.table)) {
            continue;
        }
        all.insert(each.table);
        if (!each.linked) {
            direct.insert(each.table);
        }
        if (stops_everybody(each.lock)) {
            stopped = each.table;
        }
    }
    // The other end of a foreign key belongs to the step that adds it: there is no way around it.
    const std::set<std::string>& counted = direct.empty() ? all : direct;
    judge_many_tables(s, direct, counted);
    s.transaction.locked.insert(counted.begin(), counted.end());
    s.transaction.locked_directly = s.transaction.locked_directly || !direct.empty();
    if (s.transaction.stopped.empty()) {
        s.transaction.stopped = stopped;
    }
}

void judge_enum_use(Statement& s, Node node) {
    if (s.transaction.enum_values.empty() || node.is("CommentStmt") || node.is("AlterEnumStmt")) {
        return;
    }
    for (const std::string& constant : constants_in(node)) {
        const auto added = s.transaction.enum_values.find(constant);
        if (added != s.transaction.enum_values.end() &&
            may_use_type(s.catalog, node, added->second)) {
            s.find(
                Hazard::enum_value_used_too_early,
                "type " + added->second,
                fmt::format("'{}' can't be used before the transaction that adds it ends", constant)
            );
        }
    }
}

void judge_names(Statement& s, const std::string& sql) {
    for (const revision::Token& token : revision::tokenize(sql, revision::Dialect::postgres)) {
        std::string name(token.text);
        if (token.kind == revision::TokenKind::quoted_identifier) {
            name = name.substr(name.find('"') + 1);
            name.resize(name.size() - (name.empty() ? 0 : 1));
            for (auto pair = name.find("\"\""); pair != std::string::npos;
                 pair = name.find("\"\"", pair + 1)) {
                name.erase(pair, 1);
            }
        } else if (token.kind != revision::TokenKind::word) {
            continue;
        }
        if (name.size() > max_name_bytes) {
            s.find(
                Hazard::name_truncated,
                name,
                fmt::format("{} bytes long, cut to '{}'", name.size(), clip(name, max_name_bytes))
            );
        }
    }
}

}  // namespace tapline::lint
