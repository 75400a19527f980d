"""`journal handover` killed, without proof, without systemd, with files that it may not touch: nothing is half done."""

import os
import shutil
import signal
import subprocess
import unittest

from lab import free_port, sql, wait_until
from lab.handover_case import SECRET, TESTS, YEAR, HandoverCase
from lab.programs import TapSim, clean_environment, program
from planting.trees import write


class HandoverLimits(HandoverCase):
    def test_killed_while_it_watches_nothing_is_half_done(self):
        self.tap_program(SYNC_INTERVAL_SECONDS=YEAR)
        handover = self.start_watching()
        handover.kill()
        wait_until(lambda: sql(self.journal, TESTS)[0][1] == "held", 10, "whoever watched sees that nobody asks any more")

        handover = self.start_watching()
        children = self.text(f"/proc/{handover.pid}/task/{handover.pid}/children").split()
        handover.send_signal(signal.SIGSTOP)  # or it would clean up after the child
        for child in children:
            os.kill(int(child), signal.SIGKILL)
        handover.kill()
        handover.wait(10)
        self.assertEqual(sql(self.journal, TESTS)[1][1], "new", "it had no time for anything")
        self.handover("--check", "--wait", "1", expect=("old_loop_unknown", 1))
        self.nothing_switched_on()
        self.assertEqual([status for _, status in sql(self.journal, TESTS)], ["held"] * 3)

    def start_watching(self):
        before = len(sql(self.journal, TESTS))
        process = subprocess.Popen([program("tapline-agent"), *self.command()], env=clean_environment(),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        wait_until(lambda: len(sql(self.journal, TESTS)) > before, 30, "the test pour is written")
        return process

    def test_where_nothing_can_be_told_it_says_unknown_and_switches_nothing_on(self):
        checks, _ = self.handover("--wait", "1", expect=("old_loop_unknown", 1))
        self.assertIn("no program of a tap", checks["old_loop"]["measured"])
        self.assertEqual(checks["tap_program"]["verdict"], "skip")
        silent = f"http://operator:{SECRET}@127.0.0.1:{free_port()}"
        self.tap_program(SYNC_INTERVAL_SECONDS="1", SERVER_URL=silent)
        checks, _ = self.handover("--wait", "3", expect=("old_loop_unknown", 1))
        self.assertIn("doesn't answer", checks["old_loop"]["measured"])
        self.nothing_switched_on()

    def test_what_it_may_not_touch_is_left_and_the_rest_is_told(self):
        with self.subTest("another journal is named in agent.toml"):
            self.settings += "journal = \"/elsewhere.db\"\n"
            write("/", self.config, self.settings)
            checks, _ = self.handover("--unproven", "--wait", "1", expect=("not_switched_on", 1))
            self.assertIn(f"journal = [\"/elsewhere.db\", \"{self.journal}\"]", checks["agent_settings"]["what_to_do"])
            self.assertEqual([checks[i]["verdict"] for i in ("drop_in", "service_enabled", "serving")], ["skip"] * 3)
            self.nothing_switched_on()
        with self.subTest("systemd has no such unit"):
            self.setUp()
            write("/", f"{self.state}/broken", "")
            checks, _ = self.handover("--unproven", "--wait", "1", expect=("not_switched_on", 1))
            self.assertIn("does not exist", checks["service_enabled"]["measured"])
            self.assertEqual([checks[i]["verdict"] for i in ("agent_settings", "drop_in", "serving")], ["ok", "ok", "skip"])
            os.remove(f"{self.state}/broken")
            checks, _ = self.handover("--unproven", "--wait", "1", expect=("handed_over", 0))
            self.assertIn("already", checks["drop_in"]["measured"])
        with self.subTest("no systemd"):
            self.setUp()
            shutil.rmtree(os.path.join(self.root, "run/systemd"))
            _, said = self.handover("--unproven", "--wait", "1", expect=("no_systemd", 1))
            self.assertIn(f"sudo -u root tapline-agent run --config {self.config}", said["commands"])
            self.nothing_switched_on()

    def test_a_journal_that_is_not_ready_is_refused_before_anything_is_written(self):
        with self.subTest("not adopted"):
            self.journal = os.path.join(self.home, "old.db")
            TapSim(self.stage.directory, self.journal, f"raw-{self.number}", release="gen8", create=True, count=2).run()
            checks, _ = self.handover("--wait", "1", expect=("not_ready", 1))
            self.assertIn("journal adopt", checks["journal_adopted"]["what_to_do"])
            self.assertEqual(sql(self.journal, "SELECT count(*) FROM pours"), [(2,)])
        with self.subTest("an agent that hides has it"):
            self.setUp()
            agent = self.stage.add_agent(self.journal)
            self.addCleanup(agent.stop)
            agent.start()
            wait_until(lambda: os.path.getsize(self.journal + ".tapline.lock") > 0, 20, "the agent has the journal")
            checks, _ = self.handover("--wait", "1", expect=("locked", 3))
            self.assertIn(f"process {agent.pid}", checks["lock"]["measured"])
            self.assertEqual(sql(self.journal, TESTS), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
