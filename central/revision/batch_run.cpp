#include "central/revision/batch_run.hpp"

#include <fmt/format.h>

#include "central/pg/array.hpp"
#include "common/error.hpp"
#include "common/revision/tokens.hpp"

namespace tapline::revision {

namespace {

constexpr std::string_view key_type_sql =
    "SELECT format_type(a.atttypid, a.atttypmod), a.attnotnull FROM pg_attribute a "
    "WHERE a.attrelid = to_regclass($1) AND a.attname = lower($2) AND a.attnum > 0 "
    "AND NOT a.attisdropped";

/// `:keys`, wherever it stands as a token, becomes the parameter.
std::string with_parameter(const std::string& sql, const std::string& type) {
    std::string out;
    const std::vector<Token> tokens = tokenize(sql, Dialect::postgres);
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        const bool keys = tokens[i].text == ":" && i + 1 < tokens.size() &&
                          tokens[i + 1].kind == TokenKind::word && tokens[i + 1].text == "keys";
        if (keys) {
            out += fmt::format("$1::{}[]", type);
            ++i;
        } else {
            out += tokens[i].text;
        }
    }
    return out;
}

}  // namespace

BatchPages::BatchPages(pg::Session& session, const BatchStep& step, const Statement& statement)
    : session_(session) {
    const pg::Result found = session_.query(key_type_sql, step.table, step.key);
    if (found.empty() || !found[0].boolean(1)) {
        throw Error(
            ErrorKind::usage,
            "batch_key",
            fmt::format(
                "line {}: {}.{} {}",
                step.line,
                step.table,
                step.key,
                found.empty() ? "isn't in the database" : "may be NULL, and such rows have no page"
            ),
            "name a NOT NULL column with an index, best the primary key"
        );
    }
    const std::string type(found[0].text(0));
    // A comment at the predicate's end must not swallow the bracket.
    where_ = fmt::format("(\n{}\n)", step.until);
    const auto page = [&](const std::string& behind) {
        return fmt::format(
            // Named, so that ORDER BY means the column and not its text.
            "SELECT {0}::text AS tapline_key FROM {1} WHERE {2}{3} ORDER BY {0} LIMIT {4}",
            step.key,
            step.table,
            where_,
            behind,
            step.rows
        );
    };
    first_page_sql_ = page("");
    next_page_sql_ = page(fmt::format(" AND {} > $1::{}", step.key, type));
    left_sql_ = fmt::format(
        "SELECT count(*) FROM {} WHERE {} = ANY($1::{}[]) AND {}",
        step.table,
        step.key,
        type,
        where_
    );
    count_sql_ = fmt::format("SELECT count(*) FROM {} WHERE {}", step.table, where_);
    statement_sql_ = with_parameter(statement.text, type);
}

BatchPages::Page BatchPages::run(const std::string& after) {
    const pg::Result found =
        after.empty() ? session_.query(first_page_sql_) : session_.query(next_page_sql_, after);
    Page page;
    pg::ArrayBuilder keys;
    for (const pg::Row row : found) {
        keys.text(row.text(0));
        page.last_key = row.text(0);
        ++page.rows;
    }
    if (page.rows == 0) {
        return page;
    }
    session_.query(statement_sql_, keys);
    const std::int64_t left = session_.query(left_sql_, keys)[0].integer(0);
    if (left > 0) {
        throw Error(
            ErrorKind::usage,
            "batch_stuck",
            fmt::format(
                "the statement leaves {} of {} rows as they were: until={} stays true for them",
                left,
                page.rows,
                where_.substr(2, where_.size() - 4)
            ),
            "the page was rolled back; the statement must make `until` false for every key it gets"
        );
    }
    return page;
}

std::int64_t BatchPages::remaining() {
    return session_.query(count_sql_)[0].integer(0);
}

}  // namespace tapline::revision
