-- Expressions, queries and defaults of every form that PostgreSQL prints in its own way: what a dump
-- and restore makes of them must not count. Roles cat_alice and cat_bob exist.

CREATE TYPE col AS ENUM ('r','g','b');
CREATE TYPE pt AS (x int, y int);
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE DOMAIN vc AS varchar(8);
CREATE TABLE a (id int primary key, v varchar(10), c char(5), t text, n numeric(8,3), f float8, r real, d date,
    ts timestamp, tz timestamptz, i interval, b bool, e col, p pt, arr int[], varr varchar(5)[], j jsonb,
    u uuid, ip inet, ci cidr, m money, bt bytea, bits bit(4), vb varbit(8),
    rng int4range, dom posint, dv vc, x xml, nm name, ch "char", oidc oid, rc regclass,
    si smallint, bi bigint, tm time, ttz timetz, pnt point, ts2 tsvector);
ALTER TABLE a ADD CHECK (v IN ('a','b'));
ALTER TABLE a ADD CHECK (v NOT IN ('x'));
ALTER TABLE a ADD CHECK (v NOT IN ('x','y'));
ALTER TABLE a ADD CHECK (c IN ('a','b'));
ALTER TABLE a ADD CHECK (t IN ('a'));
ALTER TABLE a ADD CHECK (dv IN ('a','b'));
ALTER TABLE a ADD CHECK (ci IN ('10.0.0.0/8','11.0.0.0/8'));
ALTER TABLE a ADD CHECK (nm IN ('a','b'));
ALTER TABLE a ADD CHECK (bi IN (1,2,3));
ALTER TABLE a ADD CHECK (si IN (1,2));
ALTER TABLE a ADD CHECK (n IN (1, 2.5));
ALTER TABLE a ADD CHECK (f IN (1, 2.5));
ALTER TABLE a ADD CHECK (r = 1.1);
ALTER TABLE a ADD CHECK (e IN ('r','g'));
ALTER TABLE a ADD CHECK (dom IN (1,2));
ALTER TABLE a ADD CHECK (v LIKE 'a%' OR v ILIKE 'b_' ESCAPE '!' OR v SIMILAR TO '(a|b)+' OR v ~ '^x');
ALTER TABLE a ADD CHECK (n BETWEEN -1 AND 5.5);
ALTER TABLE a ADD CHECK (n BETWEEN SYMMETRIC 5 AND 1 AND n NOT BETWEEN 3 AND 4);
ALTER TABLE a ADD CHECK (((b AND b) AND b) AND (b AND (b OR NOT b)));
ALTER TABLE a ADD CHECK ((b OR b) OR b);
ALTER TABLE a ADD CHECK (b IS TRUE OR b IS NOT UNKNOWN);
ALTER TABLE a ADD CHECK (v IS DISTINCT FROM c);
ALTER TABLE a ADD CHECK (coalesce(v, c, t) <> '');
ALTER TABLE a ADD CHECK (nullif(v, 'a') IS NOT NULL);
ALTER TABLE a ADD CHECK (greatest(id, bi, 3) > 0);
ALTER TABLE a ADD CHECK (CASE v WHEN 'a' THEN true WHEN 'b' THEN false ELSE b END);
ALTER TABLE a ADD CHECK (CASE WHEN v = 'a' THEN 1 ELSE 2.5 END > 1);
ALTER TABLE a ADD CHECK (extract(year FROM d) > 1900 AND date_part('month', ts) < 13);
ALTER TABLE a ADD CHECK (tz AT TIME ZONE 'UTC' > '2000-01-01');
ALTER TABLE a ADD CHECK (tz > '2000-01-01 00:00:00+03');
ALTER TABLE a ADD CHECK (i > '1 day' AND i < interval '3' hour * 30);
ALTER TABLE a ADD CHECK (arr[1] > 0 AND arr[1:2] = ARRAY[1,2] AND 3 = ANY (arr) AND arr <> '{}');
ALTER TABLE a ADD CHECK (varr <> ARRAY['a','b']::varchar[]);
ALTER TABLE a ADD CHECK ('a' = ANY (varr));
ALTER TABLE a ADD CHECK (v = ANY (varr));
ALTER TABLE a ADD CHECK (v = ANY ('{a,b}'));
ALTER TABLE a ADD CHECK (v = ANY (ARRAY['a','b']));
ALTER TABLE a ADD CHECK (v = ANY (ARRAY['a','b']::varchar[]));
ALTER TABLE a ADD CHECK (v = ANY (ARRAY['a','b']::text[]));
ALTER TABLE a ADD CHECK (v = ANY (ARRAY['a'::varchar, t]));
ALTER TABLE a ADD CHECK (j->>'a' IN ('x','y') AND j @> '{"a":1}' AND (j->'b'->>0)::int > 1);
ALTER TABLE a ADD CHECK ((p).x > 0 AND (p) = ROW(1,2)::pt);
ALTER TABLE a ADD CHECK ((id, bi) < (1, 2));
ALTER TABLE a ADD CHECK (ip << '10.0.0.0/8');
ALTER TABLE a ADD CHECK (m > '1.00');
ALTER TABLE a ADD CHECK (bt <> '\x00');
ALTER TABLE a ADD CHECK (bits = B'1010' AND vb <> '101');
ALTER TABLE a ADD CHECK (rng && '[1,5)');
ALTER TABLE a ADD CHECK (rc = 'a'::regclass);
ALTER TABLE a ADD CHECK (ch = 'x' AND oidc = 5);
ALTER TABLE a ADD CHECK (substring(v FROM 1 FOR 2) = 'ab' AND position('a' IN v) > 0 AND trim(both 'x'
    FROM v) <> '' AND overlay(v PLACING 'z' FROM 1) <> '');
ALTER TABLE a ADD CHECK (v COLLATE "C" < 'z');
ALTER TABLE a ADD CHECK (lower(v) || upper(c) || id <> 'x');
ALTER TABLE a ADD CHECK (-n < +f AND n % 2 = 0 AND id # 1 > 0 AND ~id < 0 AND n ^ 2 > 1 AND |/ f > 0);
ALTER TABLE a ADD CHECK (tm > '10:00' AND ttz < '10:00+02');
ALTER TABLE a ADD CHECK (pnt <@ box '((0,0),(1,1))');
ALTER TABLE a ADD CHECK (xmlconcat(x, x) IS DOCUMENT);
ALTER TABLE a ADD CHECK (v::char(3) = 'abc' AND v::varchar(2) = 'ab' AND n::int = 1 AND n::numeric(3,1) > 1);
ALTER TABLE a ADD CHECK (length('abc'::text) = 3 AND 'x'::varchar = 'x');
ALTER TABLE a ADD CHECK (make_interval(days => 3) > i);
ALTER TABLE a ADD CHECK (concat(VARIADIC ARRAY['a','b']) = 'ab');
ALTER TABLE a ADD CHECK (format('%s', v) <> '');
ALTER TABLE a ADD CHECK (v IS NORMALIZED OR t IS NFC NORMALIZED);
ALTER TABLE a ADD CHECK (dom::int::bigint > 0);
ALTER TABLE a ADD CHECK (id::text::varchar(3) <> '1');
ALTER TABLE a ADD CHECK (1.0::float8 < f AND '1e10'::float8 > f AND 1e-5 < f AND 'NaN'::float8 <> f
    AND 'Infinity' <> f);
ALTER TABLE a ADD CHECK (-5 < id AND id > - 7 AND id <> (-2147483648) AND bi > -9223372036854775808);
ALTER TABLE a ADD CHECK (now() - interval '1 year' < tz);
ALTER TABLE a ADD CHECK (current_date > d AND current_user <> v AND localtimestamp(2) > ts);
ALTER TABLE a ALTER v SET DEFAULT 'a';
ALTER TABLE a ALTER c SET DEFAULT 'b';
ALTER TABLE a ALTER n SET DEFAULT -1.5;
ALTER TABLE a ALTER f SET DEFAULT -1;
ALTER TABLE a ALTER d SET DEFAULT current_date + 1;
ALTER TABLE a ALTER ts SET DEFAULT now();
ALTER TABLE a ALTER tz SET DEFAULT 'epoch';
ALTER TABLE a ALTER i SET DEFAULT '1 mon';
ALTER TABLE a ALTER b SET DEFAULT 'yes';
ALTER TABLE a ALTER e SET DEFAULT 'r';
ALTER TABLE a ALTER p SET DEFAULT ROW(1,2);
ALTER TABLE a ALTER arr SET DEFAULT '{1,2}';
ALTER TABLE a ALTER varr SET DEFAULT ARRAY['a','b'];
ALTER TABLE a ALTER j SET DEFAULT jsonb_build_object('a', 1);
ALTER TABLE a ALTER u SET DEFAULT gen_random_uuid();
ALTER TABLE a ALTER bits SET DEFAULT '1010';
ALTER TABLE a ALTER vb SET DEFAULT B'1';
ALTER TABLE a ALTER si SET DEFAULT 1;
ALTER TABLE a ALTER bi SET DEFAULT 1;
ALTER TABLE a ALTER m SET DEFAULT 1.5;
ALTER TABLE a ALTER nm SET DEFAULT current_user;
ALTER TABLE a ALTER bt SET DEFAULT 'abc';
ALTER TABLE a ALTER rng SET DEFAULT int4range(1,2);
ALTER TABLE a ALTER dom SET DEFAULT 3;
ALTER TABLE a ALTER tm SET DEFAULT localtime;
ALTER TABLE a ALTER dv SET DEFAULT 'abc'||'d';
CREATE INDEX a1 ON a ((v || c)) WHERE v IN ('a','b') AND (n > 1 AND n < 5);
CREATE INDEX a2 ON a (v text_pattern_ops, c bpchar_pattern_ops DESC) ;
CREATE INDEX a3 ON a USING gist (rng range_ops);
CREATE INDEX a4 ON a ((j->>'a'), lower(t) COLLATE "C" NULLS FIRST);
CREATE INDEX a5 ON a USING hash (t);
CREATE UNIQUE INDEX a6 ON a (id) WHERE NOT b AND e = ANY ('{r,g}');
CREATE INDEX a7 ON a ((id % 5), ((p).x));
CREATE INDEX a8 ON a USING gin (ts2, arr) WITH (gin_pending_list_limit=100);
CREATE INDEX a9 ON a (v) WHERE v NOT IN ('q','r') AND (v BETWEEN 'a' AND 'b' AND t > 'x');
CREATE VIEW v1 AS SELECT *, v AS v2 FROM a WHERE v IN ('a','b') AND (c BETWEEN 'a' AND 'b' AND t <> '');
CREATE VIEW v2 AS SELECT b.id AS bid, c.* FROM a JOIN a b USING (id) NATURAL JOIN (SELECT id, v AS vv
    FROM a) c WHERE a.v = ANY (ARRAY['x','y']) ;
CREATE VIEW v3(q, w) AS VALUES (1, 'a'), (2, 'b'), (3, NULL);
CREATE VIEW v4 AS SELECT DISTINCT ON (v) v,
    count(*) OVER (PARTITION BY c ORDER BY d ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) AS n,
    array_agg(t) FILTER (WHERE b) OVER w AS aa FROM a WINDOW w AS (PARTITION BY e) ORDER BY v,
    d DESC NULLS LAST LIMIT 5 OFFSET 2;
CREATE VIEW v5 AS SELECT v, c, grouping(v) AS g, sum(n), percentile_cont(0.5) WITHIN GROUP (ORDER BY f),
    string_agg(DISTINCT t, ',') FROM a GROUP BY GROUPING SETS ((v, c), ROLLUP (v), ()) HAVING count(*) > 1;
CREATE VIEW v6 AS SELECT x.*, y.ord FROM a, LATERAL unnest(arr) WITH ORDINALITY AS y(el,
    ord) CROSS JOIN LATERAL (SELECT a.id + 1 AS z) AS x WHERE NOT EXISTS (SELECT 1 FROM a b
    WHERE b.id = a.id) AND a.id IN (SELECT id FROM a WHERE v IN ('a','c')) AND a.id > ALL (SELECT 1) AND (a.id,
    a.bi) IN (SELECT 1, 2);
CREATE VIEW v7 AS WITH w AS MATERIALIZED (SELECT * FROM a WHERE v IN ('a','b')),
    z AS NOT MATERIALIZED (SELECT 1 AS o) SELECT w.id, (SELECT max(id) FROM a) AS mx, z.o FROM w, z
    UNION ALL (SELECT 1,2,3 INTERSECT SELECT 4,5,6) EXCEPT SELECT 7,8,9;
CREATE VIEW v8 AS SELECT 'lit' AS l, 'x'::varchar(5) AS m, NULL AS n, NULL::int AS o, 1.50 AS p, -1 AS q,
    'a' || v AS r, CASE v WHEN 'a' THEN 'x' END AS s, ARRAY[v, c] AS tt, ARRAY['a','b']::varchar[] AS uu,
    a AS whole, (a).v AS wv, (p).*, current_timestamp AS ct, xmlelement(name foo, xmlattributes(v AS bar),
    t) AS xx, interval '1-2' year to month AS iv, e'\\n\n' AS esc, date '2020-01-01' AS dd,
    x IS DOCUMENT AS xd, v COLLATE "C" AS cc, cast(n AS int) AS nn FROM a;
CREATE VIEW v9 AS SELECT f.* FROM generate_series(1,3) WITH ORDINALITY f(a, b), ROWS
    FROM (generate_series(1,2), unnest(ARRAY['a'])) AS g(x, y), jsonb_to_record('{"a":1}') AS r(a int, b text),
    a TABLESAMPLE system (50) REPEATABLE (3);
CREATE VIEW v10 AS SELECT l.id FROM (a l LEFT JOIN a r ON l.id = r.bi
    AND r.v IN ('a','b')) FULL JOIN (a x CROSS JOIN a y) ON x.id = l.id RIGHT JOIN a z ON (true);
CREATE VIEW v11 AS WITH RECURSIVE t(n) AS (SELECT 1 UNION SELECT n+1 FROM t
    WHERE n < 5) SEARCH DEPTH FIRST BY n SET o SELECT n FROM t;
CREATE VIEW v12 AS SELECT id FROM a FOR UPDATE OF a SKIP LOCKED;
CREATE MATERIALIZED VIEW mv AS SELECT * FROM v1 WITH NO DATA;
REFRESH MATERIALIZED VIEW mv;
CREATE INDEX ON mv (v) WHERE v IN ('a','b');
ALTER TABLE a RENAME COLUMN ttz TO timetz2;
ALTER TABLE a ADD COLUMN late int;
ALTER TABLE a ADD COLUMN gone int;
ALTER TABLE a DROP COLUMN gone;
CREATE TABLE g (a int, b int GENERATED ALWAYS AS (a * 2) STORED, v varchar,
    w bool GENERATED ALWAYS AS (v IN ('a','b') AND (a BETWEEN 1 AND 2 AND a <> 3)) STORED);
CREATE RULE r1 AS ON UPDATE TO g WHERE NEW.v IN ('a','b') AND OLD.a BETWEEN 1 AND 2 DO ALSO (INSERT INTO g (a,
    v) SELECT NEW.a, 'x' FROM a WHERE v IN ('p','q'); DELETE FROM g WHERE a = OLD.a; UPDATE g SET v = 'y'
    WHERE v IN ('a','b'));
CREATE RULE r2 AS ON INSERT TO v3 DO INSTEAD NOTIFY foo;
CREATE FUNCTION fs(a int, v varchar DEFAULT 'x', OUT z int) LANGUAGE sql BEGIN ATOMIC INSERT INTO g (a,
    v) SELECT id, v FROM a WHERE v IN ('a','b') AND (id BETWEEN 1 AND 2 AND id > 1); SELECT 1 AS z
    FROM a JOIN g ON a.id = g.a WHERE g.v IN ('a','b'); END;
CREATE FUNCTION fd(a varchar DEFAULT CASE WHEN 'a'::varchar IN ('a','b') THEN 'x' END,
    b int DEFAULT 1 + 2 * 3) RETURNS bool LANGUAGE sql RETURN a IN ('a','b') AND (b > 1 AND (b < 5 AND b <> 3));
CREATE TABLE pl (v varchar, d date, e col) PARTITION BY LIST (lower(v::text));
CREATE TABLE pl1 PARTITION OF pl (CHECK (v IN ('a','b'))) FOR VALUES IN ('a','b', NULL) PARTITION BY RANGE (d, e);
CREATE TABLE pl11 PARTITION OF pl1 FOR VALUES FROM ('2020-01-01', MINVALUE) TO ('2021-01-01','g');
CREATE INDEX ON pl (v, d) WHERE v IN ('a','b');
CREATE INDEX ON ONLY pl (d);
CREATE TABLE i1 (a int CHECK (a > 0) NO INHERIT, v varchar CHECK (v IN ('a','b')));
CREATE TABLE i2 (b int) INHERITS (i1);
CREATE TABLE i3 (a int, v varchar) INHERITS (i1, i2);
ALTER TABLE i1 ADD COLUMN z int DEFAULT 5;
ALTER TABLE i2 ALTER z SET DEFAULT 6;
CREATE POLICY pol ON g USING (v IN ('a','b') AND EXISTS (SELECT FROM a WHERE a.id = g.a AND a.v IN ('a','b')));
CREATE STATISTICS st ON (v IN ('a','b')), (a + 1) FROM g;
CREATE STATISTICS st2 (mcv) ON a, v FROM g;
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'begin return null; end';
CREATE TRIGGER tg BEFORE UPDATE OF a ON g
    FOR EACH ROW WHEN (NEW.v IN ('a','b') AND (OLD.a BETWEEN 1 AND 3 AND OLD.v IS DISTINCT FROM NEW.v))
    EXECUTE FUNCTION tf(1, 'x''y');
CREATE TABLE cyc1 (id int primary key, o int);
CREATE TABLE cyc2 (id int primary key, o int REFERENCES cyc1);
ALTER TABLE cyc1 ADD FOREIGN KEY (o) REFERENCES cyc2 ON DELETE SET NULL (o) DEFERRABLE;

CREATE TABLE "We""ird Table" ("Col 1" int, "select" varchar CHECK ("select" IN ('A','b')));
COMMENT ON TABLE "We""ird Table" IS E'a\nb''c';
CREATE SEQUENCE s1 AS bigint INCREMENT -1 MAXVALUE -1 MINVALUE -100 START -5;
CREATE SEQUENCE s2;
ALTER SEQUENCE s2 OWNED BY g.a;
ALTER TABLE g ALTER a SET DEFAULT nextval('s2');
GRANT SELECT (a), UPDATE (v) ON g TO cat_alice; REVOKE ALL ON FUNCTION tf()
    FROM PUBLIC;
GRANT ALL ON SCHEMA public TO cat_bob;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO cat_bob WITH GRANT OPTION;
GRANT USAGE ON TYPE col TO cat_alice;
REVOKE ALL ON TABLE g FROM tapline;
