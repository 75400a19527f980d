"""`journal handover`: an old sync loop that runs is named and nothing is switched on; one that is off is proven off, the
service gets the journal, and every pour settles once."""

import json
import os
import shutil
import subprocess
import unittest

from lab import run_command, sql, wait_until
from lab.handover_case import SECRET, TESTS, UNIT_DIR, YEAR, HandoverCase
from lab.programs import TapSim
from planting.trees import write

KEPT_OUT = ("SELECT count(*) FROM tapline.quarantine WHERE code = 'test_pour' AND state = 'dismissed' "
            "AND convert_from(raw, 'UTF8') LIKE '%{}%'")


class Handover(HandoverCase):
    def test_a_loop_that_runs_is_named_and_nothing_is_switched_on(self):
        for release, environment, advice in (
            ("gen8", {"SYNC_INTERVAL_SECONDS": "1"}, f"SYNC_INTERVAL_SECONDS={YEAR}"),
            ("gen5", {}, "410"),
        ):
            with self.subTest(release):
                self.setUp()
                TapSim(self.stage.directory, self.journal, f"old-{self.number}", release=release, count=1, seed=self.number,
                       cards=["ffffffff"]).run()
                before = self.money()
                tap = self.tap_program("--release", release, "--round", "1", **environment)
                wait_until(lambda: sql(self.journal, "SELECT count(*) FROM pours WHERE status = 'new'") == [(0,)], 20,
                           "the loop takes the pour")
                checks, _ = self.handover(expect=("old_loop_runs", 1))
                self.assertEqual(checks["old_loop"]["verdict"], "fail")
                self.assertIn("(the test pour)", checks["old_loop"]["measured"])
                self.assertIn(advice, checks["old_loop"]["what_to_do"])
                self.assertIn(f"process {tap.pid}", checks["tap_program"]["measured"])
                self.assertEqual(checks["foreign_status"]["verdict"], "warn", "it marked a pour before")
                self.nothing_switched_on()
                self.assertEqual(self.money(), before, "the old endpoint charges nobody for the bait")
                self.assertEqual(len(sql(self.journal, TESTS)), 1)
                tap.kill()

    def test_a_loop_that_is_off_hands_over_and_every_pour_settles_once(self):
        self.tap_program(SYNC_INTERVAL_SECONDS=YEAR)  # its one round at the start finds nothing
        self.stage.add_tap(self.journal, 1, count=30, rate=200).start()
        wait_until(lambda: sql(self.journal, "SELECT count(*) FROM pours") == [(30,)], 20, "30 pours are written")
        self.handover("--check", "--wait", "1", expect=("old_loop_unknown", 1))  # too short to tell
        self.nothing_changed_but_tests()
        checks, _ = self.handover("--wait", "26", expect=("handed_over", 0))
        self.assertEqual(checks["old_loop"]["verdict"], "ok", checks["old_loop"])
        self.assertEqual([line for line in self.asked() if not line.startswith("is-")],
                         ["daemon-reload", "enable --now tapline-agent.service"])
        drop_in = self.text(os.path.join(self.root, UNIT_DIR, "journal.conf"))
        self.assertIn("[Service]\nUser=root\nGroup=root\n", drop_in)
        self.assertIn(f"ReadWritePaths=\"{self.home}%\"\n", drop_in, "systemd wants its % twice")
        self.systemd_reads(drop_in)
        self.assertEqual(self.text(self.config), f"{self.settings}journal = \"{self.journal}\"\n")

        self.stage.add_tap(self.journal, 2, count=30, rate=100, refuse_while_new=True, give_up_s=60).start()
        self.stage.finish_taps()
        marked = "SELECT count(*) FROM pours WHERE status NOT IN ('confirmed', 'quarantined')"
        wait_until(lambda: sql(self.journal, marked) == [(0,)], 60, "every pour is acked")
        verdict = self.stage.compare()
        tests = len(sql(self.journal, TESTS))
        self.assertEqual(verdict["problems"], [f"quarantine test_pour: expected 0, found {tests}"], json.dumps(verdict, indent=1))
        self.assertEqual((verdict["lost"], verdict["in_pours"], verdict["difference_cents"], verdict["difference_ml"]), (0, 60, 0, 0))
        for (bait,) in sql(self.journal, "SELECT client_tx_id FROM pours WHERE card_uid = 'tapline-test'"):
            self.assertEqual(self.stage.cluster.one(KEPT_OUT.format(bait)), 1, bait)
        self.assertEqual(self.stage.cluster.one("SELECT count(*) FROM tapline.receipt"), 60, "the baits cost nobody anything")

        checks, _ = self.handover(expect=("already_handed_over", 0))
        self.assertIn("already", checks["drop_in"]["measured"])
        self.assertEqual(self.text(os.path.join(self.root, UNIT_DIR, "journal.conf")), drop_in)
        self.assertEqual(len([line for line in self.asked() if line.startswith("restart")]), 0)
        self.doctor_tells_a_loop_that_was_switched_on_again()

    def systemd_reads(self, drop_in):
        """By systemd's own parser, which needs no systemd that runs."""
        if not shutil.which("systemd-analyze"):
            return
        write(self.root, UNIT_DIR.removesuffix(".d"), "[Service]\nExecStart=/bin/true\n")

        def complaints(text):
            write(self.root, f"{UNIT_DIR}/journal.conf", text)
            done = subprocess.run(
                ["systemd-analyze", "verify", "--man=no", f"--root={self.root}", "/" + UNIT_DIR.removesuffix(".d")],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            return [line for line in done.stdout.splitlines() if "journal.conf:" in line]

        self.assertNotEqual(complaints(drop_in.replace("\"", "")), [], "it would complain of a blank")
        self.assertEqual(complaints(drop_in), [])

    def nothing_changed_but_tests(self):
        self.assertEqual({status for _, status in sql(self.journal, TESTS)}, {"held"})
        others = sql(self.journal, "SELECT DISTINCT status FROM pours WHERE card_uid <> 'tapline-test'")
        self.assertEqual(others, [("new",)], "guests' pours are the agent's or the loop's to mark")

    def doctor_tells_a_loop_that_was_switched_on_again(self):
        def found():
            done = run_command("tapline-agent", ["doctor", "--json", "--root", self.root, "--config", self.config,
                                                 "--journal", self.journal])
            return {check["id"]: check for check in json.loads(done.stdout)["checks"]}

        self.assertEqual(found()["old_loop_settings"]["verdict"], "ok")
        tap = self.tap_program(SYNC_INTERVAL_SECONDS="3600")
        check = found()["old_loop_settings"]
        self.assertEqual(check["verdict"], "warn", check)
        self.assertIn(f"process {tap.pid}: SYNC_INTERVAL_SECONDS 3600 (its environment)", check["measured"])
        self.assertIn("journal handover", check["what_to_do"])
        self.assertNotIn(SECRET, json.dumps(check))


if __name__ == "__main__":
    unittest.main(verbosity=2)
