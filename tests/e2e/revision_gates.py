"""What stands between a revision and a database: lint before it runs, proof that it can go back."""

import json
import os
import shutil
import subprocess
import unittest

from lab import Cluster, run_command, work_directory
from lab.cluster import server_programs

FILE = """\
-- {name}
-- Revision ID: {name}
-- Revises: {revises}

-- tapline: upgrade
{up}
-- tapline: downgrade
{down}
"""


def run_command_at(path, arguments, stdin):
    return subprocess.run([path, *arguments], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60, check=False, encoding="utf-8")


class RevisionGates(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.cluster = Cluster()
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.url = self.cluster.create_database("bar")
        self.files = os.path.join(self.directory, "migrations")
        os.mkdir(self.files)
        self.revision("aaaa", "", "CREATE TABLE a (id int PRIMARY KEY, x int);", "DROP TABLE a;")

    def revision(self, name, revises, up, down):
        with open(os.path.join(self.files, f"{name}_x.sql"), "w", encoding="utf-8") as file:
            file.write(FILE.format(name=name, revises=revises, up=up, down=down))

    def verb(self, *arguments):
        done = run_command("tapline-central", [*arguments, "--dir", self.files, "--json"],
                           env={"DATABASE_URL": self.url}, timeout_s=120)
        return done.returncode, json.loads(done.stdout), done.stderr

    def refusal(self, *arguments):
        """PostgreSQL frees a session's lock a moment after its program has ended: the next one may have to wait."""
        code, out, err = self.verb(*arguments)
        return code, out, [line for line in err.splitlines() if not line.startswith("waiting for another upgrade")]

    def test_an_upgrade_refuses_what_lint_blocks_until_its_author_says_why(self):
        self.assertEqual(self.verb("upgrade")[0], 0)
        self.revision("bbbb", "aaaa", "ALTER TABLE a DROP COLUMN x;", "ALTER TABLE a ADD x int;")
        code, out, err = self.verb("upgrade")
        self.assertEqual((code, out["error"]["kind"]), (3, "lint"), err)
        self.assertIn("bbbb_x.sql line 6: refused, data_loss", err)
        self.assertEqual(self.verb("current")[1]["current"], ["aaaa"])
        allowed = "-- tapline: allow data_loss: nobody filled it\n-- tapline: allow breaks_clients: nobody reads it\n"
        self.revision("bbbb", "aaaa", allowed + "ALTER TABLE a DROP COLUMN x;", "ALTER TABLE a ADD x int;")
        code, out, err = self.verb("upgrade")
        self.assertEqual((code, out.get("current_after")), (0, ["bbbb"]), err)

    def test_a_dry_run_tells_the_locks_and_changes_nothing(self):
        self.assertEqual(self.verb("upgrade")[0], 0)
        self.revision("bbbb", "aaaa", "CREATE TABLE b (id int PRIMARY KEY);\nALTER TABLE a ADD y int;",
                      "ALTER TABLE a DROP y; DROP TABLE b;")
        self.revision("cccc", "bbbb", "UPDATE b SET id = 1 WHERE id = 2;", "")
        before = self.verb("history", "-v")[1], self.verb("current")[1], self.log_lines()
        user = self.cluster.connect("bar")
        self.addCleanup(user.close)
        user.cursor().execute("BEGIN; LOCK TABLE a IN ACCESS SHARE MODE")
        code, out, err = self.verb("upgrade", "--dry-run")
        user.cursor().execute("ROLLBACK")
        self.assertEqual(code, 0, err)
        self.assertEqual([each["id"] for each in out["steps"]], ["bbbb", "cccc"])
        made, altered = out["steps"][0]["statements"]
        self.assertEqual((made["locks"], made["commits"]), ([], "with the revision"))
        lock = altered["locks"][0]
        self.assertEqual((lock["table"], lock["lock"], lock["used_by"]), ("a", "ACCESS EXCLUSIVE", 1))
        self.assertEqual((altered["line"], lock["rows"]), (7, -1))
        self.assertNotIn("bytes", out["steps"][1]["statements"][0]["locks"][0])  # b isn't there yet
        self.assertEqual(before, (self.verb("history", "-v")[1], self.verb("current")[1], self.log_lines()))
        # What a real run would refuse, a dry run refuses in the same words.
        self.revision("dddd", "cccc", "DROP TABLE a;", "")
        self.assertEqual(self.refusal("upgrade", "--dry-run"), self.refusal("upgrade"))
        self.assertEqual(self.verb("upgrade", "--dry-run")[0], 3)
        back = self.verb("downgrade", "base", "--dry-run")[1]["steps"]
        self.assertEqual([each["lock"] for each in back[0]["statements"][0]["locks"]], ["ACCESS EXCLUSIVE"])

    def script(self, *arguments):
        done = run_command("tapline-central", [*arguments, "--dir", self.files, "--sql"])
        return done.returncode, done.stdout

    def psql(self, script):
        done = run_command_at(os.path.join(server_programs(), "psql"), ["-X", "-q", "-f", "-", self.url], script)
        return done.returncode, done.stderr

    def test_a_script_keeps_the_gates_of_the_runner(self):
        self.revision("bbbb", "aaaa", "ALTER TABLE a DROP COLUMN x;", "ALTER TABLE a ADD x int;")
        self.assertEqual(self.verb("upgrade", "aaaa")[0], 0)
        self.assertEqual(self.script("upgrade", "aaaa:bbbb")[0], 3, "lint")
        code, down = self.script("downgrade", "aaaa:base")
        self.assertEqual(code, 0)
        self.cluster.rows("INSERT INTO a VALUES (1, 1) RETURNING 1")
        code, err = self.psql(down)
        self.assertEqual(code, 3)
        self.assertIn("the table a holds rows", err)
        self.assertEqual(self.verb("current")[1]["current"], ["aaaa"])
        self.assertEqual(self.psql(self.script("downgrade", "aaaa:base", "--discard-rows")[1])[0], 0)
        self.assertEqual(self.verb("current")[1]["current"], [])

    def test_rows_of_the_last_table_stop_a_downgrade_before_its_first_step(self):
        self.revision("bbbb", "aaaa", "CREATE TABLE b (id int);", "DROP TABLE b;")
        self.assertEqual(self.verb("upgrade")[0], 0)
        self.cluster.rows("INSERT INTO a VALUES (1, 1) RETURNING 1")
        for more in ((), ("--dry-run",)):
            code, out, _ = self.verb("downgrade", "base", *more)
            self.assertEqual((code, out["error"]["kind"]), (3, "rows_would_go"))
            self.assertIn("a (aaaa)", out["error"]["message"])
            self.assertEqual(self.verb("current")[1]["current"], ["bbbb"])
        self.assertEqual(self.verb("downgrade", "base", "--discard-rows")[0], 0)

    def revision_off(self, up):
        with open(os.path.join(self.files, "bbbb_x.sql"), "w", encoding="utf-8") as file:
            file.write("-- b\n-- Revision ID: bbbb\n-- Revises: aaaa\n\n-- tapline: upgrade transaction=off\n"
                       f"{up}\n-- tapline: downgrade\nDROP INDEX IF EXISTS a_x;\n")

    def test_a_first_piece_that_fails_leaves_nothing_half_done(self):
        self.assertEqual(self.verb("upgrade")[0], 0)
        self.cluster.rows("INSERT INTO a VALUES (1, 1), (2, 1) RETURNING 1")
        self.revision_off("CREATE UNIQUE INDEX CONCURRENTLY a_x ON a (x);")
        self.assertEqual(self.verb("upgrade")[0], 5)
        self.revision_off("CREATE INDEX CONCURRENTLY a_x ON a (x);")
        code, _, err = self.verb("upgrade")
        self.assertEqual(code, 0, err)

    def test_a_half_done_revision_stops_a_script_and_a_stamp_of_what_the_schema_is_ends_it(self):
        self.assertEqual(self.verb("upgrade")[0], 0)
        self.cluster.rows("INSERT INTO a VALUES (1, 1), (2, 1) RETURNING 1")
        self.revision_off("CREATE INDEX CONCURRENTLY a_y ON a (x);\nCREATE UNIQUE INDEX CONCURRENTLY a_x ON a (x);")
        self.assertEqual(self.verb("upgrade")[0], 5)
        code, out, _ = self.verb("current")
        self.assertEqual((code, [(each["id"], each["pieces_done"]) for each in out["half_done"]]), (1, [("bbbb", 1)]))
        code, err = self.psql(self.script("downgrade", "aaaa:base", "--discard-rows")[1])
        self.assertEqual(code, 3)
        self.assertIn("half way through bbbb", err)
        self.assertEqual(self.verb("downgrade", "base")[1]["error"]["kind"], "half_done")
        self.cluster.rows("DROP INDEX a_y; SELECT 1")
        code, _, err = self.verb("stamp", "--purge", "aaaa")
        self.assertEqual(code, 0, err)
        self.assertEqual(self.verb("downgrade", "base", "--discard-rows")[0], 0)

    def log_lines(self):
        return self.cluster.one("SELECT count(*) FROM tapline.revision_log")

    def test_an_empty_database_is_let_through_and_a_downgrade_is_not_linted(self):
        self.revision("bbbb", "aaaa", "ALTER TABLE a DROP COLUMN x;", "ALTER TABLE a ADD x int NOT NULL;")
        self.assertEqual(self.verb("upgrade")[0], 0)
        self.assertEqual(self.verb("downgrade", "aaaa")[0], 0)

    def test_verify_migrations_proves_the_way_back(self):
        self.revision("bbbb", "aaaa", "CREATE INDEX a_x ON a (x); CREATE TABLE b (id int);",
                      "DROP TABLE b; DROP INDEX a_x;")
        code, out, err = self.verb("verify-migrations")
        self.assertEqual(code, 0, err)
        self.assertEqual([each["id"] for each in out["revisions"]], ["aaaa", "bbbb"])

    def test_verify_migrations_finds_what_a_downgrade_leaves(self):
        self.revision("bbbb", "aaaa", "ALTER TABLE a ADD y int; CREATE TABLE b (id int);", "ALTER TABLE a DROP y;")
        self.revision("cccc", "bbbb", "CREATE TABLE c (id int);", "DROP TABLE c;")
        code, out, err = self.verb("verify-migrations")
        self.assertEqual(code, 1, err)
        left = out["revisions"][-1]
        self.assertEqual(left["id"], "bbbb")
        self.assertEqual([(f["object"], f["kind"]) for f in left["after_downgrade"]], [("table b", "added")])
        self.assertEqual(self.databases(), {"bar", "postgres", "template0", "template1"})

    def sql(self, statement):
        connection = self.cluster.connect("bar")
        self.addCleanup(connection.close)
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else []

    def test_stamp_looks_at_the_schema_first(self):
        code, out, err = self.verb("stamp", "aaaa")
        self.assertEqual((code, out["error"]["kind"]), (3, "not_equal"), err)
        self.assertEqual([(f["object"], f["kind"]) for f in out["error"]["findings"]], [("table a", "removed")])
        self.assertEqual(self.verb("current")[1]["current"], [])
        self.sql("CREATE TABLE a (x int, id int PRIMARY KEY)")
        code, out, err = self.verb("stamp", "aaaa")
        self.assertEqual((code, out.get("current_after")), (0, ["aaaa"]), err)

    def test_stamp_takes_accepted_differences_and_check_lets_them_stand(self):
        self.sql("CREATE TABLE a (id int PRIMARY KEY, x bigint); COMMENT ON TABLE a IS 'by hand';"
                 "CREATE TABLE extra (id int)")
        code, out, err = self.verb("stamp", "aaaa")
        self.assertEqual(code, 3, err)
        self.assertEqual([f["object"] for f in out["error"]["findings"]], ["table a column x", "table extra"])
        self.assertIn("comments differ", err)
        wrong = self.verb("stamp", "aaaa", "--accept", "table nothing=because")
        self.assertEqual((wrong[0], wrong[1]["error"]["kind"]), (2, "accept"))
        self.assertEqual(self.verb("stamp", "aaaa", "--accept", "table extra=")[0], 2)
        code, out, err = self.verb("stamp", "aaaa", "--accept", "table extra=an old report reads it",
                                   "--accept", "table a column x=wider since the pilot")
        self.assertEqual((code, out.get("current_after")), (0, ["aaaa"]), err)
        kept = self.sql("SELECT object, reason FROM tapline.accepted_difference ORDER BY object")
        self.assertEqual(kept, [("table a column x", "wider since the pilot"), ("table extra", "an old report reads it")])
        code, out, err = self.verb("check", "--lineage", "app")
        self.assertEqual([f["object"] for f in out["findings"]], ["table a"], err)
        self.sql("ALTER TABLE a ALTER x TYPE numeric")
        found = [f["object"] for f in self.verb("check", "--lineage", "app")[1]["findings"]]
        self.assertIn("table a column x", found, "a difference that goes on changing is a new one")

    def databases(self):
        connection = self.cluster.connect("bar")
        self.addCleanup(connection.close)
        cursor = connection.cursor()
        cursor.execute("SELECT datname FROM pg_database")
        return {row[0] for row in cursor.fetchall()}


if __name__ == "__main__":
    unittest.main(verbosity=2)
