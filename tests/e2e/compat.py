"""A fleet of several versions: contracts wait for the last old pour, agents raise what central is ready
for, and who can't be served keeps its pours and says what to install."""

import collections
import glob
import json
import os
import shutil
import unittest

from lab import Stage, program, run_command, sql, wait_until
from lab.programs import ROOT

CONTRACT = """-- nothing reads the old shape any more
-- Revision ID: c0001_glass
-- Revises: 0001_m1_baseline
-- Create Date: 2026-11-20
-- Phase: contract
-- Requires Journal: j0002

-- tapline: upgrade
CREATE TABLE contracted (a int);

-- tapline: downgrade
DROP TABLE contracted;
"""


# Of journal/adopt.cpp and journal/schema.cpp.
RAISE_PHASES = ("adopt.backup", "adopt.begin", "adopt.rebuild", "adopt.commit", "adopt.committed")


class Compat(unittest.TestCase):
    def stage_with(self, **options):
        self.stage = Stage(guests=4, **options)
        stage = self.stage.__enter__()
        self.addCleanup(lambda: self.stage.__exit__(None, None, None))
        for place, revision in ((2, "j0002"), (3, "j0003")):
            stage.cluster.rows("INSERT INTO tapline.journal_revision (revision, place, since, agent_version)"
                               f" VALUES ('{revision}', {place}, 't0006_compat', '0.{place}.0')")
        self.files = stage.path("migrations")
        os.makedirs(os.path.join(self.files, "app"))
        for file in glob.glob(os.path.join(ROOT, "migrations/postgres/app/*.sql")):
            shutil.copy(file, os.path.join(self.files, "app"))
        with open(os.path.join(self.files, "app", "c0001_glass.sql"), "w", encoding="utf-8") as file:
            file.write(CONTRACT)
        return stage

    def central(self, *arguments):
        done = run_command("tapline-central", [*arguments, "--json"], env={"DATABASE_URL": self.stage.database_url})
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr

    def upgrade(self):
        return self.central("upgrade", "--dir", self.files)

    def compat(self, revision):
        return self.central("fleet", "compat", revision, "--dir", self.files)

    def agent(self, name, binary, journal=None):
        agent = self.stage.add_agent(journal or self.stage.new_journal(), name)
        return self.install(agent, binary)

    def install(self, agent, binary):
        agent.stop()
        agent.command[0] = program(binary)
        agent.binary = binary
        return agent

    def line(self, name):
        return next((each for each in self.central("fleet")[1]["fleet"] if each["controller"] == name), None)

    def wait_revision(self, name, revision):
        wait_until(lambda: (self.line(name) or {}).get("revision") == revision, 30,
                   lambda: f"{name} at {revision}: {self.line(name)}", 0.2)

    def status(self, agent):
        done = run_command(agent.binary, ["status", "--json", "--journal", agent.journals[0], "--status-file",
                                             self.stage.path(f"{agent.name}.status")])
        return done.returncode, json.loads(done.stdout)["journals"][0]

    def journal(self, binary, *arguments):
        done = run_command(binary, ["journal", *arguments, "--json"])
        return done.returncode, json.loads(done.stdout)

    def codes(self):
        return dict(collections.Counter(code for (code,) in self.stage.cluster.rows("SELECT code FROM tapline.quarantine")))

    def test_a_contract_waits_for_the_last_old_pour_of_a_fleet_of_three_versions(self):
        stage = self.stage_with(taps=3)
        old = self.agent("old", "tapline-agent").start()
        self.agent("next", "tapline-agent-next").start()
        later = self.agent("later", "tapline-agent-later").start()
        # Both know j0002, which asks for a central that is there; j0003 asks for one that isn't.
        for name, revision in (("old", "j0001"), ("next", "j0002"), ("later", "j0002")):
            self.wait_revision(name, revision)
        for number, journal in enumerate(stage.journals, 1):
            stage.add_tap(journal, number, count=30, rate=100).start()
        stage.finish_taps()
        stage.wait_quiet()

        code, out, err = self.upgrade()
        self.assertEqual((code, out["error"]["kind"]), (3, "fleet_behind"), err)
        (blocker,) = out["error"]["blockers"]
        self.assertEqual((blocker["controller"], blocker["reason"], blocker["revision"]), ("old", "writes_old", "j0001"))
        self.assertTrue(blocker["last_seen"] and blocker["since"], blocker)
        self.assertIn("old", err)
        self.assertEqual(self.upgrade()[0], 3)
        self.assertEqual(self.central("upgrade", "--dir", self.files, "--show-steps")[0], 0)
        self.assertEqual(self.central("upgrade", "--dir", self.files, "--dry-run")[0], 3)
        for name in ("c0001_glass", "j0002"):
            code, out, _ = self.compat(name)
            self.assertEqual((code, [each["controller"] for each in out["blockers"]]), (1, ["old"]), name)
        self.assertEqual(self.compat("j0001")[0], 0)
        self.assertEqual(self.compat("nonsense")[0], 2)

        # The device is upgraded while central holds: raised at once, its old pours still wait there.
        self.assertEqual(self.central("hold", "open", "--reason", "x", "--for", "10m", "--spread", "0s")[0], 0)
        stage.add_tap(old.journals[0], 1, count=5).run()
        self.install(old, "tapline-agent-next").start()
        self.wait_revision("old", "j0002")
        wait_until(lambda: self.line("old")["oldest_unacked"] == "j0001", 30, "it tells its oldest pour")
        code, out, _ = self.upgrade()
        (blocker,) = out["error"]["blockers"]
        self.assertEqual((code, blocker["reason"], blocker["oldest_unacked"], blocker["rows"]),
                         (3, "holds_old", "j0001", 5))
        self.assertEqual(self.central("hold", "close")[0], 0)
        old.stop()
        old.start()
        stage.finish_taps()
        wait_until(lambda: stage.settled() == stage.oracle.written, 60, "the last old pour is acked")
        code, out, err = self.upgrade()
        self.assertEqual(code, 0, err)
        self.assertEqual(self.central("fleet")[1]["journal_minimum"], "j0002")
        self.assertEqual(stage.cluster.rows("SELECT lineage, contract, revision FROM tapline.journal_minimum"),
                         [("app", "c0001_glass", "j0002")])

        # Life goes on, and nobody steps below what is fixed now.
        later.stop()
        later.start()
        self.wait_revision("later", "j0002")
        wait_until(lambda: self.below(later), 30, "the agent has heard of the minimum")
        later.stop()
        code, out = self.journal("tapline-agent-later", "downgrade", later.journals[0], "j0001")
        self.assertEqual((code, out["error"]["kind"]), (3, "below_minimum"), out)
        code, out = self.journal("tapline-agent-later", "upgrade", later.journals[0])
        self.assertEqual((code, out["error"]["kind"]), (3, "central_not_ready"), out)
        later.start()
        for number, journal in enumerate(stage.journals, 1):
            stage.add_tap(journal, number, count=10).run()
        stage.finish_taps()
        stage.wait_quiet()
        verdict = stage.compare()
        self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))
        self.assertEqual(self.central("downgrade", "0001_m1_baseline", "--dir", self.files)[0], 0)
        self.assertEqual(self.central("fleet")[1]["journal_minimum"], None)

    def below(self, agent):
        try:
            with open(agent.journals[0] + ".tapline.central", encoding="utf-8") as word:
                return json.load(word)["journal_minimum"] == "j0002"
        except FileNotFoundError:
            return False

    def test_a_raise_that_is_killed_at_any_line_is_done_by_the_next_start_beside_a_tap_that_pours(self):
        stage = self.stage_with(taps=len(RAISE_PHASES))
        for number, phase in enumerate(RAISE_PHASES, 1):
            with self.subTest(phase):
                device = self.agent(f"bar-{number}", "tapline-agent-next")
                stage.add_tap(device.journals[0], number, count=100, rate=50).start()
                device.start(TAPLINE_TEST_STOP_AT=f"{phase}:1")
                wait_until(lambda: not device.running, 30, f"killed at {phase}")
                device.start()
                self.wait_revision(f"bar-{number}", "j0002")
        stage.finish_taps()
        stage.wait_quiet()
        verdict = stage.compare()
        self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))

    def test_a_retired_one_blocks_nobody_and_its_late_pours_end_in_quarantine(self):
        stage = self.stage_with(taps=1)
        lost = self.agent("lost", "tapline-agent").start()
        stage.add_tap(lost.journals[0], 1, count=4).run()
        wait_until(lambda: stage.settled() == 4, 30, "its first pours are settled")
        lost.stop()
        self.assertEqual(self.upgrade()[1]["error"]["blockers"][0]["controller"], "lost")
        self.assertEqual(self.central("controllers", "retire", "lost", "--reason", " ")[0], 2)
        self.assertEqual(self.central("controllers", "retire", "nobody", "--reason", "x")[1]["error"]["kind"],
                         "unknown_controller")
        self.assertEqual(self.central("controllers", "retire", "lost", "--reason", "drowned")[0], 0)
        self.assertEqual(self.central("controllers", "retire", "lost", "--reason", "again")[0], 3)
        (listed,) = self.central("controllers", "list")[1]["controllers"]
        self.assertEqual((listed["status"], listed["reason"]), ("retired", "drowned"))
        stage.add_tap(lost.journals[0], 1, count=3).run()
        lost.start()
        wait_until(lambda: stage.settled() == 7, 30, "late pours are taken")
        self.assertEqual(self.codes(), {"retired_controller": 3})
        code, out, err = self.upgrade()
        self.assertEqual(code, 0, err)
        stage.add_tap(lost.journals[0], 1, count=2).run()
        wait_until(lambda: stage.settled() == 9, 30, "later ones too")
        self.assertEqual(self.codes(), {"retired_controller": 3, "journal_too_old": 2})
        wait_until(lambda: sql(lost.journals[0], "SELECT count(*) FROM pours WHERE status = 'quarantined'") == [(5,)],
                   30, "the device knows that they are kept")
        self.assertEqual(stage.cluster.one("SELECT count(*) FROM pours"), 4)

    def test_who_cannot_be_served_keeps_its_pours_and_says_what_to_install(self):
        stage = self.stage_with(taps=1)
        self.assertEqual(self.upgrade()[0], 0)
        device = self.agent("bar-1", "tapline-agent").start()
        stage.add_tap(device.journals[0], 1, count=3).run()
        wait_until(lambda: self.status(device)[1]["state"] == "upgrade", 30, lambda: str(self.status(device)))
        code, line = self.status(device)
        self.assertEqual(code, 5)
        self.assertIn("426 journal_too_old", line["last_error"])
        self.assertIn("install tapline-agent 0.2.0 or later here", line["what_to_do"])
        wait_until(lambda: sql(device.journals[0], "SELECT count(*) FROM pours WHERE status = 'new'") == [(0,)],
                   30, "the tap goes on")
        self.assertEqual(stage.settled(), 0)
        self.assertEqual(self.line("bar-1")["revision"], "j0001")
        # Installed: it is raised by what the refusal says; pours from before are kept by code.
        self.install(device, "tapline-agent-next").start()
        self.wait_revision("bar-1", "j0002")
        wait_until(lambda: stage.settled() == 3, 30, "the old pours are taken")
        self.assertEqual(self.codes(), {"journal_too_old": 3})
        stage.add_tap(device.journals[0], 1, count=3).run()
        wait_until(lambda: stage.cluster.one("SELECT count(*) FROM pours") == 3, 30, "new ones are settled")
        device.stop()
        # A wire that this agent doesn't speak, and a journal that this central doesn't know.
        for change, back, code, words in (
            ("UPDATE tapline.wire_window SET min_version = 2, max_version = 3, agent_version = '0.9.0'",
             "UPDATE tapline.wire_window SET min_version = 1, max_version = 1",
             "upgrade_required", "install tapline-agent 0.9.0 or later here"),
            ("UPDATE tapline.journal_revision SET revision = 'j000x' WHERE revision = 'j0003'; "
             "UPDATE tapline.journal_minimum SET revision = 'j000x'; "
             "DELETE FROM tapline.journal_revision WHERE revision = 'j0002'",
             "SELECT 1", "journal_too_new", "install a newer tapline-central at the centre"),
        ):
            stage.cluster.rows(change)
            device.start()
            wait_until(lambda: code in self.status(device)[1].get("last_error", ""), 30, lambda: str(self.status(device)))
            self.assertIn(words, self.status(device)[1]["what_to_do"])
            device.stop()
            stage.cluster.rows(back)


if __name__ == "__main__":
    unittest.main(verbosity=2)
