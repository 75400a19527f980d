"""`doctor` on healthy machines names nothing, always tells the same checks, and what doesn't answer costs its own checks
and no others. Planted faults: doctor_faults.py; with a central: doctor_central.py."""

import json
import os
import re
import shutil
import signal
import sqlite3
import time
import unittest

from lab import adopt, run_command, sql
from lab.doctor_case import IS_ROOT, DoctorCase
from lab.programs import ROOT, TapSim


class Doctor(DoctorCase):
    def test_healthy_machines_of_three_kinds_name_nothing(self):
        ids = []
        for kind in ("bare", "container", "emulated"):
            with self.subTest(kind):
                self.tree(kind)
                checks = self.doctor()
                self.assertEqual([c for c in checks.values() if c["verdict"] in ("warn", "fail")], [])
                ids.append(list(checks))
        self.assertEqual(ids[0], ids[1])
        self.assertEqual(ids[0], ids[2])

    def test_the_documentation_lists_exactly_these_checks_in_this_order(self):
        with open(os.path.join(ROOT, "docs", "doctor.md"), encoding="utf-8") as file:
            rows = [line.split("|")[1] for line in file if line.startswith("| `")]
        self.assertEqual([name for row in rows for name in re.findall(r"`(\w+)`", row)], list(self.doctor()))

    def test_what_hangs_is_told_and_costs_no_other_check(self):
        for fault, late, skipped, other in (
            ("sensor_that_hangs", "temperature", "throttled", "clock_year"),
            ("clock_that_hangs", "rtc_time", None, "filesystem_errors"),
            ("systemctl_that_hangs", "service_state", "service_restarts", "network_link"),
        ):
            with self.subTest(fault):
                self.fresh()
                self.plant(fault)
                checks = self.doctor()
                self.assertEqual(checks[late]["verdict"], "unknown", checks[late])
                self.assertIn("answer", checks[late]["measured"])
                if skipped:
                    self.assertEqual(checks[skipped]["verdict"], "skip", checks[skipped])
                self.assertEqual(checks[other]["verdict"], "ok", checks[other])
                self.assertEqual(checks["journal_integrity"]["verdict"], "ok")

    def test_the_time_limit_of_all_checks_holds(self):
        for fault in ("sensor_that_hangs", "clock_that_hangs", "systemctl_that_hangs"):
            self.plant(fault)
        started = time.monotonic()
        checks = self.doctor("--time-limit", "1")
        self.assertLess(time.monotonic() - started, 10)
        self.assertEqual(checks["temperature"]["verdict"], "unknown")
        self.assertEqual(checks["journal_file"]["verdict"], "unknown")
        self.assertIn("time limit", checks["journal_file"]["measured"])
        self.assertEqual(list(checks), list(self.doctor()))

    def test_an_integrity_check_that_takes_too_long_is_unknown_and_the_rest_is_told(self):
        TapSim(self.directory, self.journal, "more", release="gen8", count=1000, seed=7).run()
        checks = self.doctor("--quick-check", "0")
        self.assertEqual(checks["journal_integrity"]["verdict"], "unknown")
        self.assertIn("not done in 0 s", checks["journal_integrity"]["measured"])
        self.assertEqual(checks["schema_drift"]["verdict"], "ok")
        self.assertEqual(self.doctor()["journal_integrity"]["verdict"], "ok")

    def test_what_needs_an_adopted_journal_is_skipped_without_one(self):
        whole = list(self.doctor())
        done = run_command("tapline-agent", ["journal", "downgrade", self.journal, "gen8"])
        self.assertEqual(done.returncode, 0, done.stderr)
        checks = self.doctor()
        named = {i for i, c in checks.items() if c["verdict"] in ("warn", "fail")}
        self.assertEqual(named, {"journal_adopted"})
        self.assertIn("journal adopt", checks["journal_adopted"]["what_to_do"])
        self.assertEqual(list(checks), whole)
        self.assertEqual(checks["schema_drift"]["verdict"], "skip")
        self.assertIn("journal_adopted", checks["schema_drift"]["measured"])

    def test_a_migration_that_was_cut_is_named(self):
        self.journal = os.path.join(self.directory, "cut.db")
        TapSim(self.directory, self.journal, "cut", release="gen8", create=True, count=20).run()
        steps = ["journal", "adopt", self.journal, "--in-steps"]
        killed = run_command("tapline-agent", steps, env={"TAPLINE_TEST_STOP_AT": "steps.discard:1"})
        self.assertEqual(killed.returncode, -signal.SIGKILL, killed.stderr)
        self.assertEqual(set(self.named()), {"migration"})
        adopt(self.journal)
        self.assertEqual(self.named(), {})

    def test_what_the_old_loop_settled_before_adoption_is_not_named(self):
        old = os.path.join(self.directory, "old.db")
        TapSim(self.directory, old, "old", release="gen8", create=True, count=5).run()
        sql(old, "UPDATE pours SET status = 'confirmed'")
        adopt(old)
        self.assertEqual(self.named(journal=old), {})

    def test_a_lock_counts_on_the_journals_own_file_only(self):
        connection = sqlite3.connect(self.journal)
        self.addCleanup(connection.close)
        connection.execute("CREATE TABLE padding (x BLOB)")
        connection.execute("INSERT INTO padding VALUES (zeroblob(6000000))")
        connection.commit()
        shm = os.stat(self.journal + "-shm")

        def lock(device):
            with open(os.path.join(self.root, "proc/locks"), "w", encoding="utf-8") as file:
                file.write(f"1: POSIX  ADVISORY  READ 4711 {device}:{shm.st_ino} 124 124\n")
            return self.named().get("wal_pinned")

        self.assertIsNone(lock("ff:7f"), "another device has the same inode number")
        own = f"{os.major(shm.st_dev):02x}:{os.minor(shm.st_dev):02x}"
        self.assertIn("process 4711", lock(own)["measured"])

    @unittest.skipUnless(IS_ROOT, "only root becomes other users")
    def test_journals_of_two_users_are_looked_at_in_one_run(self):
        other = os.path.join(self.directory, "other", "second.db")
        os.makedirs(os.path.dirname(other))
        shutil.copy(self.template, other)
        os.chown(os.path.dirname(other), 65534, 65534)
        os.chown(other, 65534, 65534)
        done = run_command("tapline-agent", ["doctor", "--json", "--root", self.root, "--config", self.config,
                                             "--journal", self.journal, "--journal", other])
        checks = json.loads(done.stdout)["checks"]
        for journal in (self.journal, other):
            told = {c["id"]: c for c in checks if c["subject"] == journal}
            self.assertEqual(told["journal_integrity"]["verdict"], "ok", told)
        self.assertEqual({c["id"] for c in checks if c["verdict"] in ("warn", "fail")}, set())
        self.assertEqual(len([c for c in checks if c["id"] == "filesystem_errors"]), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
