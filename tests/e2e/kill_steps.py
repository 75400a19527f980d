"""SIGKILL at every step of a migration in steps: the tap goes on, and the next run ends what this one began."""

import json
import os
import shutil
import signal
import sqlite3
import unittest

from lab import TapSim, report, run_command, sql, work_directory

ROWS = 1200
PHASES = (
    "steps.begin:1",
    "steps.fill:1",
    "steps.fill:4",
    "steps.catch_up:1",
    "steps.swap:1",
    "steps.swapped:1",
    "steps.discard:1",
    "steps.discard:3",
)
PLAIN = "SELECT client_tx_id, card_uid, tap_id, duration_ms, volume_ml, tail_volume_ml, price_cents FROM pours"


def command(verb, journal, *more, **options):
    return run_command("tapline-agent", ["journal", verb, journal, *more, "--json"], **options)


class KilledSteps(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def make(self, name):
        journal = os.path.join(self.directory, f"{name}.db")
        TapSim(self.directory, journal, name, release="gen8", create=True, count=ROWS, connection="persistent").run()
        return journal

    def kill_at(self, phase, verb, journal, *more):
        done = command(verb, journal, *more, "--in-steps", env={"TAPLINE_TEST_STOP_AT": phase})
        self.assertEqual(done.returncode, -signal.SIGKILL, f"{phase} never reached: {done.stdout}{done.stderr}")

    def tap_goes_on(self, journal, number):
        """One new pour, and old ones change their status as the tap's own loop does it."""
        TapSim(self.directory, journal, f"after-{number}", release="gen8", count=3, seed=500 + number).run()
        connection = sqlite3.connect(journal)
        with connection:
            connection.execute(
                "UPDATE pours SET status = 'confirmed', attempts = ? WHERE rowid % 50 = ?", (number, number)
            )
        connection.close()

    def whole(self, journal, before):
        connection = sqlite3.connect(journal)
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        left = connection.execute("SELECT name FROM sqlite_schema WHERE name LIKE 'tapline_step%'").fetchall()
        connection.close()
        self.assertEqual(left, [])
        self.assertEqual(sorted(sql(journal, PLAIN)), before["rows"])
        self.assertEqual(dict(sql(journal, "SELECT client_tx_id, status || attempts FROM pours")), before["statuses"])
        checked = command("check", journal)
        self.assertEqual(checked.returncode, 0)
        self.assertFalse(json.loads(checked.stdout)["unfinished"], checked.stdout)

    def seen(self, journal):
        return {
            "rows": sorted(sql(journal, PLAIN)),
            "statuses": dict(sql(journal, "SELECT client_tx_id, status || attempts FROM pours")),
        }

    def test_adoption_is_ended_by_the_next_run(self):
        for number, phase in enumerate(PHASES):
            with self.subTest(phase=phase):
                journal = self.make(f"adopt-{number}")
                self.kill_at(phase, "adopt", journal)
                looked = command("check", journal)
                self.assertEqual(looked.returncode, 0, looked.stdout)
                self.assertTrue(json.loads(looked.stdout)["unfinished"], looked.stdout)
                self.tap_goes_on(journal, number)
                before = self.seen(journal)
                done = command("adopt", journal)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.whole(journal, before)
        report(f"{len(PHASES)} adoptions in steps killed and ended")

    def test_stopping_the_tap_ends_it_in_one_transaction(self):
        journal = self.make("stopped")
        self.kill_at("steps.fill:2", "adopt", journal)
        before = self.seen(journal)
        done = command("adopt", journal, "--writer-stopped")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.whole(journal, before)

    def test_a_downgrade_is_ended_by_the_next_run(self):
        for number, phase in enumerate(("steps.fill:2", "steps.swap:1", "steps.discard:2")):
            with self.subTest(phase=phase):
                journal = self.make(f"down-{number}")
                self.assertEqual(command("adopt", journal).returncode, 0)
                self.kill_at(phase, "downgrade", journal, "gen8")
                self.tap_goes_on(journal, number)
                before = self.seen(journal)
                if phase == "steps.discard:2":
                    done = command("adopt", journal)
                else:
                    done = command("downgrade", journal, "gen8")
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.whole(journal, before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
