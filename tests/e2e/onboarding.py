"""An existing bar comes under revisions: version tables as the field has them, who may stamp, and
what the application's role may do afterwards."""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import unittest

import psycopg2

from lab import Cluster, run_command, work_directory

FILE = """\
-- {name}
-- Revision ID: {name}
-- Revises: {revises}

-- tapline: upgrade
{up}
-- tapline: downgrade
{down}
"""
# The pilot's schema as its ORM makes it: a table, then a column, then another table.
REVISIONS = [
    ("aaaa", "", "CREATE TABLE pours (id int PRIMARY KEY);", "DROP TABLE pours;"),
    ("bbbb", "aaaa", "ALTER TABLE pours ADD price numeric(10,4);", "ALTER TABLE pours DROP price;"),
    ("cccc", "bbbb", "CREATE TABLE kegs (id int PRIMARY KEY);", "DROP TABLE kegs;"),
]
POURS = "CREATE TABLE pours (price numeric(10,4), id int PRIMARY KEY);"
VERSION = "CREATE TABLE alembic_version (version_num varchar(32) NOT NULL CONSTRAINT alembic_version_pkc PRIMARY KEY);"


def rows(*ids):
    return VERSION + "".join(f"INSERT INTO alembic_version VALUES ('{each}');" for each in ids)


class Onboarding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()
        cls.directory = work_directory()
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.files = os.path.join(cls.directory, "migrations")
        os.mkdir(cls.files)
        for name, revises, up, down in REVISIONS:
            with open(os.path.join(cls.files, f"{name}_x.sql"), "w", encoding="utf-8") as file:
                file.write(FILE.format(name=name, revises=revises, up=up, down=down))
        cls.number = 0

    def setUp(self):
        type(self).number += 1
        self.database = f"bar{self.number}"
        self.url = self.cluster.create_database(self.database)

    def sql(self, statement, user=None):
        """Rows; with a user, as somebody who logs in with that role."""
        url = self.as_role(user) if user else self.cluster.url(self.database)
        with contextlib.closing(psycopg2.connect(url)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def as_role(self, role):
        return re.sub(r"^postgresql://[^@]*@", f"postgresql://{role}@", self.cluster.url(self.database))

    def verb(self, *arguments, role=None, env=None, files=True):
        extra = ["--dir", self.files] if files else []
        url = self.as_role(role) if role else self.url
        done = run_command("tapline-central", [*arguments, *extra, "--json"],
                           env={"DATABASE_URL": url, **(env or {})}, timeout_s=120)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def good(self, *arguments, **options):
        code, out, err = self.verb(*arguments, **options)
        self.assertEqual(code, 0, f"{arguments}: {out}\n{err}")
        return out

    def refused(self, kind, *arguments, **options):
        code, out, err = self.verb(*arguments, **options)
        self.assertEqual((code, out and out["error"]["kind"]), (3, kind), f"{arguments}: {out}\n{err}")
        return out["error"]

    def recognise(self, code=1):
        found, out, err = self.verb("recognise")
        self.assertEqual(found, code, f"{out}\n{err}")
        return out["lineages"][0], out["command"]

    def run_it(self, command, **options):
        """What the operator does: the command, as it was printed, with the reasons filled in."""
        words = [word.replace("=WHY", "=known since the pilot") for word in shlex.split(command)]
        self.assertEqual(words[0], "tapline-central")
        return self.good(*words[1:], files=False, **options)

    # --- version tables of the field -------------------------------------------------------------

    def test_every_version_table_of_the_field_is_recognised_and_mended_by_one_command(self):
        cases = {
            "missing": ("", POURS, ["bbbb"]),
            "empty": (rows(), POURS, ["bbbb"]),
            "several": (rows("aaaa", "cccc"), POURS, ["bbbb"]),
            "unknown": (rows("57c6ac405ef5"), POURS, ["bbbb"]),
            "ahead": (rows("cccc"), POURS, ["bbbb"]),
            "behind": (rows("aaaa"), POURS, ["bbbb"]),
        }
        for state, (version, schema, truth) in cases.items():
            with self.subTest(state):
                self.setUp()
                self.sql(version + schema)
                found, command = self.recognise()
                self.assertEqual((found["state"], found["equal"]), (state, [truth]), found)
                self.assertEqual(command, f"tapline-central stamp --purge bbbb --dir {self.files}")
                self.assertEqual(self.run_it(command)["current_after"], truth)
                self.assertEqual(self.recognise(0)[1], None)
                before = self.sql("SELECT heads_before, heads_after, database_role FROM tapline.revision_log "
                                  "WHERE action = 'stamp' AND revision_id = 'bbbb'")
                stood = re.findall(r"VALUES \('(\w+)'\)", version)
                self.assertEqual(before, [(stood, truth, self.cluster.USER)])
                self.assertEqual(self.good("upgrade")["current_after"], ["cccc"])
                self.assertEqual(self.verb("check")[0], 0)

    def test_ids_that_a_pilot_carries_and_ids_beside_known_ones(self):
        for version in (["a04b8900ce88"], ["57c6ac405ef5", "a04b8900ce88"], ["bbbb", "57c6ac405ef5"]):
            with self.subTest(version):
                self.setUp()
                self.sql(rows(*version) + POURS)
                found, command = self.recognise()
                self.assertEqual(found["state"], "unknown" if len(version) == 1 else "several")
                self.run_it(command)
                self.assertEqual(self.sql("SELECT version_num FROM alembic_version"), [("bbbb",)])

    def test_a_false_stamp_names_the_nearest_revision_and_every_difference(self):
        self.sql(rows("bbbb") + "CREATE TABLE pours (id int DEFAULT 7 PRIMARY KEY, price numeric(10,4));"
                 "CREATE TABLE \"it's\" (id int)")
        found, command = self.recognise()
        self.assertEqual((found["state"], found["equal"], found["nearest"]), ("wrong", [], ["bbbb"]))
        self.assertEqual([each["object"] for each in found["findings"]],
                         ["table \"it's\"", "table pours column id"])
        self.assertEqual(found["differences"], 2)
        self.run_it(command)
        self.assertEqual(self.verb("check")[0], 0)

    def test_a_row_without_any_schema_is_mended_to_nothing(self):
        self.sql(rows("bbbb"))
        found, command = self.recognise()
        self.assertEqual((found["state"], found["equal"]), ("ahead", [[]]))
        self.assertIn("stamp --purge base --lineage app", command)
        self.run_it(command)
        self.assertEqual(self.good("upgrade")["current_after"], ["cccc"])

    def test_a_new_database_and_one_that_fits_need_nothing(self):
        self.assertEqual(self.recognise(0)[0]["state"], "fresh")
        self.sql("CREATE TABLE of_somebody_else (id int)")
        self.assertEqual(self.recognise(0)[0]["state"], "fresh")
        self.good("upgrade", "bbbb")
        self.assertEqual(self.verb("current")[0], 0)

    def test_the_errors_in_the_way_name_the_same_command(self):
        for version, kind in ((rows("57c6ac405ef5"), "unknown_revision"), (rows(), "unstamped"), ("", "unstamped")):
            with self.subTest(kind):
                self.setUp()
                self.sql(version + POURS)
                command = self.recognise()[1]
                self.assertIn(command, self.refused(kind, "upgrade")["hint"])
                if kind == "unknown_revision":
                    self.assertIn(command, self.refused(kind, "downgrade", "aaaa")["hint"])
                    self.assertIn(command, self.refused(kind, "stamp", "bbbb")["hint"])
                    self.assertIn(command, self.refused(kind, "check")["hint"])
                code, out, err = self.verb("current")
                self.assertEqual((code, out["trouble"]["command"]), (1, command), err)
                self.assertEqual(self.sql("SELECT count(*) FROM pg_class WHERE relname = 'kegs'"), [(0,)])

    def test_a_step_that_fails_upon_a_false_stamp_names_the_command(self):
        for version, step in ((rows("aaaa"), ["upgrade"]), (rows("cccc"), ["downgrade", "bbbb"])):
            with self.subTest(step):
                self.setUp()
                self.sql(version + POURS)
                command = self.recognise()[1]
                code, out, err = self.verb(*step)
                self.assertEqual(code, 5, err)
                self.assertIn(command, out["error"]["hint"])
        self.setUp()
        self.sql(rows("bbbb") + POURS + "CREATE TABLE kegs (id int)")
        code, out, err = self.verb("upgrade")
        self.assertEqual(code, 5, err)
        self.assertIn("--accept 'table kegs=WHY'", out["error"]["hint"])

    def test_recognising_changes_nothing(self):
        self.sql(rows("57c6ac405ef5") + POURS)
        self.recognise()
        self.assertEqual(self.sql("SELECT version_num FROM alembic_version"), [("57c6ac405ef5",)])
        self.assertEqual(self.sql("SELECT count(*) FROM pg_namespace WHERE nspname = 'tapline'"), [(0,)])
        self.assertEqual(self.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'tapline_scratch%'"), [(0,)])

    def test_a_mend_that_is_killed_is_whole_or_not_there(self):
        accepted = ["--accept", "table pours column id=since the pilot"]
        for phase, done in (("stamp.written", False), ("stamp.committed", True)):
            with self.subTest(phase):
                self.setUp()
                self.sql(rows("57c6ac405ef5") + POURS + "ALTER TABLE pours ALTER id SET DEFAULT 7")
                run_command("tapline-central", ["stamp", "--purge", "bbbb", *accepted, "--dir", self.files],
                            env={"DATABASE_URL": self.url, "TAPLINE_TEST_STOP_AT": phase}, timeout_s=60)
                self.assertEqual(self.sql("SELECT version_num FROM alembic_version"),
                                 [("bbbb",)] if done else [("57c6ac405ef5",)])
                there = self.sql("SELECT to_regclass('tapline.accepted_difference') IS NOT NULL")[0][0]
                self.assertEqual(there, done, "the accepted differences go with the stamp")
                self.good("stamp", "--purge", "bbbb", *([] if done else accepted))
                self.assertEqual(self.sql("SELECT object FROM tapline.accepted_difference"), [("table pours column id",)])

    def test_of_two_mends_at_once_one_waits_for_the_other(self):
        self.sql(rows("57c6ac405ef5") + POURS)
        program = os.path.join(os.environ["TAPLINE_BIN"], "tapline-central")
        running = [subprocess.Popen([program, "stamp", "--purge", "bbbb", "--dir", self.files],
                                    env={**os.environ, "DATABASE_URL": self.url},
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
        for each in running:
            out, err = each.communicate(timeout=120)
            self.assertEqual(each.returncode, 0, f"{out}{err}")
        log = self.sql("SELECT heads_before FROM tapline.revision_log WHERE revision_id = 'bbbb' ORDER BY log_id")
        self.assertEqual(log, [(["57c6ac405ef5"],)] + [(["bbbb"],)] * 3)

    # --- files, and what is said of them ---------------------------------------------------------

    def folder(self, name, files=()):
        """A directory of revision files beside the class's own."""
        path = os.path.join(self.directory, f"{self.number} {name}")
        os.makedirs(path)
        for each, revises, up, down in files:
            with open(os.path.join(path, f"{each}_x.sql"), "w", encoding="utf-8") as file:
                file.write(FILE.format(name=each, revises=revises, up=up, down=down))
        return path

    def test_a_directory_without_any_revision_is_mistyped(self):
        empty = self.folder("empty")
        self.sql(POURS)
        for verb in (["upgrade"], ["stamp", "base"], ["stamp", "--purge", "base"], ["recognise"], ["check"],
                     ["heads"], ["current"], ["history"], ["downgrade", "base"]):
            with self.subTest(verb):
                code, out, err = self.verb(*verb, "--dir", empty, files=False)
                self.assertEqual((code, out["error"]["kind"]), (2, "revision_directory"), err)
                self.assertIn(f"no revision files in {empty}", out["error"]["message"])
        self.assertEqual(self.sql("SELECT to_regclass('alembic_version')"), [(None,)])
        self.good("revision", "-m", "first", "--dir", empty, files=False)
        os.mkdir(os.path.join(empty, "app"))
        self.good("heads", "--lineage", "app", "--dir", empty, files=False)

    def test_a_stamp_of_base_is_refused_while_tables_of_the_lineage_are_there(self):
        self.sql(rows("bbbb") + POURS + "CREATE TABLE of_somebody_else (id int)")
        for stamp in (["stamp", "base"], ["stamp", "--purge", "base"], ["stamp", "--purge", "base", "--lineage", "app"]):
            error = self.refused("not_equal", *stamp)
            self.assertEqual([(each["object"], each["kind"]) for each in error["findings"]], [("table pours", "added")])
        self.assertEqual(self.sql("SELECT version_num FROM alembic_version"), [("bbbb",)])
        self.good("stamp", "base", "--accept", "table pours=goes tonight")
        self.assertEqual(self.sql("SELECT version_num FROM alembic_version"), [])
        self.sql("DROP TABLE pours")
        self.good("stamp", "base")

    def test_a_narrowed_verb_loads_only_what_it_needs(self):
        parted = self.folder("parted")
        shutil.copytree(self.files, os.path.join(parted, "app"))
        self.sql(rows("57c6ac405ef5") + POURS)
        narrow = ["--lineage", "app", "--dir", parted]
        code, out, err = self.verb("recognise", *narrow, files=False)
        self.assertEqual((code, out.get("lineages", [{}])[0].get("equal")), (1, [["bbbb"]]), f"{out}{err}")
        self.assertIn("stamp --purge bbbb", self.refused("unknown_revision", "check", *narrow, files=False)["hint"])
        self.assertIn("stamp --purge bbbb", self.refused("unknown_revision", "stamp", "aaaa", *narrow, files=False)["hint"])
        self.run_it(out["command"])
        self.assertEqual(self.good("check", *narrow, files=False)["findings"], [])
        self.sql("ALTER TABLE pours ADD x int")
        self.assertEqual(self.verb("recognise", *narrow, files=False)[0], 1)

    def test_a_version_table_made_by_hand_is_no_drift(self):
        self.sql("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);"
                 "INSERT INTO alembic_version VALUES ('bbbb');" + POURS)
        self.recognise(0)
        self.good("stamp", "bbbb")
        self.assertEqual(self.good("check")["findings"], [])
        self.sql("CREATE TABLE alembic_version_old (version_num text)")
        self.assertEqual([each["object"] for each in self.verb("check")[1]["findings"]], ["table alembic_version_old"])
        self.good("stamp", "bbbb", "--accept", "table alembic_version_old=a copy from the pilot")
        self.assertEqual(self.good("check")["findings"], [])

    def test_hints_keep_the_directory(self):
        files = self.folder("of it's own", REVISIONS[:1])
        self.url = self.cluster.url(self.database)
        option = f"--dir {shlex.quote(files)}"
        self.good("upgrade", "--dir", files, files=False)
        with open(os.path.join(files, "dddd_x.sql"), "w", encoding="utf-8") as file:
            file.write("-- dddd\n-- Revision ID: dddd\n-- Revises: aaaa\n\n-- tapline: upgrade transaction=off\n"
                       "CREATE INDEX CONCURRENTLY pours_x ON pours (id);\n"
                       "CREATE UNIQUE INDEX CONCURRENTLY pours_y ON pours ((id % 1));\n-- tapline: downgrade\n")
        self.sql("INSERT INTO pours VALUES (1), (2)")
        self.assertNotEqual(self.verb("upgrade", "--dir", files, files=False)[0], 0)
        hint = self.refused("half_done", "stamp", "aaaa", "--dir", files, files=False)["hint"]
        command = re.search("`([^`]*)`", hint).group(1)
        self.assertEqual(shlex.split(command)[-2:], ["--dir", files], hint)
        self.sql("DELETE FROM pours")
        self.good(*shlex.split(command)[1:], files=False)
        with open(os.path.join(files, "aaaa_x.sql"), "w", encoding="utf-8") as file:
            file.write(FILE.format(name="aaaa", revises="", up="CREATE TABLE pours (id bigint);", down="DROP TABLE pours;"))
        hint = self.refused("digest_changed", "upgrade", "--dir", files, files=False)["hint"]
        self.assertIn("stamp --lineage app dddd --dir ", hint)
        self.assertIn(files.split("'")[0], hint)
        self.assertTrue(option)

    def test_an_id_of_the_bars_own_files_asks_for_those_first(self):
        self.sql(rows("9f00aa11bb22") + POURS)
        hint = self.refused("unknown_revision", "upgrade")["hint"]
        self.assertRegex(hint, "^name the right files with --dir DIR; only if .*`tapline-central stamp --purge bbbb")
        hint = self.refused("unknown_revision", "upgrade", files=False)["hint"]
        self.assertTrue(hint.startswith("name your files with --dir DIR"), hint)
        code, out, err = self.verb("recognise")
        self.assertEqual((code, out["files_first"]), (1, True), err)
        self.assertTrue(self.verb("current")[1]["trouble"]["files_first"])
        self.sql("UPDATE alembic_version SET version_num = 'a04b8900ce88'")
        self.assertFalse(self.verb("recognise")[1]["files_first"])
        self.assertNotIn("name the right files", self.refused("unknown_revision", "upgrade")["hint"])

    def test_public_that_may_create_needs_no_acceptance(self):
        self.sql(rows("bbbb") + POURS + "GRANT CREATE ON SCHEMA public TO PUBLIC")
        code, out, err = self.verb("recognise")
        self.assertEqual((code, out["command"], out["lineages"][0]["public_creates"]), (0, None, True), err)
        code, out, err = self.verb("stamp", "bbbb")
        self.assertEqual(code, 0, f"{out}{err}")
        self.assertIn("grants --app-role", err)
        self.assertEqual([each["object"] for each in self.verb("check")[1]["findings"]], ["schema public"])

    def test_a_lineage_that_is_not_applied_is_said_to_be(self):
        self.sql(rows("bbbb") + POURS)
        error = self.refused("no_revision", "check", "--lineage", "tapline", files=False)
        self.assertIn("tapline isn't applied", error["message"])

    def test_diff_names_its_own_option(self):
        code, out, err = self.verb("diff", "--from", self.url, "--to", "nonsense", files=False)
        self.assertEqual(code, 2, f"{out}{err}")
        self.assertIn("--to", out["error"]["message"])
        self.assertNotIn("--database-url", err)

    # --- accepted differences --------------------------------------------------------------------

    def test_the_word_of_a_printed_command_is_no_reason(self):
        self.sql(POURS + "CREATE TABLE notes (id int)")
        for reason in ("WHY", " WHY "):
            code, out, err = self.verb("stamp", "bbbb", "--accept", f"table notes={reason}")
            self.assertEqual((code, out["error"]["kind"]), (2, "accept"), err)
            self.assertIn("write why", out["error"]["hint"])

    def test_accepting_again_amends_the_reason(self):
        self.sql(POURS + "CREATE TABLE notes (id int)")
        self.good("stamp", "bbbb", "--accept", "table notes=a report")
        self.good("stamp", "bbbb", "--accept", "table notes=the monthly report")
        self.assertEqual(self.sql("SELECT reason FROM tapline.accepted_difference"), [("the monthly report",)])
        self.assertEqual(self.verb("stamp", "bbbb", "--accept", "table nothing=x")[0], 2)

    def test_accepted_differences_are_listed_counted_and_withdrawn(self):
        self.sql(POURS + "CREATE TABLE notes (id int)")
        self.assertEqual(self.good("accepted", files=False)["accepted"], [])
        self.good("stamp", "bbbb", "--accept", "table notes=a report")
        listed, = self.good("accepted", "list", files=False)["accepted"]
        self.assertEqual((listed["object"], listed["reason"]), ("table notes", "a report"))
        code, out, err = self.verb("check")
        self.assertEqual((code, out["findings"], out["accepted"]), (0, [], 1), err)
        self.assertIn("1 accepted difference let stand", err)
        self.sql("DO $$ BEGIN CREATE ROLE boris LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
        for stranger in (["accepted"], ["accepted", "withdraw", "table notes", "--reason", "x"]):
            self.refused("not_a_maintainer", *stranger, role="boris", files=False)
        withdraw = ["accepted", "withdraw", "table notes", "--reason"]
        self.assertEqual(self.verb(*withdraw, " ", files=False)[0], 2)
        self.assertEqual(self.good(*withdraw, "the report is gone", files=False)["differences"], 1)
        self.assertEqual(self.verb(*withdraw, "x", files=False)[0], 2)
        self.assertEqual(self.good("accepted", files=False)["accepted"], [])
        code, out, err = self.verb("check")
        self.assertEqual((code, out["accepted"]), (1, 0), err)
        self.assertIn("the report is gone", self.sql("SELECT reason FROM tapline.accepted_difference")[0][0])
        self.good("stamp", "bbbb", "--accept", "table notes=back again")
        self.assertEqual(self.verb("check")[0], 0)

    def test_an_accepted_table_is_reported_again_when_its_columns_change(self):
        self.sql(POURS + "CREATE TABLE notes (id int)")
        self.good("stamp", "bbbb", "--accept", "table notes=an old report reads it")
        self.assertEqual(self.good("check")["findings"], [])
        self.sql("ALTER TABLE notes ADD secret text")
        code, out, err = self.verb("check")
        self.assertEqual((code, [each["object"] for each in out["findings"]]), (1, ["table notes"]), err)

    def test_comments_are_told_and_are_no_drift(self):
        self.good("upgrade")
        self.sql("COMMENT ON COLUMN pours.price IS 'per ml'")
        code, out, err = self.verb("check")
        self.assertEqual((code, [each["object"] for each in out["findings"]]), (0, ["table pours column price"]))
        self.assertIn("comments only", err)
        self.sql("ALTER TABLE pours ALTER price SET NOT NULL; COMMENT ON TABLE pours IS 'x'")
        self.assertEqual(self.verb("check")[0], 1)


class Roles(Onboarding):
    """With the real lineages, as roles that log in."""

    def setUp(self):
        super().setUp()
        for role in ("anna", "boris", "bar_app"):
            self.sql(f"DO $$ BEGIN CREATE ROLE {role} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$")

    def own(self, *arguments, **options):
        return self.good(*arguments, files=False, **options)

    def no(self, kind, *arguments, **options):
        return self.refused(kind, *arguments, files=False, **options)

    def listed(self):
        return [each["role"] for each in self.own("maintainers")["maintainers"]]

    def test_only_maintainers_stamp(self):
        self.own("upgrade")
        self.assertEqual(self.listed(), [])
        error = self.no("not_a_maintainer", "stamp", "0001_m1_baseline", role="anna")
        self.assertIn("maintainers add anna", error["hint"])
        self.own("stamp", "0001_m1_baseline")
        self.assertEqual(self.listed(), [self.cluster.USER], "the first stamp begins the list")
        self.no("not_a_maintainer", "maintainers", "add", "anna", role="anna")
        self.assertEqual(self.own("maintainers", role="boris")["readable"], False)
        self.assertEqual(self.own("maintainers", "add", "anna")["left_to_do"], [])
        self.own("stamp", "--purge", "heads", role="anna")
        self.no("not_a_maintainer", "stamp", "--purge", "0001_m1_baseline", role="boris")
        who = self.sql("SELECT database_role FROM tapline.revision_log ORDER BY log_id DESC LIMIT 1")
        self.assertEqual(who, [("anna",)])
        self.assertEqual(self.own("check")["findings"], [], "what maintainers have is no drift")
        self.assertEqual(self.verb("maintainers", "remove", "boris", "--reason", "x", files=False)[0], 2)
        self.own("maintainers", "remove", self.cluster.USER, "--reason", "made the cluster", role="anna")
        self.no("not_a_maintainer", "stamp", "0001_m1_baseline")
        self.no("last_maintainer", "maintainers", "remove", "anna", "--reason", "x", role="anna")
        kept = self.sql("SELECT role, removed_by, reason FROM tapline.maintainer ORDER BY maintainer_id")
        self.assertEqual(kept, [(self.cluster.USER, "anna", "made the cluster"), ("anna", None, None)])

    def test_the_database_itself_keeps_strangers_from_stamping(self):
        self.own("upgrade")
        self.own("maintainers", "add", "anna")
        self.own("maintainers", "remove", self.cluster.USER, "--reason", "only began the list", role="anna")
        for statement in ("UPDATE tapline.alembic_version SET version_num = 'x'",
                          "UPDATE alembic_version SET version_num = 'x'",
                          "INSERT INTO tapline.maintainer (role, added_person) VALUES ('boris', 'x')",
                          "SELECT tapline.add_maintainer('boris', 'x')"):
            with self.assertRaises(psycopg2.errors.InsufficientPrivilege, msg=statement):
                self.sql(statement, user="boris")
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("SELECT tapline.set_maintainer_rights('boris', true)", user="anna")
        # Even the owner of the table, as long as it leaves the trigger alone: it isn't on the list.
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("UPDATE tapline.maintainer SET reason = 'x', removed_by = 'x', removed_at = now()")
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("DELETE FROM tapline.maintainer")
        # A role that anna may become doesn't make boris anna.
        self.sql("GRANT anna TO boris")
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("SET ROLE anna; SELECT tapline.add_maintainer('boris', 'x')", user="boris")
        self.sql("REVOKE anna FROM boris")

    def test_a_list_that_nobody_can_log_in_from_is_begun_anew(self):
        self.own("upgrade")
        self.sql("CREATE ROLE gone LOGIN")
        self.own("maintainers", "add", "gone")
        self.own("maintainers", "remove", self.cluster.USER, "--reason", "only began the list", role="gone")
        self.no("not_a_maintainer", "stamp", "0001_m1_baseline")
        self.sql("ALTER ROLE gone NOLOGIN")
        self.own("stamp", "0001_m1_baseline")
        self.assertEqual(self.listed(), ["gone", self.cluster.USER])
        self.sql("DROP OWNED BY gone; DROP ROLE gone")

    def test_who_begins_the_list_with_somebody_else_is_on_it(self):
        self.own("stamp", "base")
        self.own("upgrade")
        added = self.own("maintainers", "add", "anna")
        self.assertEqual((added["added"], added["also_listed"]), ("anna", self.cluster.USER))
        self.assertEqual(self.listed(), [self.cluster.USER, "anna"])
        self.own("stamp", "heads")
        self.assertEqual(self.own("maintainers", "add", "boris", role="anna")["also_listed"], None)

    def test_the_whole_bar_is_not_stamped_base(self):
        self.own("upgrade", "--lineage", "app")
        other = ["--dir", self.files, "--lineage", "app"]
        for stamp in (["stamp", "--purge", "base"], ["stamp", "--purge", "base", *other]):
            error = self.no("not_equal", *stamp)
            self.assertIn("table pours", [each["object"] for each in error["findings"]])
        self.own("upgrade")
        self.assertIn("table tapline.receipt", [each["object"] for each in self.no(
            "not_equal", "stamp", "--purge", "base")["findings"]])

    def test_files_of_something_else_are_named_and_no_purge(self):
        self.own("upgrade", "--lineage", "app")
        wrong = self.folder("wrong", [("zzzz", "", "CREATE TABLE z (id int PRIMARY KEY);", "DROP TABLE z;")])
        code, out, err = self.verb("recognise", "--dir", wrong, files=False)
        self.assertEqual((code, out["command"]), (1, None), err)
        self.assertIn("are these the right files", out["lineages"][0]["message"])
        hint = self.no("unknown_revision", "upgrade", "--dir", wrong)["hint"]
        self.assertIn("are these the right files", hint)
        self.assertNotIn("purge", hint)
        self.assertEqual(self.verb("current", "--dir", wrong, files=False)[0], 1)

    def test_a_role_that_may_not_is_told_who_may(self):
        self.own("upgrade")
        for verb in (["upgrade"], ["check"]):
            error = self.no("insufficient_privilege", *verb, role="bar_app")
            self.assertIn(f"connect as {self.cluster.USER}", error["hint"])
            self.assertNotIn("grant it", error["hint"])

    def test_grants_proposes_an_owner_role_that_is_free(self):
        self.own("upgrade")
        self.sql("CREATE ROLE bar_owner LOGIN; CREATE TABLE extra (id int); ALTER TABLE extra OWNER TO bar_owner")
        hint = self.no("owner", "grants", "--app-role", "bar_owner")["hint"]
        self.assertIn("CREATE ROLE bar_owner2 NOLOGIN", hint)
        self.assertIn("REASSIGN OWNED BY bar_owner TO bar_owner2", hint)
        self.sql("DROP OWNED BY bar_owner; DROP ROLE bar_owner")

    def test_before_there_is_a_list_the_owner_stamps(self):
        self.sql(f"ALTER DATABASE {self.database} OWNER TO anna; GRANT CREATE ON SCHEMA public TO boris")
        error = self.no("not_a_maintainer", "stamp", "base", role="boris")
        self.assertIn("anna", error["hint"])
        self.own("stamp", "base", role="anna")
        self.sql(f"ALTER DATABASE {self.database} OWNER TO {self.cluster.USER}")

    def test_grants_takes_create_from_the_application_and_leaves_it_the_rows(self):
        self.own("upgrade")
        # As in the field: the application makes its tables itself.
        self.sql("GRANT CREATE ON SCHEMA public TO PUBLIC; GRANT ALL ON ALL TABLES IN SCHEMA public TO bar_app;"
                 f"GRANT CREATE ON DATABASE {self.database} TO bar_app; ALTER ROLE bar_app CREATEROLE")
        self.sql("CREATE TABLE by_create_all (id int)", user="bar_app")
        code, out, err = self.verb("check", files=False)
        self.assertEqual(code, 1)
        self.assertIn("table by_create_all", [each["object"] for each in out["findings"]])
        self.assertIn("no revision made by_create_all: was it the application's create_all?", err)
        self.assertIn("REASSIGN OWNED BY bar_app", self.no("owner", "grants", "--app-role", "bar_app")["hint"])
        self.sql("DROP TABLE by_create_all", user="bar_app")
        shown = self.own("grants", "--app-role", "bar_app", "--dry-run")
        self.assertFalse(shown["done"])
        self.sql("CREATE TABLE still (id int); DROP TABLE still", user="bar_app")
        self.assertEqual(self.own("grants", "--app-role", "bar_app")["statements"], shown["statements"])
        self.own("grants", "--app-role", "bar_app")
        for statement in ("CREATE TABLE by_create_all (id int)", "CREATE SCHEMA theirs", "CREATE ROLE friend",
                          "ALTER TABLE pours ADD x int", "TRUNCATE taps", "DROP TABLE taps",
                          "UPDATE alembic_version SET version_num = 'x'", "SELECT * FROM tapline.receipt"):
            with self.assertRaises(psycopg2.errors.InsufficientPrivilege, msg=statement):
                self.sql(statement, user="bar_app")
        self.sql("INSERT INTO taps (display_name, status) VALUES ('1', 'active'); UPDATE taps SET status = 'locked';"
                 "DELETE FROM taps; SELECT * FROM alembic_version", user="bar_app")
        # What a revision makes later is theirs to use, too.
        self.sql("CREATE TABLE later (id serial)")
        self.sql("INSERT INTO later DEFAULT VALUES; DELETE FROM later", user="bar_app")
        self.sql("DROP TABLE later")
        self.assertEqual(self.own("check")["findings"], [], "what grants gave is no drift")
        self.sql("GRANT TRUNCATE ON pours TO bar_app")
        self.assertEqual(self.verb("check", files=False)[0], 1, "what it didn't give is")
        self.own("grants", "--app-role", "bar_app")
        self.own("grants", "--app-role", "bar_app", "--revoke")
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("SELECT * FROM taps", user="bar_app")
        self.assertEqual(self.own("check")["findings"], [])
        self.sql("ALTER ROLE bar_app NOCREATEROLE")

    def test_a_database_of_the_field_is_the_baseline_with_its_differences(self):
        self.own("upgrade", "0001_m1_baseline")
        self.sql("ALTER TABLE pours DROP price_per_ml_at_pour;"
                 "ALTER TABLE pours RENAME CONSTRAINT pours_keg_id_fkey TO fk_keg;"
                 "ALTER TABLE guests ALTER balance SET DEFAULT 0;"
                 "UPDATE alembic_version SET version_num = '57c6ac405ef5'; DROP SCHEMA tapline CASCADE")
        code, out, err = self.verb("recognise", files=False)
        app = out["lineages"][0]
        self.assertEqual((code, app["state"], app["equal"], app["nearest"]),
                         (1, "unknown", [], ["0001_m1_baseline"]), err)
        objects = ["table guests column balance", "table pours column price_per_ml_at_pour",
                   "table pours constraint fk_keg", "table pours constraint pours_keg_id_fkey"]
        self.assertEqual([each["object"] for each in app["findings"]], objects)
        self.assertEqual(out["lineages"][1]["state"], "fresh")
        # The SQL that is offered does it; what isn't only an addition waits for a person's decision.
        offered = {}
        for each in app["reconcile"]:
            offered.setdefault(each["object"], []).append(each)
        self.assertEqual(set(objects), set(offered), app["reconcile"])
        refused = self.verb("stamp", "--purge", "0001_m1_baseline", files=False)[1]["error"]
        self.assertEqual(refused["reconcile"], app["reconcile"])
        for name in ("table pours column price_per_ml_at_pour", "table pours constraint fk_keg"):
            for each in offered[name]:
                self.sql(each["sql"])
        default, = offered["table guests column balance"]
        self.assertTrue(default["decide"])
        self.assertIn("DROP DEFAULT", default["sql"])
        command = self.verb("recognise", files=False)[1]["command"]
        self.assertEqual(command, "tapline-central stamp --purge 0001_m1_baseline "
                                  "--accept 'table guests column balance=WHY'")
        self.run_it(command)
        self.own("upgrade")
        self.assertEqual(self.own("check")["findings"], [])
        self.sql("ALTER TABLE kegs DROP status, ADD extra int")
        for each in self.verb("check", "--sql", files=False)[1]["reconcile"]:
            self.sql(each["sql"] or "SELECT 1")
        self.assertEqual(self.own("check")["findings"], [])
        self.assertEqual(self.listed(), [], "the list came after the stamp, and was begun by nobody yet")

    def test_create_all_of_an_orm_is_stopped_by_grants_and_only_where_it_would_create(self):
        script = ("import os, sqlalchemy as sa\n"
                  "m = sa.MetaData()\n"
                  "sa.Table('taps', m, sa.Column('tap_id', sa.Integer, primary_key=True))\n"
                  "if os.environ['MORE']: sa.Table('loyalty', m, sa.Column('id', sa.Integer, primary_key=True))\n"
                  "m.create_all(sa.create_engine(os.environ['URL']))\n")

        def create_all(more):
            url = self.as_role("bar_app").replace("postgresql://", "postgresql+psycopg2://")
            return subprocess.run(["/usr/bin/python3", "-c", script], env={**os.environ, "MORE": more, "URL": url},
                                  stderr=subprocess.PIPE, timeout=60, check=False, encoding="utf-8")

        self.own("upgrade")
        self.own("grants", "--app-role", "bar_app")
        self.assertEqual(create_all("").returncode, 0)
        self.assertIn("permission denied for schema public", create_all("more").stderr)
        self.assertEqual(self.own("check")["findings"], [])

    def test_a_guard_that_is_switched_off_is_drift(self):
        self.own("upgrade")
        self.sql("ALTER TABLE tapline.maintainer DISABLE TRIGGER maintainer_guard")
        code, out, err = self.verb("check", files=False)
        self.assertEqual((code, [each["object"] for each in out["findings"]]),
                         (1, ["trigger maintainer_guard on tapline.maintainer"]), err)

    def test_the_list_goes_and_comes_with_its_revision(self):
        self.own("upgrade")
        self.own("maintainers", "add", "anna")
        self.own("downgrade", "t0001_settling")
        self.assertEqual(self.own("maintainers")["list_kept"], False)
        self.own("upgrade")
        self.assertEqual(self.listed(), [])

    def test_grants_says_what_to_do_where_nothing_can_be_taken(self):
        self.no("no_list", "grants", "--app-role", "bar_app")
        self.own("upgrade")
        self.assertIn("CREATE ROLE bar_app", self.no("superuser", "grants", "--app-role", self.cluster.USER)["hint"])
        self.assertEqual(self.verb("grants", "--app-role", "nobody", files=False)[0], 2)
        self.own("maintainers", "add", "bar_app")
        self.own("maintainers", "add", "anna", role="bar_app")
        self.assertIn("maintainers remove bar_app", self.no("is_maintainer", "grants", "--app-role", "bar_app")["hint"])
        self.own("maintainers", "remove", "bar_app", "--reason", "the application", role="anna")
        self.sql("CREATE ROLE makers; GRANT CREATE ON SCHEMA public TO makers; GRANT makers TO bar_app")
        error = self.no("still_creates", "grants", "--app-role", "bar_app")
        self.assertIn("makers", error["hint"])
        with self.assertRaises(psycopg2.errors.InsufficientPrivilege):
            self.sql("SELECT * FROM taps", user="bar_app")
        self.sql("REVOKE makers FROM bar_app; DROP OWNED BY makers; DROP ROLE makers")
        self.own("grants", "--app-role", "bar_app")


# Inherited tests run once.
for inherited in [name for name in vars(Onboarding) if name.startswith("test_")]:
    setattr(Roles, inherited, None)

if __name__ == "__main__":
    unittest.main(verbosity=2)
