#include "central/catalog/queries.hpp"

namespace tapline::catalog {

const std::string_view common_tables_sql = R"sql(
WITH space AS MATERIALIZED (
    SELECT oid, nspname FROM pg_namespace
    WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema'
), member AS MATERIALIZED (
    SELECT classid, objid FROM pg_depend
    WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
)
)sql";

const std::string_view relations_sql = R"sql(
SELECT c.oid::bigint AS _rel,
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
        WHEN 'f' THEN 'foreign table' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' ELSE 'table'
    END AS _word,
    s.nspname AS _schema, c.relname AS _name
FROM pg_class c JOIN space s ON s.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'i', 'I') AND NOT EXISTS (
    SELECT FROM member m WHERE m.classid = 'pg_class'::regclass AND m.objid = c.oid)
)sql";

const std::string_view owners_sql = R"sql(
, owned AS (
    SELECT 'pg_class'::regclass AS classid, c.oid, c.relnamespace AS nsp, c.relowner AS owner
    FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, p.pronamespace, p.proowner FROM pg_proc p
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, t.typnamespace, t.typowner FROM pg_type t
    WHERE t.typtype IN ('d', 'e', 'r')
)
SELECT s.nspname = 'tapline' AS ours, pg_get_userbyid(o.owner) AS role, count(*) AS objects
FROM owned o JOIN space s ON s.oid = o.nsp
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = o.classid AND m.objid = o.oid)
GROUP BY ours, o.owner
ORDER BY ours, objects DESC,
    o.owner = (SELECT datdba FROM pg_database WHERE datname = current_database()) DESC, o.owner
)sql";

namespace {

constexpr std::string_view tables = R"sql(
SELECT c.oid::bigint AS _rel, pg_get_userbyid(c.relowner) AS owner,
    array_to_string(c.relacl, E'\n') AS _acl,
    CASE WHEN c.relacl IS NOT NULL THEN array_to_string(acldefault('r', c.relowner), E'\n')
        END AS _standard,
    CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence,
    nullif(am.amname, 'heap') AS "access method",
    sp.spcname AS tablespace,
    CASE WHEN c.reloptions IS NOT NULL THEN (
        SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) AS o) END AS options,
    CASE WHEN x.reloptions IS NOT NULL THEN (
        SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(x.reloptions) AS o)
        END AS "toast options",
    CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN
        coalesce((SELECT 'index ' || ic.relname FROM pg_index i
            JOIN pg_class ic ON ic.oid = i.indexrelid WHERE i.indrelid = c.oid AND i.indisreplident), 'nothing') END AS "replica identity",
    CASE WHEN c.relrowsecurity AND c.relforcerowsecurity THEN 'enabled, forced'
        WHEN c.relrowsecurity THEN 'enabled' WHEN c.relforcerowsecurity THEN 'forced'
        END AS "row security",
    CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS "partition key",
    CASE WHEN c.relispartition THEN (SELECT i.inhparent::regclass::text || CASE
        WHEN i.inhdetachpending THEN ' (detach pending)' ELSE '' END
        FROM pg_inherits i WHERE i.inhrelid = c.oid) END AS "partition of",
    pg_get_expr(c.relpartbound, c.oid) AS "partition bound",
    CASE WHEN NOT c.relispartition THEN (SELECT string_agg(i.inhparent::regclass::text, ', '
        ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid) END AS inherits,
    CASE WHEN c.reloftype <> 0 THEN c.reloftype::regtype::text END AS "of type",
    fs.srvname AS server,
    (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(ft.ftoptions) AS o) AS "server options",
    d.description AS comment
FROM pg_class c JOIN space s ON s.oid = c.relnamespace
LEFT JOIN pg_class x ON x.oid = c.reltoastrelid
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_tablespace sp ON sp.oid = c.reltablespace
LEFT JOIN pg_foreign_table ft ON ft.ftrelid = c.oid
LEFT JOIN pg_foreign_server fs ON fs.oid = ft.ftserver
LEFT JOIN pg_description d
    ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
WHERE c.relkind IN ('r', 'p', 'f')
)sql";

constexpr std::string_view views = R"sql(
SELECT c.oid::bigint AS _rel, pg_get_userbyid(c.relowner) AS owner,
    array_to_string(c.relacl, E'\n') AS _acl,
    CASE WHEN c.relacl IS NOT NULL THEN array_to_string(acldefault('r', c.relowner), E'\n')
        END AS _standard,
    pg_get_viewdef(c.oid) AS definition,
    (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '
        ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    CASE WHEN NOT c.relispopulated THEN 'no' END AS populated,
    CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence,
    nullif(am.amname, 'heap') AS "access method",
    sp.spcname AS tablespace,
    CASE WHEN c.reloptions IS NOT NULL THEN (
        SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(c.reloptions) AS o) END AS options,
    CASE WHEN x.reloptions IS NOT NULL THEN (
        SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(x.reloptions) AS o)
        END AS "toast options",
    d.description AS comment
FROM pg_class c JOIN space s ON s.oid = c.relnamespace
LEFT JOIN pg_class x ON x.oid = c.reltoastrelid
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_tablespace sp ON sp.oid = c.reltablespace
LEFT JOIN pg_description d
    ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
WHERE c.relkind IN ('v', 'm')
)sql";

// Types and order are in the view's own "columns"; this is what may be set on one besides.
constexpr std::string_view view_columns = R"sql(
SELECT a.attrelid::bigint AS _rel, 'column ' || a.attname AS _prefix,
    array_to_string(a.attacl, E'\n') AS _acl, '' AS _standard,
    pg_get_expr(ad.adbin, ad.adrelid) AS "default",
    CASE WHEN cardinality(a.attoptions) > 1 OR a.attoptions[1] NOT LIKE 'pg\_attver=%' THEN (
        SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(a.attoptions) AS o
        WHERE o NOT LIKE 'pg\_attver=%') END AS options,
    CASE WHEN a.attstattarget >= 0 THEN a.attstattarget::text END AS statistics,
    CASE WHEN c.relkind = 'm' AND a.attstorage <> t.typstorage THEN a.attstorage::text END AS storage,
    CASE WHEN a.attcompression <> '' THEN a.attcompression::text END AS compression,
    d.description AS comment
FROM pg_class c JOIN space s ON s.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef ad ON ad.adrelid = a.attrelid AND ad.adnum = a.attnum
LEFT JOIN pg_description d
    ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = a.attnum
WHERE c.relkind IN ('v', 'm')
)sql";

// An owned sequence has its table's owner always. Identity and serial own in different ways, which
// the column's own attributes tell.
constexpr std::string_view sequences = R"sql(
SELECT c.oid::bigint AS _rel, own.refobjid::bigint AS _of, a.attname AS _of_column,
    CASE WHEN own.refobjid IS NULL THEN pg_get_userbyid(c.relowner) END AS owner,
    array_to_string(c.relacl, E'\n') AS _acl,
    CASE WHEN c.relacl IS NOT NULL THEN array_to_string(acldefault('s', c.relowner), E'\n')
        END AS _standard,
    format_type(q.seqtypid, NULL) AS type,
    q.seqstart::text AS start, q.seqincrement::text AS increment, q.seqmin::text AS minimum,
    q.seqmax::text AS maximum, nullif(q.seqcache, 1)::text AS cache,
    CASE WHEN q.seqcycle THEN 'yes' END AS cycle,
    CASE c.relpersistence WHEN 'u' THEN 'unlogged' END AS persistence,
    CASE WHEN own.refobjid IS NOT NULL THEN format('%s.%I', own.refobjid::regclass, a.attname)
        END AS "owned by",
    d.description AS comment
FROM pg_sequence q JOIN pg_class c ON c.oid = q.seqrelid JOIN space s ON s.oid = c.relnamespace
LEFT JOIN pg_depend own ON own.classid = 'pg_class'::regclass AND own.objid = c.oid
    AND own.refclassid = 'pg_class'::regclass AND own.refobjsubid > 0 AND own.deptype IN ('a', 'i')
LEFT JOIN pg_attribute a ON a.attrelid = own.refobjid AND a.attnum = own.refobjsubid
LEFT JOIN pg_description d
    ON d.objoid = c.oid AND d.classoid = 'pg_class'::regclass AND d.objsubid = 0
)sql";

constexpr std::string_view queries[] = {tables, views, view_columns, sequences};

}  // namespace

std::span<const std::string_view> relation_queries() {
    return queries;
}

}  // namespace tapline::catalog
