"""The bar's own Alembic keeps working on the database, before and after tapline has been there."""

import glob
import json
import os
import shutil
import subprocess
import unittest

from lab import Cluster, must, run_command, work_directory
from lab.programs import ROOT, clean_environment

ENV_PY = """\
import os, sqlalchemy
from alembic import context
with sqlalchemy.create_engine(os.environ["DATABASE_URL"]).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction(): context.run_migrations()
"""
INI = "[alembic]\nscript_location = {directory}/alembic\n"
STUB = '''"""stub"""
revision = "{revision}"
down_revision = {down!r}
def upgrade(): {body}
def downgrade(): pass
'''


class AlembicBesideUs(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.cluster = Cluster()
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.url = self.cluster.create_database("bar")
        os.makedirs(f"{self.directory}/alembic/versions")
        self.write("alembic.ini", INI.format(directory=self.directory))
        self.write("alembic/env.py", ENV_PY)
        self.stub("0001_m1_baseline", None)

    def write(self, name, text):
        with open(f"{self.directory}/{name}", "w", encoding="utf-8") as out:
            out.write(text)

    def stub(self, revision, down, body="pass"):
        self.write(f"alembic/versions/{revision}.py", STUB.format(revision=revision, down=down, body=body))

    def run_alembic(self, *arguments):
        return subprocess.run(
            ["/usr/bin/alembic", "-c", f"{self.directory}/alembic.ini", *arguments],
            env=clean_environment({"DATABASE_URL": self.url}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
            encoding="utf-8",
        )

    def alembic(self, *arguments):
        done = self.run_alembic(*arguments)
        self.assertEqual(done.returncode, 0, f"alembic {' '.join(arguments)}: {done.stdout}")
        return done.stdout

    def alembic_fails(self, *arguments):
        done = self.run_alembic(*arguments)
        self.assertNotEqual(done.returncode, 0)
        return done.stdout

    def ours(self, *arguments):
        return must("tapline-central", list(arguments), env={"DATABASE_URL": self.url}).stdout

    def both_verbs_at(self, revision):
        self.assertIn(f"{revision} (head)", self.alembic("current"))
        self.alembic("upgrade", "head")
        self.assertIn(f"{revision} (head)", self.alembic("current"))

    def test_runs_before_and_after_ours(self):
        # Before: the bar's schema stands, nothing of tapline's own does.
        self.ours("upgrade", "--lineage", "app")
        self.both_verbs_at("0001_m1_baseline")
        self.ours("upgrade")
        self.both_verbs_at("0001_m1_baseline")
        self.assertTrue(self.cluster.one("SELECT to_regclass('tapline.receipt') IS NOT NULL"))
        self.ours("upgrade")
        self.both_verbs_at("0001_m1_baseline")

    def test_takes_a_step_of_the_bars_own_beside_ours(self):
        self.ours("upgrade")
        body = "__import__('alembic').op.execute('CREATE TABLE bar_extra (id int)')"
        self.stub("0002_m2_visit_model", "0001_m1_baseline", body)
        self.alembic("upgrade", "head")
        self.both_verbs_at("0002_m2_visit_model")
        self.assertTrue(self.cluster.one("SELECT to_regclass('public.bar_extra') IS NOT NULL"))
        self.assertTrue(self.cluster.one("SELECT to_regclass('tapline.receipt') IS NOT NULL"))

    def test_knows_our_revisions_from_stubs_and_reads_the_rows_we_leave(self):
        # left: lef1 <- lef2; right: rig1, which depends on lef1; and a merge of both.
        files = f"{self.directory}/revisions"
        os.mkdir(files)

        def new(name, *more):
            sql = f"CREATE TABLE t_{name} (id int);"
            down = f"{self.directory}/down.sql"
            self.write("down.sql", f"DROP TABLE t_{name};")
            arguments = ["revision", "-m", f'about "{name}" \\o', "--rev-id", name, "--dir", files, *more]
            must("tapline-central", [*arguments, "--sql", "-", "--downgrade-sql", down], stdin=sql)

        shutil.copy(glob.glob(f"{ROOT}/migrations/postgres/app/0001_*.sql")[0], files)
        new("lef1", "--branch-label", "left")
        new("lef2")
        new("rig1", "--head", "0001_m1_baseline", "--splice", "--branch-label", "right", "--depends-on", "lef1")
        with open(f"{self.directory}/alembic/versions/0001_m1_baseline.py", encoding="utf-8") as file:
            own = file.read()
        export = ["export-alembic", f"{self.directory}/alembic", "--dir", files, "--json"]
        self.assertEqual(len(json.loads(self.ours(*export))["written"]), 3)
        with open(f"{self.directory}/alembic/versions/0001_m1_baseline.py", encoding="utf-8") as file:
            self.assertEqual(file.read(), own)
        self.assertEqual(json.loads(self.ours(*export))["written"], [])
        self.assertEqual(sorted(self.alembic("heads").split("\n"))[1:], ["lef2 (left) (head)", "rig1 (right) (head)"])
        history = self.alembic("history")
        self.assertIn("0001_m1_baseline -> lef1 (left)", history)
        self.assertIn('0001_m1_baseline (lef1) -> rig1 (right) (head), about "rig1" \\o', history)
        self.both_agree(files, "upgrade", "right@head", {"rig1"})
        self.both_agree(files, "upgrade", "left@head", {"rig1", "lef2"})
        self.both_agree(files, "downgrade", "left@-1", {"rig1"})
        self.both_agree(files, "downgrade", "right@-1", {"lef1"})
        self.both_agree(files, "upgrade", "heads", {"rig1", "lef2"})
        must("tapline-central", ["merge", "heads", "--rev-id", "join", "--dir", files])
        self.ours("export-alembic", f"{self.directory}/alembic/versions", "--dir", files)
        self.both_agree(files, "upgrade", "head", {"join"})
        self.both_agree(files, "downgrade", "left@0001", {"0001_m1_baseline"})
        refused = self.alembic_fails("upgrade", "left@head")
        self.assertIn("lef1 is run by tapline-central", refused)
        self.assertEqual(self.rows(), {"0001_m1_baseline"})

    def rows(self):
        return {row[0] for row in self.cluster.rows("SELECT version_num FROM public.alembic_version")}

    def both_agree(self, files, verb, target, rows):
        """Our step leaves these rows, and Alembic takes them for its own."""
        self.ours(verb, target, "--dir", files)
        self.assertEqual(self.rows(), rows)
        seen = {line.split()[0] for line in self.alembic("current").splitlines() if not line.startswith("INFO")}
        self.assertLessEqual(rows, seen)

    def test_takes_the_place_of_a_version_row_that_nobody_knows(self):
        self.ours("ensure-version", "--lineage", "app")
        self.assertEqual(self.rows(), set())
        self.ours("upgrade")
        self.cluster.rows("UPDATE public.alembic_version SET version_num = '57c6ac405ef5'")
        refused = run_command("tapline-central", ["stamp", "head", "--lineage", "app"], env={"DATABASE_URL": self.url})
        self.assertEqual(refused.returncode, 3)
        self.assertIn("stamp --purge", refused.stderr)
        self.ours("stamp", "--purge", "head", "--lineage", "app")
        self.both_verbs_at("0001_m1_baseline")


if __name__ == "__main__":
    unittest.main(verbosity=2)
