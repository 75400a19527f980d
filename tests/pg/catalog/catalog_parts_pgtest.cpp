// Every attribute of what is on a table: triggers, rules, policies,
// sequences, statistics; and of views.
#include <catch2/catch.hpp>

#include "tests/pg/catalog/one_change.hpp"

namespace tapline::test {

using catalog::Change;

TEST_CASE("Catalog.EachChangeOfASequenceIsOneFinding") {
    const char* const numbers = "sequence numbers";
    const OneChange changes[] = {
        {"CREATE SEQUENCE extra", "sequence extra", Change::added},
        {"DROP SEQUENCE numbers", numbers, Change::removed},
        {"ALTER SEQUENCE numbers AS integer", numbers, Change::changed, "type"},
        {"ALTER SEQUENCE numbers START 11", numbers, Change::changed, "start"},
        {"ALTER SEQUENCE numbers INCREMENT 6", numbers, Change::changed, "increment"},
        {"ALTER SEQUENCE numbers MINVALUE 4", numbers, Change::changed, "minimum"},
        {"ALTER SEQUENCE numbers MAXVALUE 999", numbers, Change::changed, "maximum"},
        {"ALTER SEQUENCE numbers CACHE 1", numbers, Change::changed, "cache"},
        {"ALTER SEQUENCE numbers NO CYCLE", numbers, Change::changed, "cycle"},
        {"ALTER SEQUENCE numbers OWNER TO cat_alice", numbers},
        {"REVOKE USAGE ON SEQUENCE numbers FROM cat_bob", numbers, Change::changed, "privileges"},
        {"ALTER SEQUENCE numbers SET UNLOGGED", numbers, Change::changed, "persistence"},
        {"COMMENT ON SEQUENCE numbers IS 'x'", numbers, Change::changed, "comment"},
        {"ALTER SEQUENCE bare OWNED BY scratchpad.body",
         "sequence bare",
         Change::changed,
         "owned by"},
        {"ALTER SEQUENCE bare OWNED BY NONE", "sequence bare"},
        {"ALTER TABLE store.keg ALTER keg_id SET INCREMENT 3",
         "sequence store.keg_keg_id_seq",
         Change::changed,
         "increment"},
        {"ALTER TABLE \"Odd Name\" ADD id serial", "table \"Odd Name\" column id", Change::added},
        {"ALTER TABLE scratchpad ALTER id ADD GENERATED ALWAYS AS IDENTITY",
         "table scratchpad column id",
         Change::changed,
         "identity"},
    };
    check_each(changes);
}

TEST_CASE("Catalog.EachChangeOfATriggerRuleOrPolicyIsOneFinding") {
    const char* const row = "trigger after_row on guest";
    const OneChange changes[] = {
        {"CREATE TRIGGER extra AFTER DELETE ON guest EXECUTE FUNCTION note_change()",
         "trigger extra on guest",
         Change::added},
        {"DROP TRIGGER after_row ON guest", row, Change::removed},
        {"ALTER TABLE guest DISABLE TRIGGER after_row", row, Change::changed, "enabled"},
        {"ALTER TABLE guest ENABLE REPLICA TRIGGER after_statement",
         "trigger after_statement on guest",
         Change::changed,
         "enabled"},
        {"CREATE OR REPLACE TRIGGER after_row AFTER UPDATE OF name ON guest FOR EACH ROW WHEN "
         "(OLD.kind "
         "IN ('day', 'week') AND OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION note_change('x', "
         "'y'); ALTER TABLE guest ENABLE ALWAYS TRIGGER after_row",
         row,
         Change::changed,
         "definition"},
        {"CREATE OR REPLACE TRIGGER after_row AFTER UPDATE OF name, age ON guest FOR EACH ROW WHEN "
         "(OLD.kind IN ('day') AND OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION note_change('x', "
         "'y'); ALTER TABLE guest ENABLE ALWAYS TRIGGER after_row",
         row,
         Change::changed,
         "definition"},
        {"CREATE OR REPLACE TRIGGER after_row AFTER UPDATE OF name, age ON guest FOR EACH ROW WHEN "
         "(OLD.kind IN ('day', 'week') AND OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION "
         "note_change('x', 'z'); ALTER TABLE guest ENABLE ALWAYS TRIGGER after_row",
         row,
         Change::changed,
         "definition"},
        {"DROP TRIGGER checked ON guest; CREATE CONSTRAINT TRIGGER checked AFTER INSERT ON guest "
         "DEFERRABLE FOR EACH ROW EXECUTE FUNCTION note_change()",
         "trigger checked on guest",
         Change::changed,
         "definition"},
        {"COMMENT ON TRIGGER after_row ON guest IS NULL", row, Change::changed, "comment"},
        {"DROP TRIGGER on_pour ON pour", "trigger on_pour on pour", Change::removed},
        {"ALTER TABLE pour_2025 DISABLE TRIGGER on_pour",
         "trigger on_pour on pour_2025",
         Change::changed,
         "enabled"},
        {"DROP RULE quiet ON scratchpad", "rule quiet on scratchpad", Change::removed},
        {"CREATE RULE extra AS ON UPDATE TO scratchpad DO ALSO NOTHING",
         "rule extra on scratchpad",
         Change::added},
        {"CREATE OR REPLACE RULE quiet AS ON DELETE TO scratchpad WHERE OLD.body IN ('a', 'c') DO "
         "INSTEAD NOTHING",
         "rule quiet on scratchpad",
         Change::changed,
         "definition"},
        {"ALTER TABLE scratchpad DISABLE RULE quiet",
         "rule quiet on scratchpad",
         Change::changed,
         "enabled"},
        {"COMMENT ON RULE quiet ON scratchpad IS NULL",
         "rule quiet on scratchpad",
         Change::changed,
         "comment"},
        {"CREATE POLICY extra ON guest", "policy extra on guest", Change::added},
        {"DROP POLICY strict ON guest", "policy strict on guest", Change::removed},
        {"ALTER POLICY own_rows ON guest TO cat_alice",
         "policy own_rows on guest",
         Change::changed,
         "roles"},
        {"ALTER POLICY own_rows ON guest USING (kind IN ('day', 'week'))",
         "policy own_rows on guest",
         Change::changed,
         "using"},
        {"ALTER POLICY strict ON guest WITH CHECK (age BETWEEN 1 AND 100)",
         "policy strict on guest",
         Change::changed,
         "with check"},
        {"DROP POLICY strict ON guest; CREATE POLICY strict ON guest FOR UPDATE USING (age > 1) "
         "WITH "
         "CHECK (age BETWEEN 1 AND 100 AND kind = 'day'); COMMENT ON POLICY strict ON guest IS "
         "'grown-ups'",
         "policy strict on guest",
         Change::changed,
         "restrictive"},
        {"DROP POLICY strict ON guest; CREATE POLICY strict ON guest AS RESTRICTIVE FOR ALL USING "
         "(age "
         "> 1) WITH CHECK (age BETWEEN 1 AND 100 AND kind = 'day'); COMMENT ON POLICY strict ON "
         "guest IS 'grown-ups'",
         "policy strict on guest",
         Change::changed,
         "command"},
        {"COMMENT ON POLICY strict ON guest IS NULL",
         "policy strict on guest",
         Change::changed,
         "comment"},
        {"DROP STATISTICS guest_stats", "statistics guest_stats", Change::removed},
        {"ALTER STATISTICS guest_stats SET STATISTICS -1",
         "statistics guest_stats",
         Change::changed,
         "target"},
        {"DROP STATISTICS store.guest_expr_stats; CREATE STATISTICS store.guest_expr_stats ON "
         "(lower(name)), (age + 2) FROM guest",
         "statistics store.guest_expr_stats",
         Change::changed,
         "definition"},
        {"COMMENT ON STATISTICS guest_stats IS 'x'",
         "statistics guest_stats",
         Change::changed,
         "comment"},
    };
    check_each(changes);
}

TEST_CASE("Catalog.EachChangeOfAViewIsOneFinding") {
    const OneChange changes[] = {
        {"CREATE VIEW extra AS SELECT 1 AS a", "view extra", Change::added},
        {"DROP VIEW joined", "view joined", Change::removed},
        {"CREATE OR REPLACE VIEW hen AS SELECT 2 AS id", "view hen", Change::changed, "definition"},
        {"CREATE OR REPLACE VIEW looped AS SELECT 1 AS n, 'x'::varchar AS kind",
         "view looped",
         Change::changed,
         "definition"},
        {"ALTER VIEW joined RESET (security_barrier)", "view joined", Change::changed, "options"},
        {"ALTER VIEW day_guest SET (check_option = cascaded)",
         "view day_guest",
         Change::changed,
         "options"},
        {"ALTER VIEW joined SET (security_invoker)", "view joined", Change::changed, "options"},
        {"ALTER VIEW day_guest ALTER kind DROP DEFAULT",
         "view day_guest",
         Change::changed,
         "column kind default"},
        {"COMMENT ON COLUMN day_guest.twice IS NULL",
         "view day_guest",
         Change::changed,
         "column twice comment"},
        {"REVOKE SELECT (name) ON day_guest FROM cat_bob",
         "view day_guest",
         Change::changed,
         "column name privileges"},
        {"COMMENT ON VIEW day_guest IS NULL", "view day_guest", Change::changed, "comment"},
        {"GRANT SELECT ON hen TO cat_bob", "view hen", Change::changed, "privileges"},
        {"ALTER VIEW hen OWNER TO cat_bob", "view hen", Change::changed, "owner"},
        {"DROP MATERIALIZED VIEW unread", "materialized view unread", Change::removed},
        {"REFRESH MATERIALIZED VIEW unread",
         "materialized view unread",
         Change::changed,
         "populated"},
        {"ALTER MATERIALIZED VIEW totals SET (fillfactor = 61)",
         "materialized view totals",
         Change::changed,
         "options"},
        {"DROP MATERIALIZED VIEW unread; CREATE MATERIALIZED VIEW unread AS SELECT 2 AS one WITH "
         "NO "
         "DATA",
         "materialized view unread",
         Change::changed,
         "definition"},
    };
    check_each(changes);
}

}  // namespace tapline::test
