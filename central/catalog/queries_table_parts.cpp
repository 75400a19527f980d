#include <string>

#include "central/catalog/queries.hpp"

namespace tapline::catalog {

namespace {

// A type's own collation and storage are no attributes of the column. pg_attver: 15.20 keeps the
// WAL position of a column's making among its options, where older minor releases have nothing;
// pg_dump leaves it out too. statistics: NULL is the default from PostgreSQL 17 on, -1 before.
// A default names no columns: printing it with relation 0 spares PostgreSQL opening each table.
constexpr std::string_view columns = R"sql(
SELECT a.attrelid::bigint AS _rel, 'column' AS _sub, a.attname AS _name,
    CASE WHEN a.attinhcount > 0 THEN (SELECT i.inhparent::bigint FROM pg_inherits i
        JOIN pg_attribute pa ON pa.attrelid = i.inhparent AND pa.attname = a.attname
        WHERE i.inhrelid = a.attrelid ORDER BY i.inhseqno LIMIT 1) END AS _follows,
    format_type(a.atttypid, a.atttypmod) AS type,
    CASE WHEN a.attnotnull THEN 'yes' END AS "not null",
    CASE WHEN a.attgenerated = '' THEN pg_get_expr(ad.adbin, 0) END AS "default",
    CASE WHEN a.attgenerated <> '' THEN pg_get_expr(ad.adbin, ad.adrelid) END AS generated,
    CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS identity,
    CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation::regcollation::text
        END AS collation,
    CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'plain'
        WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END AS storage,
    CASE a.attcompression WHEN '' THEN NULL WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4'
        ELSE a.attcompression::text END AS compression,
    CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END AS statistics,
    CASE WHEN cardinality(a.attoptions) > 1 OR a.attoptions[1] NOT LIKE 'pg\_attver=%' THEN (
        SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(a.attoptions) AS o
        WHERE o NOT LIKE 'pg\_attver=%') END AS options,
    CASE WHEN a.attfdwoptions IS NOT NULL THEN (
        SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(a.attfdwoptions) AS o)
        END AS "server options",
    CASE WHEN a.attinhcount > 0 AND NOT c.relispartition THEN
        CASE WHEN a.attislocal THEN 'merged' ELSE 'inherited' END END AS inheritance,
    array_to_string(a.attacl, E'\n') AS _acl, '' AS _standard,
    d.description AS comment
FROM pg_class c JOIN space s ON s.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
LEFT JOIN pg_description d
    ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum
WHERE c.relkind IN ('r', 'p', 'f')
)sql";

// Rows with a parent row of a foreign key are PostgreSQL's own, one per partition. What can be set
// on the index behind a constraint is said here, and not once more as an index.
constexpr std::string_view constraints = R"sql(
SELECT con.conrelid::bigint AS _rel, 'constraint' AS _sub, con.conname AS _name,
    coalesce(parent.conrelid::bigint, CASE WHEN con.coninhcount > 0 THEN (
        SELECT i.inhparent::bigint FROM pg_inherits i
        JOIN pg_constraint pc ON pc.conrelid = i.inhparent AND pc.conname = con.conname
        WHERE i.inhrelid = con.conrelid ORDER BY i.inhseqno LIMIT 1) END) AS _follows,
    coalesce(parent.conname, con.conname) AS _follows_name,
    pg_get_constraintdef(con.oid) AS definition,
    CASE WHEN ic.reloptions IS NOT NULL THEN (
        SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(ic.reloptions) AS o) END AS options,
    sp.spcname AS tablespace,
    CASE WHEN i.indisclustered THEN 'yes' END AS clustered,
    CASE WHEN NOT i.indisvalid THEN 'no' END AS "index valid",
    off.triggers AS "switched off",
    d.description AS comment
FROM pg_constraint con JOIN space s ON s.oid = con.connamespace
LEFT JOIN pg_constraint parent ON parent.oid = con.conparentid
LEFT JOIN pg_index i ON i.indexrelid = con.conindid AND con.contype IN ('p', 'u', 'x')
LEFT JOIN pg_class ic ON ic.oid = i.indexrelid
LEFT JOIN pg_tablespace sp ON sp.oid = ic.reltablespace
LEFT JOIN (
    SELECT t.tgconstraint, string_agg(DISTINCT CASE t.tgenabled WHEN 'D' THEN 'disabled'
        WHEN 'R' THEN 'replica only' ELSE 'always' END, ', ') AS triggers
    FROM pg_trigger t WHERE t.tgisinternal AND t.tgenabled <> 'O' AND t.tgconstraint <> 0
    GROUP BY t.tgconstraint
) off ON off.tgconstraint = con.oid
LEFT JOIN pg_description d ON d.objoid = con.oid AND d.classoid = 'pg_constraint'::regclass
WHERE con.conrelid <> 0 AND NOT (con.contype = 'f' AND con.conparentid <> 0)
)sql";
constexpr std::string_view checks_only = "    AND con.contype = 'c'";
constexpr std::string_view keys_only = "    AND con.contype IN ('p', 'u', 'x', 'f')";

constexpr std::string_view indexes = R"sql(
SELECT i.indexrelid::bigint AS _rel, i.indrelid::bigint AS _of,
    h.inhparent::bigint AS _follows,
    pg_get_indexdef(i.indexrelid) AS definition,
    sp.spcname AS tablespace,
    CASE WHEN NOT i.indisvalid THEN 'no' END AS valid,
    CASE WHEN i.indisclustered THEN 'yes' END AS clustered,
    CASE WHEN h.inhparent IS NOT NULL THEN h.inhparent::regclass::text END AS "partition of",
    st.targets AS statistics,
    d.description AS comment
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN space s ON s.oid = c.relnamespace
LEFT JOIN pg_inherits h ON h.inhrelid = i.indexrelid
LEFT JOIN (
    SELECT a.attrelid,
        string_agg(format('%s: %s', a.attnum, a.attstattarget), ', ' ORDER BY a.attnum) AS targets
    FROM pg_attribute a WHERE a.attrelid >= 16384 AND a.attnum > 0 AND a.attstattarget >= 0
    GROUP BY a.attrelid
) st ON st.attrelid = i.indexrelid
LEFT JOIN pg_tablespace sp ON sp.oid = c.reltablespace
LEFT JOIN pg_description d
    ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
WHERE NOT EXISTS (SELECT FROM pg_constraint con
    WHERE con.conindid = i.indexrelid AND con.contype IN ('p', 'u', 'x'))
)sql";

constexpr std::string_view triggers = R"sql(
SELECT t.tgrelid::bigint AS _rel, 'trigger' AS _sub, t.tgname AS _name,
    (SELECT p.tgrelid::bigint FROM pg_trigger p WHERE p.oid = t.tgparentid) AS _follows,
    fs.nspname AS _home,
    pg_get_triggerdef(t.oid) AS definition,
    CASE t.tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica only' WHEN 'A' THEN 'always'
        END AS enabled,
    d.description AS comment
FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_namespace fs ON fs.oid = f.pronamespace
LEFT JOIN pg_description d ON d.objoid = t.oid AND d.classoid = 'pg_trigger'::regclass
WHERE NOT t.tgisinternal
)sql";

constexpr std::string_view rules = R"sql(
SELECT r.ev_class::bigint AS _rel, 'rule' AS _sub, r.rulename AS _name,
    pg_get_ruledef(r.oid) AS definition,
    CASE r.ev_enabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica only' WHEN 'A' THEN 'always'
        END AS enabled,
    d.description AS comment
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN space s ON s.oid = c.relnamespace
LEFT JOIN pg_description d ON d.objoid = r.oid AND d.classoid = 'pg_rewrite'::regclass
WHERE r.rulename <> '_RETURN'
)sql";

constexpr std::string_view policies = R"sql(
SELECT p.polrelid::bigint AS _rel, 'policy' AS _sub, p.polname AS _name,
    CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update'
        WHEN 'd' THEN 'delete' ELSE 'all' END AS command,
    CASE WHEN NOT p.polpermissive THEN 'yes' END AS restrictive,
    (SELECT string_agg(CASE o WHEN 0 THEN 'public' ELSE pg_get_userbyid(o)::text END, E'\n')
        FROM unnest(p.polroles) AS o) AS _roles,
    pg_get_expr(p.polqual, p.polrelid) AS "using",
    pg_get_expr(p.polwithcheck, p.polrelid) AS "with check",
    d.description AS comment
FROM pg_policy p
LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_policy'::regclass
)sql";

}  // namespace

std::span<const std::string_view> table_part_queries() {
    static const std::string keys = std::string(constraints).append(keys_only);
    static const std::string_view queries[] = {columns, keys, triggers, rules, policies};
    return queries;
}

std::span<const std::string_view> printed_queries() {
    static const std::string checks = std::string(constraints).append(checks_only);
    static const std::string_view queries[] = {indexes, checks};
    return queries;
}

}  // namespace tapline::catalog
