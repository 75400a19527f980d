"""SIGKILL in every phase of an adoption: the file is either what it was or at head, never between."""

import collections
import json
import os
import shutil
import signal
import sqlite3
import unittest

from lab import (
    TapSim,
    adopt,
    make_dead_end,
    make_gen5_in_place,
    report,
    run_command,
    set_old_statuses,
    sql,
    wait_until,
    work_directory,
)

# Phase and the arrival that dies there: what rebuilds and commits is rehearsed on a copy first.
PHASES = (
    "adopt.backup:1",
    "adopt.begin:1",
    "adopt.rebuild:1",
    "adopt.rebuild:2",
    "adopt.commit:2",
    "adopt.committed:1",
)
OLD = "SELECT client_tx_id, card_uid, tap_id, start_ts, end_ts, volume_ml, price_cents FROM pours"
WITH_WAL = "gen8 with a -wal"


def make_gen2(directory, journal, name, **options):
    return TapSim(directory, journal, name, release="gen2", create=True, **options).run()


def make_gen8_without_checkpoint(directory, journal, name, **options):
    """The writer is killed, so a -wal with everything stays behind."""
    wanted = options.pop("count")
    tap = TapSim(
        directory, journal, name, release="gen8", create=True, seconds=30, rate=500, connection="persistent", **options
    ).start()
    wait_until(lambda: len(tap.lines()) >= wanted, 20, "the writer fills its -wal", 0.01)
    tap.sigkill()
    return tap


SHAPES = {
    "gen5 in place": make_gen5_in_place,
    "dead end": make_dead_end,
    "gen2": make_gen2,
    WITH_WAL: make_gen8_without_checkpoint,
}


class KilledAdoption(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def test_leaves_the_old_file_or_the_new_one_and_every_row(self):
        kills = []
        for shape, make in SHAPES.items():
            for number, phase in enumerate(PHASES):
                with self.subTest(shape=shape, phase=phase):
                    journal = os.path.join(self.directory, f"{shape.replace(' ', '_')}-{phase}.db")
                    tap = make(self.directory, journal, f"{shape}-{phase}", count=40, seed=7 + number)
                    if shape != WITH_WAL:
                        set_old_statuses(journal, tap.lines(), ["confirmed", "failed"])
                    before = self.rows_of_copy(journal)
                    self.kill_at(journal, phase)
                    kills.append((shape, phase))
                    self.assertEqual(self.rows_of_copy(journal), before, "rows changed by a killed adoption")
                    self.writer_goes_on(journal, shape)
                    self.adopted_whole(journal, before)
        for phase, times in collections.Counter(phase.partition(":")[0] for _, phase in kills).items():
            report(f"{times:4} SIGKILLs landed in {phase}")
        self.assertGreaterEqual(len(kills), 10)

    def rows_of_copy(self, journal):
        """Opening the journal itself would checkpoint it and take its -wal away."""
        copy = os.path.join(self.directory, "copy.db")
        for suffix in ("", "-wal", "-journal"):
            if os.path.exists(copy + suffix):
                os.remove(copy + suffix)
            if os.path.exists(journal + suffix):
                shutil.copy(journal + suffix, copy + suffix)
        return sorted(sql(copy, OLD))

    def kill_at(self, journal, phase):
        arguments = ["journal", "adopt", journal, "--json"]
        done = run_command("tapline-agent", arguments, env={"TAPLINE_TEST_STOP_AT": phase})
        self.assertEqual(done.returncode, -signal.SIGKILL, f"{phase} never reached: {done.stdout}{done.stderr}")

    def writer_goes_on(self, journal, shape):
        """A tap isn't stopped by our death: its INSERT works as well as it did before, or better."""
        if shape == "dead end":
            return
        release = "gen2" if shape == "gen2" else "gen8"
        TapSim(self.directory, journal, f"after-{os.path.basename(journal)}", release=release, count=1, seed=999).run()

    def adopted_whole(self, journal, before):
        done = adopt(journal)
        connection = sqlite3.connect(journal)
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        columns = [row[1] for row in connection.execute("PRAGMA table_info(pours)")]
        connection.close()
        self.assertIn("seq", columns)
        after = sql(journal, OLD)
        self.assertLessEqual(set(before), set(after))
        self.assertEqual(len(after), len(before) + (0 if "dead" in journal else 1))
        self.assertEqual(adopt(journal)["head"], done["head"], json.dumps(done))


if __name__ == "__main__":
    unittest.main(verbosity=2)
