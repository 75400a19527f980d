// Revision files for the tests of this folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "common/error.hpp"
#include "common/revision/file.hpp"
#include "common/revision/lineage.hpp"

namespace tapline::revision::sample {

inline constexpr std::string_view sqlite_text = R"(-- keep the tail
-- Revision ID: gen8_tail
-- Revises: gen7_duration
-- Create Date: 2026-03-14
-- Phase: expand
-- Requires Central: t0001_receipts

-- tapline: upgrade
ALTER TABLE pours ADD COLUMN tail_volume_ml INTEGER; -- part of volume_ml
CREATE TRIGGER pours_keep BEFORE DELETE ON pours
WHEN CASE WHEN OLD.seq > 5 THEN 1 ELSE 0 END
BEGIN
    SELECT CASE WHEN OLD.seq > 9 THEN RAISE(ABORT, 'kept; always') END;
    UPDATE "odd;name" SET [a;b] = `c;d`;
END;
-- tapline: downgrade
DROP TRIGGER pours_keep;
ALTER TABLE pours DROP COLUMN tail_volume_ml;
)";

inline constexpr std::string_view postgres_text = R"(-- settle in one function
--
-- Revision ID: t0002_settle
-- Revises: t0001_receipts
-- Create Date: 2026-11-20
-- Phase: contract
-- Requires Journal: j0003
-- Branch Labels: money, beer
-- Depends On: 0001_m1_baseline

-- Prose after the headers: it may say anything.

-- tapline: upgrade transaction=off lock_timeout=500ms statement_timeout=5min
/* nested /* comment; */ still; */
CREATE FUNCTION settle() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM 'a;b'; -- not a cut
    COMMIT;
END $body$;
CREATE OR REPLACE FUNCTION half(x int) RETURNS int
BEGIN ATOMIC
    SELECT CASE WHEN x > 0 THEN x / 2 ELSE 0 END;
    SELECT 1;
END;
-- tapline: allow whole_table_write: the table has nine rows
UPDATE guests SET note = E'it\'s; ok' WHERE note = 'it''s';
-- tapline: batch table=public.pours key=pour_id rows=5000 pause=50ms until="note IS NULL AND ""Odd"" = 1"
UPDATE pours SET note = '' WHERE pour_id = ANY(:keys);
-- tapline: downgrade
DROP FUNCTION half(int);
DROP FUNCTION settle();
)";

inline Revision sqlite() {
    return parse({"gen8_tail.sql", std::string(sqlite_text)}, Dialect::sqlite);
}

inline Revision postgres(std::string_view text = postgres_text) {
    return parse({"t0002_settle_money.sql", std::string(text)}, Dialect::postgres);
}

/// A whole PostgreSQL file around the given upgrade and downgrade SQL.
inline SourceFile file(std::string_view upgrade, std::string_view headers = {}) {
    return {
        "abcd.sql",
        fmt::format(
            "-- Revision ID: abcd\n-- Revises:\n{}\n-- tapline: upgrade\n{}\n-- tapline: "
            "downgrade\n",
            headers,
            upgrade
        )};
}

/// A revision for graph tests.
inline Revision node(
    std::string id, std::vector<std::string> revises = {}, std::vector<std::string> depends_on = {}
) {
    Revision revision;
    revision.file = id + ".sql";
    revision.id = std::move(id);
    revision.revises = std::move(revises);
    revision.depends_on = std::move(depends_on);
    return revision;
}

/// aaa1 <- aab2 <- bbb3 <- ccc4
inline Lineage line() {
    return Lineage(
        {node("ccc4", {"bbb3"}), node("aaa1"), node("bbb3", {"aab2"}), node("aab2", {"aaa1"})}
    );
}

/// base <- left, right <- join; and a base of its own that depends on left
inline Lineage diamond() {
    return Lineage(
        {node("root"),
         node("left", {"root"}),
         node("right", {"root"}),
         node("join", {"left", "right"}),
         node("other", {}, {"left"})}
    );
}

template <typename Job>
std::optional<Error> error_of(Job job) {
    try {
        (void)job();
    } catch (const Error& error) {
        return error;
    }
    return std::nullopt;
}

template <typename Job>
std::string code_of(Job job) {
    const auto error = error_of(job);
    return error ? error->code() : "no error";
}

}  // namespace tapline::revision::sample
