#include "central/catalog/queries.hpp"

namespace tapline::catalog {

namespace {

// `public` belongs to pg_database_owner from PostgreSQL 15 on, to the database's owner when it was
// brought along from an older one: the same role.
constexpr std::string_view schemas = R"sql(
SELECT 'schema' AS _word, n.nspname AS _name, n.nspname AS _home,
    CASE WHEN n.nspname = 'public' AND n.nspowner = (SELECT datdba FROM pg_database
        WHERE datname = current_database()) THEN 'pg_database_owner'
        ELSE pg_get_userbyid(n.nspowner) END AS owner,
    array_to_string(n.nspacl, E'\n') AS _acl,
    array_to_string(acldefault('n', n.nspowner), E'\n') AS _standard,
    d.description AS comment
FROM pg_namespace n JOIN space s ON s.oid = n.oid
LEFT JOIN pg_description d ON d.objoid = n.oid AND d.classoid = 'pg_namespace'::regclass
WHERE NOT EXISTS (SELECT FROM member m
    WHERE m.classid = 'pg_namespace'::regclass AND m.objid = n.oid)
)sql";

// An extension's owner can't be changed and a dump doesn't keep it.
constexpr std::string_view extensions = R"sql(
SELECT 'extension' AS _word, e.extname AS _name, e.extversion AS version, n.nspname AS schema,
    d.description AS comment
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
LEFT JOIN pg_description d ON d.objoid = e.oid AND d.classoid = 'pg_extension'::regclass
)sql";

constexpr std::string_view statistics = R"sql(
SELECT 'statistics' AS _word, s.nspname AS _schema, x.stxname AS _name, x.stxrelid::bigint AS _of,
    pg_get_userbyid(x.stxowner) AS owner, pg_get_statisticsobjdef(x.oid) AS definition,
    CASE WHEN x.stxstattarget >= 0 THEN x.stxstattarget::text END AS target,
    d.description AS comment
FROM pg_statistic_ext x JOIN space s ON s.oid = x.stxnamespace
LEFT JOIN pg_description d ON d.objoid = x.oid AND d.classoid = 'pg_statistic_ext'::regclass
WHERE NOT EXISTS (SELECT FROM member m
    WHERE m.classid = 'pg_statistic_ext'::regclass AND m.objid = x.oid)
)sql";

constexpr std::string_view publications = R"sql(
SELECT 'publication' AS _word, p.pubname AS _name, pg_get_userbyid(p.pubowner) AS owner,
    CASE WHEN p.puballtables THEN 'yes' END AS "all tables",
    concat_ws(', ', CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
        CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END)
        AS publish,
    CASE WHEN p.pubviaroot THEN 'yes' END AS "via root",
    (SELECT string_agg(n.nspname, ', ' ORDER BY n.nspname COLLATE "C") FROM pg_publication_namespace pn
        JOIN pg_namespace n ON n.oid = pn.pnnspid WHERE pn.pnpubid = p.oid) AS schemas,
    d.description AS comment
FROM pg_publication p
LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_publication'::regclass
)sql";

constexpr std::string_view published_tables = R"sql(
SELECT 'publication' AS _word, p.pubname AS _name, 'table ' || r.prrelid::regclass::text AS _prefix,
    coalesce((SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname COLLATE "C")
        FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs)),
        'all columns') AS _value
FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
)sql";

constexpr std::string_view published_rows = R"sql(
SELECT 'publication' AS _word, p.pubname AS _name,
    'where of ' || r.prrelid::regclass::text AS _prefix, pg_get_expr(r.prqual, r.prrelid) AS _value
FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
WHERE r.prqual IS NOT NULL
)sql";

constexpr std::string_view event_triggers = R"sql(
SELECT 'event trigger' AS _word, e.evtname AS _name, pg_get_userbyid(e.evtowner) AS owner,
    e.evtevent AS event, e.evtfoid::regprocedure::text AS function,
    (SELECT string_agg(t, ', ' ORDER BY t) FROM unnest(e.evttags) AS t) AS tags,
    CASE e.evtenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica only' WHEN 'A' THEN 'always'
        END AS enabled,
    d.description AS comment
FROM pg_event_trigger e
LEFT JOIN pg_description d ON d.objoid = e.oid AND d.classoid = 'pg_event_trigger'::regclass
WHERE NOT EXISTS (SELECT FROM member m
    WHERE m.classid = 'pg_event_trigger'::regclass AND m.objid = e.oid)
)sql";

constexpr std::string_view default_privileges = R"sql(
SELECT 'default privileges of' AS _word, pg_get_userbyid(a.defaclrole) AS _role,
    format('%son %s', CASE WHEN n.oid IS NOT NULL THEN format('in schema %s ', n.nspname) END,
        CASE a.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences'
        WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas'
        ELSE a.defaclobjtype::text END) AS _name,
    n.nspname AS _home,
    array_to_string(a.defaclacl, E'\n') AS _acl,
    CASE WHEN n.oid IS NULL THEN array_to_string(acldefault(
        CASE a.defaclobjtype WHEN 'S' THEN 's' ELSE a.defaclobjtype END, a.defaclrole), E'\n')
        ELSE '' END AS _standard
FROM pg_default_acl a LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace
)sql";

constexpr std::string_view wrappers = R"sql(
SELECT 'foreign-data wrapper' AS _word, w.fdwname AS _name, pg_get_userbyid(w.fdwowner) AS owner,
    array_to_string(w.fdwacl, E'\n') AS _acl,
    array_to_string(acldefault('F', w.fdwowner), E'\n') AS _standard,
    CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regproc::text END AS handler,
    CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regproc::text END AS validator,
    (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(w.fdwoptions) AS o) AS options,
    d.description AS comment
FROM pg_foreign_data_wrapper w
LEFT JOIN pg_description d ON d.objoid = w.oid AND d.classoid = 'pg_foreign_data_wrapper'::regclass
WHERE NOT EXISTS (SELECT FROM member m
    WHERE m.classid = 'pg_foreign_data_wrapper'::regclass AND m.objid = w.oid)
)sql";

constexpr std::string_view servers = R"sql(
SELECT 'server' AS _word, v.srvname AS _name, pg_get_userbyid(v.srvowner) AS owner,
    array_to_string(v.srvacl, E'\n') AS _acl,
    array_to_string(acldefault('S', v.srvowner), E'\n') AS _standard,
    w.fdwname AS wrapper, v.srvtype AS type, v.srvversion AS version,
    (SELECT string_agg(o, ', ' ORDER BY o) FROM unnest(v.srvoptions) AS o) AS options,
    d.description AS comment
FROM pg_foreign_server v JOIN pg_foreign_data_wrapper w ON w.oid = v.srvfdw
LEFT JOIN pg_description d ON d.objoid = v.oid AND d.classoid = 'pg_foreign_server'::regclass
WHERE NOT EXISTS (SELECT FROM member m
    WHERE m.classid = 'pg_foreign_server'::regclass AND m.objid = v.oid)
)sql";

// The options of a user mapping hold passwords: not read.
constexpr std::string_view user_mappings = R"sql(
SELECT 'user mapping for' AS _word, CASE u.umuser WHEN 0 THEN 'public' ELSE u.usename END AS _role,
    'server ' || u.srvname AS _name
FROM pg_user_mappings u
)sql";

// Whatever else users can make: there or not there. Members of an operator family come with it.
constexpr std::string_view sweep = R"sql(
, made AS (
    SELECT 'pg_opclass'::regclass AS classid, oid FROM pg_opclass WHERE oid >= 16384
    UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily WHERE oid >= 16384
    UNION ALL SELECT 'pg_amop'::regclass, oid FROM pg_amop WHERE oid >= 16384
    UNION ALL SELECT 'pg_amproc'::regclass, oid FROM pg_amproc WHERE oid >= 16384
    UNION ALL SELECT 'pg_am'::regclass, oid FROM pg_am WHERE oid >= 16384
    UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language WHERE oid >= 16384
    UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion WHERE oid >= 16384
    UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser WHERE oid >= 16384
    UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template WHERE oid >= 16384
    UNION ALL SELECT 'pg_subscription'::regclass, oid FROM pg_subscription
        WHERE subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
), family_member AS (
    SELECT 'pg_amop'::regclass AS classid, a.oid FROM pg_amop a JOIN member m
        ON m.classid = 'pg_opfamily'::regclass AND m.objid = a.amopfamily
    UNION ALL
    SELECT 'pg_amproc'::regclass, a.oid FROM pg_amproc a JOIN member m
        ON m.classid = 'pg_opfamily'::regclass AND m.objid = a.amprocfamily
)
SELECT i.type || ' ' || i.identity AS _identity, i.schema AS _home, d.description AS comment
FROM made o CROSS JOIN LATERAL pg_identify_object(o.classid, o.oid, 0) i
LEFT JOIN pg_description d ON d.objoid = o.oid AND d.classoid = o.classid
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = o.classid AND m.objid = o.oid)
    AND NOT EXISTS (SELECT FROM family_member f WHERE f.classid = o.classid AND f.oid = o.oid)
    AND (i.schema IS NULL OR i.schema IN (SELECT nspname FROM space))
)sql";

constexpr std::string_view queries[] = {
    schemas,
    extensions,
    statistics,
    publications,
    published_tables,
    published_rows,
    event_triggers,
    default_privileges,
    wrappers,
    servers,
    user_mappings,
    sweep};

}  // namespace

std::span<const std::string_view> other_queries() {
    return queries;
}

}  // namespace tapline::catalog
