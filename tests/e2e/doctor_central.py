"""`doctor` beside a running agent and a running central, over TLS: healthy, it names nothing; then what central says."""

import json
import os
import shutil
import subprocess
import sys
import unittest

from lab import Stage, free_port, must, run_command, work_directory
from lab.doctor_case import PLANTER


class DoctorAndCentral(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = cls.enterClassContext(Stage(taps=1, tls=True))
        cls.root = os.path.join(cls.stage.directory, "root")
        subprocess.run([sys.executable, PLANTER, "tree", "bare", "--root", cls.root], check=True,
                       stdout=subprocess.DEVNULL)
        cls.state = cls.stage.enroll("bar-1", 1)
        cls.journal = cls.stage.new_journal()
        cls.agent = cls.stage.add_agent(cls.journal, "bar-1", state_dir=cls.state)
        cls.agent.start()
        cls.stage.add_tap(cls.journal, 1, count=50, rate=200).start()
        cls.stage.finish_taps()
        cls.stage.wait_quiet()

    def doctor(self, *options, journal=None, central=None, state=None):
        done = run_command(
            "tapline-agent",
            ["doctor", "--json", "--root", self.root, "--journal", journal or self.journal,
             "--central", central or self.stage.central.url, "--state-dir", state or self.state, *options])
        return {check["id"]: check for check in json.loads(done.stdout)["checks"]}

    def named(self, checks):
        return {i for i, check in checks.items() if check["verdict"] in ("warn", "fail")}

    def test_a_healthy_bar_at_work_names_nothing(self):
        self.stage.add_tap(self.journal, 1, count=100, rate=100).start()
        checks = self.doctor()
        self.stage.finish_taps()
        self.assertEqual(self.named(checks), set(), json.dumps(checks, indent=1))
        for check in ("identity", "certificate_dates", "central_reachable", "central_accepts", "journal_integrity"):
            self.assertEqual(checks[check]["verdict"], "ok", checks[check])
        self.assertIn("central t0", checks["central_accepts"]["measured"])
        self.stage.wait_quiet()

    def test_asking_leaves_central_as_the_agent_left_it(self):
        query = "SELECT string_agg(c::text, '|' ORDER BY c::text) FROM tapline.cursor c"
        before = self.stage.cluster.one(query)
        self.doctor()
        self.assertEqual(self.stage.cluster.one(query), before)
        self.assertEqual(self.stage.cluster.one("SELECT count(*) FROM tapline.journal"), 1)

    def test_a_hold_is_told_and_is_no_fault(self):
        self.stage.verb("hold", "open", "--reason", "stocktaking")
        try:
            checks = self.doctor()
        finally:
            self.stage.verb("hold", "close")
        self.assertEqual(self.named(checks), set())
        self.assertIn("stocktaking", checks["central_accepts"]["measured"])

    def test_a_central_that_isnt_there_is_named_once(self):
        checks = self.doctor(central=f"https://127.0.0.1:{free_port()}")
        # The identity is of another address, which may be a mistake too.
        self.assertEqual(self.named(checks), {"central_reachable", "identity"})
        self.assertEqual(checks["central_accepts"]["verdict"], "skip")

    def test_another_authority_is_named_with_what_to_ask(self):
        state = os.path.join(work_directory(), "state")
        self.addCleanup(shutil.rmtree, os.path.dirname(state), ignore_errors=True)
        shutil.copytree(self.state, state)
        other = os.path.join(os.path.dirname(state), "tls")
        must("tapline-central", ["tls", "init", "--name", "127.0.0.1", "--dir", other])
        path = os.path.join(state, "identity.pem")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        end = "-----END CERTIFICATE-----\n"
        parts = text.split(end)
        with open(os.path.join(other, "ca.pem"), encoding="utf-8") as file:
            parts[1:] = [file.read()]
        with open(path, "w", encoding="utf-8") as file:
            file.write(end.join(parts))
        checks = self.doctor(state=state)
        self.assertEqual(self.named(checks), {"central_reachable"})
        self.assertIn("isn't believed", checks["central_reachable"]["measured"])

    def test_a_name_without_an_address_is_named(self):
        checks = self.doctor(central="https://central.tapline.invalid:8443")
        self.assertTrue({"central_name", "central_reachable"} <= self.named(checks), checks)

    def test_a_journal_of_another_controller_is_refused_by_central_and_named(self):
        state = self.stage.enroll("bar-2", 2)
        checks = self.doctor(state=state)
        self.assertEqual(self.named(checks), {"central_accepts"})
        self.assertIn("not_yours", checks["central_accepts"]["measured"])

    def test_a_central_without_its_database_is_named(self):
        cluster = self.stage.cluster
        before, cluster.keep = cluster.keep, True
        cluster.stop()
        try:
            checks = self.doctor()
        finally:
            cluster.start()
            cluster.keep = before
        self.assertEqual(self.named(checks), {"central_reachable"})
        self.stage.central.wait_ready()


if __name__ == "__main__":
    unittest.main(verbosity=2)
