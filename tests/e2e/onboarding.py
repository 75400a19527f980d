"""Version tables as the field has them: recognised, said in words, and mended by one command."""

import os
import re
import shlex
import shutil
import subprocess
import unittest

from lab import run_command
from lab.pilot import FILE, POURS, REVISIONS, PilotCase, rows


class Onboarding(PilotCase):
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
