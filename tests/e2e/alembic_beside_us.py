"""The bar's own Alembic keeps working on the database, before and after tapline has been there."""

import os
import shutil
import subprocess
import unittest

from lab import Cluster, must, work_directory
from lab.programs import clean_environment

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

    def alembic(self, *arguments):
        done = subprocess.run(
            ["/usr/bin/alembic", "-c", f"{self.directory}/alembic.ini", *arguments],
            env=clean_environment({"DATABASE_URL": self.url}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
            check=False,
            encoding="utf-8",
        )
        self.assertEqual(done.returncode, 0, f"alembic {' '.join(arguments)}: {done.stdout}")
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
