"""A planted machine, its planter (e2e/plant_faults.py, a process of its own) and the doctor."""

import json
import os
import shutil
import subprocess
import sys
import unittest

from .journals import sql
from .programs import ROOT, TapSim, adopt, run_command
from .waiting import work_directory

PLANTER = os.path.join(ROOT, "tests", "e2e", "plant_faults.py")
IS_ROOT = os.geteuid() == 0


def may_mount(directory):
    place = os.path.join(directory, "may-mount")
    os.makedirs(place, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "none", place], stderr=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        subprocess.run(["umount", place], check=True)
    return done.returncode == 0


class DoctorCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.base = work_directory()
        cls.template = os.path.join(cls.base, "local_journal.db")
        TapSim(cls.base, cls.template, "tap", release="gen8", create=True, count=20).run()
        adopt(cls.template)
        for suffix in ("-wal", "-shm"):
            if os.path.exists(cls.template + suffix):
                sql(cls.template, "PRAGMA wal_checkpoint(TRUNCATE)")
        cls.trees = {}
        for kind in ("bare", "container", "emulated"):
            cls.trees[kind] = os.path.join(cls.base, kind)
            subprocess.run([sys.executable, PLANTER, "tree", kind, "--root", cls.trees[kind]], check=True,
                           stdout=subprocess.DEVNULL)
        cls.may_mount = IS_ROOT and may_mount(cls.base)

        cls.planter = subprocess.Popen([sys.executable, PLANTER, "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       text=True)

    @classmethod
    def tearDownClass(cls):
        cls.planter.communicate(timeout=30)
        shutil.rmtree(cls.base, ignore_errors=True)

    def setUp(self):
        self.fresh()

    def fresh(self):
        """A healthy machine of its own for each fault."""
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.home = os.path.join(self.directory, "tap")
        self.state = os.path.join(self.directory, "state")
        self.root = os.path.join(self.directory, "root")
        self.config = os.path.join(self.directory, "agent.toml")
        self.journal = os.path.join(self.home, "local_journal.db")
        os.makedirs(self.home)
        os.makedirs(self.state)
        shutil.copy(self.template, self.journal)
        open(self.config, "wb").close()
        self.tree("bare")

    def tree(self, kind):
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(self.trees[kind], self.root, symlinks=True)

    def ask_planter(self, wanted):
        self.planter.stdin.write(json.dumps(wanted) + "\n")
        self.planter.stdin.flush()
        line = self.planter.stdout.readline()
        self.assertNotEqual(line, "", f"the planter died over {wanted}")
        return json.loads(line)

    def plant(self, name):
        """What the planter says of it; processes and mounts that it needs live until the test ends, or the next fault
        is planted."""
        said = self.ask_planter({"plant": name, "root": self.root, "journal": self.journal, "config": self.config,
                                 "state": self.state})
        self.addCleanup(self.ask_planter, {})
        return said

    def doctor(self, *options, journal=None):
        done = run_command(
            "tapline-agent",
            ["doctor", "--json", "--journal", journal or self.journal, "--config", self.config, "--state-dir", self.state,
             "--root", self.root, *options], timeout_s=50)
        report = json.loads(done.stdout)
        self.assertEqual(report["exit_code"], done.returncode, done.stderr)
        worst = {"fail": 5, "warn": 1}
        expected = max([worst.get(check["verdict"], 0) for check in report["checks"]])
        self.assertEqual(done.returncode, expected)
        return {check["id"]: check for check in report["checks"]}

    def named(self, *options, journal=None):
        return {i: c for i, c in self.doctor(*options, journal=journal).items() if c["verdict"] in ("warn", "fail")}
