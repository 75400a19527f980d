#include "central/catalog/queries.hpp"

namespace tapline::catalog {

namespace {

// Enumerations, composite types, ranges and base types; their array and multirange types come by
// themselves. Attributes of a composite type are in order: it is what ROW(…) means.
constexpr std::string_view types = R"sql(
SELECT 'type' AS _word, s.nspname AS _schema, t.typname AS _name,
    pg_get_userbyid(t.typowner) AS owner,
    array_to_string(t.typacl, E'\n') AS _acl,
    array_to_string(acldefault('T', t.typowner), E'\n') AS _standard,
    CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite' WHEN 'r' THEN 'range'
        WHEN 'p' THEN 'shell' ELSE 'base' END AS kind,
    (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
        FROM pg_enum e WHERE e.enumtypid = t.oid) AS "values",
    (SELECT string_agg(format('%I %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        CASE WHEN a.attcollation <> at.typcollation THEN ' COLLATE '
            || a.attcollation::regcollation::text ELSE '' END), ', ' ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_type at ON at.oid = a.atttypid
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS attributes,
    (SELECT string_agg(format('%I: %s', a.attname, ad.description), E'\n' ORDER BY a.attnum)
        FROM pg_attribute a JOIN pg_description ad ON ad.objoid = a.attrelid
            AND ad.classoid = 'pg_class'::regclass AND ad.objsubid = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0) AS "attribute comments",
    format_type(r.rngsubtype, NULL) AS subtype,
    CASE WHEN NOT o.opcdefault THEN o.opcname END AS "operator class",
    CASE WHEN r.rngcollation <> st.typcollation THEN r.rngcollation::regcollation::text
        END AS collation,
    CASE WHEN r.rngcanonical::oid <> 0 THEN r.rngcanonical::text END AS canonical,
    CASE WHEN r.rngsubdiff::oid <> 0 THEN r.rngsubdiff::text END AS "subtype difference",
    CASE WHEN r.rngmultitypid <> 0 THEN format_type(r.rngmultitypid, NULL) END AS multirange,
    CASE WHEN t.typtype = 'b' THEN concat_ws(', ', t.typinput::text, t.typoutput::text,
        nullif(t.typreceive::text, '-'), nullif(t.typsend::text, '-'),
        nullif(t.typmodin::text, '-'), nullif(t.typmodout::text, '-')) END AS functions,
    CASE WHEN t.typtype = 'b' THEN format('length %s, align %s, storage %s, category %s%s%s',
        t.typlen, t.typalign, t.typstorage, t.typcategory,
        CASE WHEN t.typispreferred THEN ', preferred' END,
        CASE WHEN t.typcollation <> 0 THEN ', collatable' END) END AS layout,
    d.description AS comment
FROM pg_type t JOIN space s ON s.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
LEFT JOIN pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_opclass o ON o.oid = r.rngsubopc
LEFT JOIN pg_type st ON st.oid = r.rngsubtype
LEFT JOIN pg_description d ON d.objoid = t.oid AND d.classoid = 'pg_type'::regclass
WHERE (t.typtype IN ('e', 'r', 'b', 'p') OR (t.typtype = 'c' AND c.relkind = 'c'))
    AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
    AND NOT EXISTS (SELECT FROM member m
        WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
)sql";

constexpr std::string_view domains = R"sql(
SELECT 'domain' AS _word, s.nspname AS _schema, t.typname AS _name,
    pg_get_userbyid(t.typowner) AS owner,
    array_to_string(t.typacl, E'\n') AS _acl,
    array_to_string(acldefault('T', t.typowner), E'\n') AS _standard,
    format_type(t.typbasetype, t.typtypmod) AS type,
    CASE WHEN t.typnotnull THEN 'yes' END AS "not null",
    coalesce(pg_get_expr(t.typdefaultbin, 0), t.typdefault) AS "default",
    CASE WHEN t.typcollation <> b.typcollation THEN t.typcollation::regcollation::text
        END AS collation,
    d.description AS comment
FROM pg_type t JOIN space s ON s.oid = t.typnamespace JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN pg_description d ON d.objoid = t.oid AND d.classoid = 'pg_type'::regclass
WHERE t.typtype = 'd' AND NOT EXISTS (SELECT FROM member m
    WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
)sql";

constexpr std::string_view domain_constraints = R"sql(
SELECT 'domain' AS _word, s.nspname AS _schema, t.typname AS _name,
    'constraint ' || con.conname AS _prefix, pg_get_constraintdef(con.oid) AS _value,
    d.description AS comment
FROM pg_constraint con JOIN pg_type t ON t.oid = con.contypid JOIN space s ON s.oid = t.typnamespace
LEFT JOIN pg_description d ON d.objoid = con.oid AND d.classoid = 'pg_constraint'::regclass
WHERE con.contype = 'c' AND NOT EXISTS (SELECT FROM member m
    WHERE m.classid = 'pg_type'::regclass AND m.objid = t.oid)
)sql";

constexpr std::string_view collations = R"sql(
SELECT 'collation' AS _word, s.nspname AS _schema, c.collname AS _name,
    pg_get_userbyid(c.collowner) AS owner,
    CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'c' THEN 'libc' ELSE c.collprovider::text
        END AS provider,
    coalesce(j.row ->> 'colliculocale', j.row ->> 'colllocale', c.collcollate) AS locale,
    nullif(c.collctype, c.collcollate) AS ctype,
    j.row ->> 'collicurules' AS rules,
    CASE WHEN NOT c.collisdeterministic THEN 'no' END AS deterministic,
    d.description AS comment
FROM pg_collation c JOIN space s ON s.oid = c.collnamespace
CROSS JOIN LATERAL (SELECT to_jsonb(c) AS row) j
LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_collation'::regclass
WHERE NOT EXISTS (SELECT FROM member m
    WHERE m.classid = 'pg_collation'::regclass AND m.objid = c.oid)
)sql";

constexpr std::string_view queries[] = {types, domains, domain_constraints, collations};

}  // namespace

std::span<const std::string_view> type_queries() {
    return queries;
}

}  // namespace tapline::catalog
