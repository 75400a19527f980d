#include "central/catalog/queries.hpp"

namespace tapline::catalog {

namespace {

// Functions that a range type brings along depend on it internally and aren't said. cost and rows:
// the defaults of ProcedureCreate's callers (functioncmds.c).
constexpr std::string_view routines = R"sql(
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END
        AS _word,
    s.nspname AS _schema, p.proname AS _name, oidvectortypes(p.proargtypes) AS _args,
    pg_get_userbyid(p.proowner) AS owner,
    array_to_string(p.proacl, E'\n') AS _acl,
    array_to_string(acldefault('f', p.proowner), E'\n') AS _standard,
    nullif(pg_get_function_arguments(p.oid), '') AS arguments,
    pg_get_function_result(p.oid) AS returns,
    CASE WHEN p.prokind <> 'a' THEN l.lanname END AS language,
    CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' END AS volatility,
    CASE WHEN p.proisstrict THEN 'yes' END AS strict,
    CASE WHEN p.prosecdef THEN 'definer' END AS security,
    CASE WHEN p.proleakproof THEN 'yes' END AS leakproof,
    CASE p.proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' END AS parallel,
    CASE WHEN p.prokind = 'w' THEN 'yes' END AS "window",
    CASE WHEN p.prokind <> 'a' AND p.procost <>
        CASE WHEN l.lanname IN ('internal', 'c') THEN 1 ELSE 100 END THEN p.procost::text END AS cost,
    CASE WHEN p.prorows <> CASE WHEN p.proretset THEN 1000 ELSE 0 END THEN p.prorows::text END
        AS rows,
    CASE WHEN p.prosupport::oid <> 0 THEN p.prosupport::text END AS support,
    (SELECT string_agg(format_type(t, NULL), ', ') FROM unnest(p.protrftypes) AS t) AS transforms,
    (SELECT string_agg(o, E'\n' ORDER BY o) FROM unnest(p.proconfig) AS o) AS settings,
    CASE WHEN p.prokind <> 'a' AND p.prosqlbody IS NULL THEN p.prosrc END AS body,
    p.probin AS library,
    CASE WHEN p.prosqlbody IS NOT NULL THEN pg_get_function_sqlbody(p.oid) END AS "sql body",
    d.description AS comment
FROM pg_proc p JOIN space s ON s.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
LEFT JOIN pg_description d ON d.objoid = p.oid AND d.classoid = 'pg_proc'::regclass
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)
    AND NOT EXISTS (SELECT FROM pg_depend i
        WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')
)sql";

constexpr std::string_view aggregates = R"sql(
SELECT 'aggregate' AS _word, s.nspname AS _schema, p.proname AS _name,
    oidvectortypes(p.proargtypes) AS _args,
    CASE a.aggkind WHEN 'o' THEN 'ordered set' WHEN 'h' THEN 'hypothetical set' END AS kind,
    CASE WHEN a.aggnumdirectargs > 0 THEN a.aggnumdirectargs::text END AS "direct arguments",
    a.aggtransfn::text AS "state function",
    format_type(a.aggtranstype, NULL) AS "state type",
    a.agginitval AS "initial state",
    nullif(a.aggtransspace, 0)::text AS "state space",
    nullif(a.aggfinalfn::text, '-') AS "final function",
    CASE WHEN a.aggfinalextra THEN 'yes' END AS "final extra",
    a.aggfinalmodify::text AS "final modify",
    nullif(a.aggcombinefn::text, '-') AS "combine function",
    nullif(a.aggserialfn::text, '-') AS "serial function",
    nullif(a.aggdeserialfn::text, '-') AS "deserial function",
    nullif(a.aggmtransfn::text, '-') AS "moving state function",
    nullif(a.aggminvtransfn::text, '-') AS "moving inverse function",
    nullif(a.aggmfinalfn::text, '-') AS "moving final function",
    CASE WHEN a.aggmtranstype <> 0 THEN format_type(a.aggmtranstype, NULL) END
        AS "moving state type",
    a.aggminitval AS "moving initial state",
    CASE WHEN a.aggsortop <> 0 THEN a.aggsortop::regoperator::text END AS "sort operator"
FROM pg_aggregate a JOIN pg_proc p ON p.oid = a.aggfnoid JOIN space s ON s.oid = p.pronamespace
WHERE NOT EXISTS (SELECT FROM member m WHERE m.classid = 'pg_proc'::regclass AND m.objid = p.oid)
)sql";

constexpr std::string_view operators = R"sql(
SELECT 'operator' AS _word, s.nspname AS _schema, o.oprname AS _name,
    format('%s, %s', CASE WHEN o.oprleft = 0 THEN 'NONE' ELSE format_type(o.oprleft, NULL) END,
        CASE WHEN o.oprright = 0 THEN 'NONE' ELSE format_type(o.oprright, NULL) END) AS _args,
    pg_get_userbyid(o.oprowner) AS owner,
    o.oprcode::text AS function,
    CASE WHEN o.oprresult <> 0 THEN format_type(o.oprresult, NULL) END AS returns,
    CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoperator::text END AS commutator,
    CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoperator::text END AS negator,
    nullif(o.oprrest::text, '-') AS restrict, nullif(o.oprjoin::text, '-') AS join,
    CASE WHEN o.oprcanmerge THEN 'yes' END AS merges,
    CASE WHEN o.oprcanhash THEN 'yes' END AS hashes,
    d.description AS comment
FROM pg_operator o JOIN space s ON s.oid = o.oprnamespace
LEFT JOIN pg_description d ON d.objoid = o.oid AND d.classoid = 'pg_operator'::regclass
WHERE NOT EXISTS (SELECT FROM member m
    WHERE m.classid = 'pg_operator'::regclass AND m.objid = o.oid)
)sql";

// User-made objects have OIDs from 16384 on (FirstNormalObjectId). A range brings a cast along.
constexpr std::string_view casts = R"sql(
SELECT format('cast (%s AS %s)', format_type(c.castsource, NULL), format_type(c.casttarget, NULL))
        AS _identity,
    CASE WHEN c.castfunc <> 0 THEN c.castfunc::regprocedure::text END AS function,
    CASE c.castcontext WHEN 'a' THEN 'assignment' WHEN 'i' THEN 'implicit' ELSE 'explicit' END
        AS context,
    CASE c.castmethod WHEN 'f' THEN 'function' WHEN 'i' THEN 'inout' ELSE 'binary' END AS method,
    d.description AS comment
FROM pg_cast c
LEFT JOIN pg_description d ON d.objoid = c.oid AND d.classoid = 'pg_cast'::regclass
WHERE c.oid >= 16384 AND NOT EXISTS (SELECT FROM member m
    WHERE m.classid = 'pg_cast'::regclass AND m.objid = c.oid)
    AND NOT EXISTS (SELECT FROM pg_depend i
        WHERE i.classid = 'pg_cast'::regclass AND i.objid = c.oid AND i.deptype = 'i')
)sql";

constexpr std::string_view queries[] = {routines, aggregates, operators, casts};

}  // namespace

std::span<const std::string_view> routine_queries() {
    return queries;
}

}  // namespace tapline::catalog
