// Every attribute of constraints and indexes.
#include <catch2/catch.hpp>

#include "tests/pg/catalog/one_change.hpp"

namespace tapline::test {

using catalog::Change;

TEST_CASE("Catalog.EachChangeOfAConstraintIsOneFinding") {
    const char* const upper = "table store.keg constraint keg_upper_fkey";
    const char* const overlap = "table store.keg constraint no_overlap";
    const OneChange changes[] = {
        {"ALTER TABLE guest ADD CONSTRAINT new CHECK (age > 1)",
         "table guest constraint new",
         Change::added},
        {"ALTER TABLE legs ADD UNIQUE (count)",
         "table legs constraint legs_count_key",
         Change::added},
        {"ALTER TABLE guest DROP CONSTRAINT guest_email_key",
         "table guest constraint guest_email_key",
         Change::removed},
        {"ALTER TABLE \"Odd Name\" ADD CONSTRAINT \"My Key\" UNIQUE (\"select\")",
         "table \"Odd Name\" constraint \"My Key\"",
         Change::added},
        {"ALTER TABLE guest DROP CONSTRAINT guest_kind_check; ALTER TABLE guest ADD CONSTRAINT "
         "guest_kind_check CHECK (kind IN ('day', 'week'))",
         "table guest constraint guest_kind_check",
         Change::changed,
         "definition"},
        {"ALTER TABLE guest DROP CONSTRAINT guest_kind_check; ALTER TABLE guest ADD CONSTRAINT "
         "guest_kind_check CHECK (kind IN ('day', 'week', 'year') OR kind IS NULL)",
         "table guest constraint guest_kind_check",
         Change::changed,
         "definition"},
        {"ALTER TABLE guest DROP CONSTRAINT name_given; ALTER TABLE guest ADD CONSTRAINT "
         "name_given "
         "CHECK (length(name::text) > 0)",
         "table guest constraint name_given",
         Change::changed,
         "definition"},
        {"ALTER TABLE guest VALIDATE CONSTRAINT born_late",
         "table guest constraint born_late",
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg VALIDATE CONSTRAINT keg_upper_fkey",
         upper,
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg ALTER CONSTRAINT keg_upper_fkey DEFERRABLE",
         upper,
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg ALTER CONSTRAINT keg_guest_id_fkey DEFERRABLE INITIALLY DEFERRED",
         "table store.keg constraint keg_guest_id_fkey",
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg DROP CONSTRAINT keg_guest_id_fkey; ALTER TABLE store.keg ADD "
         "FOREIGN "
         "KEY (guest_id) REFERENCES guest ON DELETE CASCADE ON UPDATE CASCADE DEFERRABLE",
         "table store.keg constraint keg_guest_id_fkey",
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg DROP CONSTRAINT keg_guest_id_fkey; ALTER TABLE store.keg ADD "
         "FOREIGN "
         "KEY (guest_id) REFERENCES guest ON DELETE SET NULL DEFERRABLE",
         "table store.keg constraint keg_guest_id_fkey",
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg DROP CONSTRAINT keg_upper_fkey; ALTER TABLE store.keg ADD "
         "CONSTRAINT "
         "keg_upper_fkey FOREIGN KEY (upper_id) REFERENCES guest (guest_id) NOT VALID",
         upper,
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg DROP CONSTRAINT keg_upper_fkey; ALTER TABLE store.keg ADD "
         "CONSTRAINT "
         "keg_upper_fkey FOREIGN KEY (room) REFERENCES guest (guest_id) MATCH FULL NOT VALID",
         upper,
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg DISABLE TRIGGER ALL; ALTER TABLE store.keg ENABLE TRIGGER ALL; "
         "ALTER "
         "TABLE guest DROP CONSTRAINT guest_email_key, ADD UNIQUE (email)",
         "table guest constraint guest_email_key",
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg DROP CONSTRAINT no_overlap; ALTER TABLE store.keg ADD CONSTRAINT "
         "no_overlap EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (status = 'full')",
         overlap,
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg DROP CONSTRAINT no_overlap; ALTER TABLE store.keg ADD CONSTRAINT "
         "no_overlap EXCLUDE USING gist (room WITH <>, during WITH &&) WHERE (status IN ('full', "
         "'tapped'))",
         overlap,
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg DROP CONSTRAINT room_once; ALTER TABLE store.keg ADD CONSTRAINT "
         "room_once UNIQUE (room, keg_id) INCLUDE (status) WITH (fillfactor = 80)",
         "table store.keg constraint room_once",
         Change::changed,
         "definition"},
        {"ALTER TABLE store.keg DROP CONSTRAINT room_once; ALTER TABLE store.keg ADD CONSTRAINT "
         "room_once UNIQUE NULLS NOT DISTINCT (room, keg_id) WITH (fillfactor = 80)",
         "table store.keg constraint room_once",
         Change::changed,
         "definition"},
        {"ALTER INDEX store.room_once SET (fillfactor = 81)",
         "table store.keg constraint room_once",
         Change::changed,
         "options"},
        {"COMMENT ON CONSTRAINT age_between ON guest IS NULL",
         "table guest constraint age_between",
         Change::changed,
         "comment"},
        {"ALTER TABLE store.keg DISABLE TRIGGER ALL; ALTER TABLE store.keg ENABLE TRIGGER ALL; "
         "ALTER "
         "TABLE scratchpad ADD CONSTRAINT ref FOREIGN KEY (id) REFERENCES animal",
         "table scratchpad constraint ref",
         Change::added},
        {"ALTER TABLE pour DROP CONSTRAINT pour_ml_check",
         "table pour constraint pour_ml_check",
         Change::removed},
        {"ALTER TABLE pour DROP CONSTRAINT pour_pkey, ALTER pour_id SET NOT NULL",
         "table pour constraint pour_pkey",
         Change::removed},
        {"ALTER TABLE pour_2025 ADD CONSTRAINT own CHECK (ml < 9)",
         "table pour_2025 constraint own",
         Change::added},
        {"CLUSTER store.keg USING room_once",
         "table store.keg constraint room_once",
         Change::changed,
         "clustered"},
    };
    check_each(changes);
}

TEST_CASE("Catalog.AForeignKeyWhoseTriggersAreOffIsSeen") {
    const CopyOf copy(rich_database());
    copy.connect().run("ALTER TABLE store.keg DISABLE TRIGGER ALL");
    const auto findings = catalog::compare(rich_catalog(), read(copy.name()));
    INFO(shown(findings));
    REQUIRE(findings.size() == 2);
    CHECK(findings[0].object == "table store.keg constraint keg_guest_id_fkey");
    CHECK(findings[0].found == catalog::Attributes{{"switched off", "disabled"}});
    CHECK(findings[1].object == "table store.keg constraint keg_upper_fkey");
}

TEST_CASE("Catalog.EachChangeOfAnIndexIsOneFinding") {
    const char* const lower = "index guest_lower_idx";
    const char* const lower_sql =
        "DROP INDEX guest_lower_idx; CREATE UNIQUE INDEX guest_lower_idx ON guest ";
    const std::vector<std::string> definitions{
        "(lower(name::text) DESC NULLS FIRST, age) INCLUDE (level) WHERE kind IN ('day', 'week') "
        "AND age > 3",
        "(lower(name::text) NULLS LAST, age) INCLUDE (level) WHERE kind IN ('day', 'week') AND age "
        "> 3",
        "(upper(name::text) DESC NULLS LAST, age) INCLUDE (level) WHERE kind IN ('day', 'week') "
        "AND "
        "age > 3",
        "(lower(name::text) DESC NULLS LAST, age) INCLUDE (born) WHERE kind IN ('day', 'week') AND "
        "age > 3",
        "(lower(name::text) DESC NULLS LAST, age) WHERE kind IN ('day', 'week') AND age > 3",
        "(lower(name::text) DESC NULLS LAST, age) INCLUDE (level) WHERE kind IN ('day') AND age > "
        "3",
        "(lower(name::text) DESC NULLS LAST, age) INCLUDE (level)",
        "(lower(name::text) DESC NULLS LAST, age) INCLUDE (level) NULLS NOT DISTINCT WHERE kind IN "
        "('day', 'week') AND age > 3",
        "(age, lower(name::text) DESC NULLS LAST) INCLUDE (level) WHERE kind IN ('day', 'week') "
        "AND "
        "age > 3",
    };
    std::vector<std::string> sql;
    for (const std::string& definition : definitions) {
        sql.push_back(lower_sql + definition);
    }
    sql.push_back(
        "DROP INDEX guest_lower_idx; CREATE INDEX guest_lower_idx ON guest " +
        std::string(
            "(lower(name::text) DESC NULLS LAST, age) INCLUDE (level) WHERE kind IN ('day', "
            "'week') AND age > 3"
        )
    );
    std::vector<OneChange> changes;
    for (const std::string& text : sql) {
        changes.push_back({text.c_str(), lower, Change::changed, "definition"});
    }
    const OneChange others[] = {
        {"CREATE INDEX extra ON guest (age)", "index extra", Change::added},
        {"DROP INDEX guest_doc_idx", "index guest_doc_idx", Change::removed},
        {"DROP INDEX guest_doc_idx; CREATE INDEX guest_doc_idx ON guest USING gin (doc) WITH "
         "(fastupdate = off)",
         "index guest_doc_idx",
         Change::changed,
         "definition"},
        {"ALTER INDEX guest_doc_idx SET (fastupdate = on)",
         "index guest_doc_idx",
         Change::changed,
         "definition"},
        {"DROP INDEX guest_pattern_idx; CREATE INDEX guest_pattern_idx ON guest (name, note "
         "COLLATE "
         "\"POSIX\")",
         "index guest_pattern_idx",
         Change::changed,
         "definition"},
        {"DROP INDEX guest_pattern_idx; CREATE INDEX guest_pattern_idx ON guest (name "
         "varchar_pattern_ops, note)",
         "index guest_pattern_idx",
         Change::changed,
         "definition"},
        {"DROP INDEX guest_brin_idx; CREATE INDEX guest_brin_idx ON guest (seen)",
         "index guest_brin_idx",
         Change::changed,
         "definition"},
        {"ALTER INDEX guest_expr_idx ALTER COLUMN 1 SET STATISTICS -1",
         "index guest_expr_idx",
         Change::changed,
         "statistics"},
        {"ALTER TABLE guest SET WITHOUT CLUSTER",
         "index guest_name_idx",
         Change::changed,
         "clustered"},
        {"COMMENT ON INDEX guest_name_idx IS NULL",
         "index guest_name_idx",
         Change::changed,
         "comment"},
        {"UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'guest_name_idx'::regclass",
         "index guest_name_idx",
         Change::changed,
         "valid"},
        {"DROP INDEX pour_tap_idx", "index pour_tap_idx", Change::removed},
        {"CREATE INDEX pour_ml_idx ON pour (ml)", "index pour_ml_idx", Change::added},
        {"CREATE INDEX own ON pour_2025 (ml)", "index own", Change::added},
        {"DROP INDEX totals_idx", "index totals_idx", Change::removed},
    };
    changes.insert(changes.end(), std::begin(others), std::end(others));
    check_each(changes);
}

}  // namespace tapline::test
