"""The commands of docs/revisions.md, "A day with it", run as they stand there."""

import os
import re
import shutil
import subprocess
import unittest

from lab import Cluster, work_directory
from lab.programs import ROOT, clean_environment, program

LIMIT_S = 300


class Cookbook(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.cluster = Cluster()
        self.addCleanup(self.cluster.stop)
        self.cluster.start()

    def blocks(self):
        with open(os.path.join(ROOT, "docs", "revisions.md"), encoding="utf-8") as page:
            text = page.read()
        day = re.search(r"^## A day with it$(.*?)^### ", text, re.S | re.M).group(1)
        return re.findall(r"^```sh\n(.*?)^```$", day, re.S | re.M)

    def test_every_command_of_a_day_works_in_order(self):
        blocks = self.blocks()
        self.assertGreaterEqual(len(blocks), 6)
        programs = os.path.dirname(program("tapline-central"))
        environment = clean_environment({"DATABASE_URL": self.cluster.create_database("bar")})
        environment["PATH"] = f"{programs}:{os.environ['PATH']}"
        for block in blocks:
            done = subprocess.run(["/bin/sh", "-ec", block], cwd=self.directory, env=environment, timeout=LIMIT_S,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)
            self.assertEqual(done.returncode, 0, f"{block}\n{done.stdout}")
        columns = "SELECT count(*) FROM information_schema.columns WHERE column_name IN ('nickname', 'bay')"
        self.assertEqual(self.cluster.one(columns), 2)
        self.assertEqual(len(self.cluster.rows("SELECT version_num FROM public.alembic_version")), 1)
        # Each revision but the last two has its snapshot beside it.
        snapshots = os.listdir(os.path.join(self.directory, "migrations", "app", "snapshots"))
        self.assertEqual(len(snapshots), 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
