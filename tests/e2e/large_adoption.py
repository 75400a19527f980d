"""30,000 pours (300,000 with TAPLINE_LONG) are adopted in steps beside a tap with 100 ms of patience that never stops writing."""

import json
import multiprocessing
import os
import random
import shutil
import sqlite3
import time
import unittest
import uuid

from lab import open_with_release, report, run_command, sql, work_directory

ROWS = 300_000 if os.environ.get("TAPLINE_LONG") else 30_000
PATIENCE_S = 0.1
INSERT = (
    "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, duration_ms, volume_ml, tail_volume_ml, price_cents,"
    " status, attempts, price_per_ml_at_pour) VALUES (?, 'ABCDEF01', '8c5efc0c', 1, 2900, ?, 7, 375, 'new', 0, 45.0)"
)


def write_until(journal, old_ids, stop, result):
    """As the field does it: a connection per operation. Once a BUSY is over the same pour is tried again."""
    chance = random.Random(5)
    written, statuses, busy = {}, {}, []

    def attempt(statement, parameters):
        connection = sqlite3.connect(journal, timeout=PATIENCE_S)
        try:
            with connection:
                connection.execute(statement, parameters)
            return True
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            busy.append(time.monotonic())
            return False
        finally:
            connection.close()

    while not stop.is_set():
        pour, volume = str(uuid.UUID(int=chance.getrandbits(128))), chance.randint(50, 500)
        while not attempt(INSERT, (pour, volume)):
            pass
        written[pour] = volume
        old, status = chance.choice(old_ids), chance.choice(("confirmed", "failed", "rejected"))
        if attempt("UPDATE pours SET status = ?, attempts = attempts + 1 WHERE client_tx_id = ?", (status, old)):
            statuses[old] = status
        time.sleep(0.005)
    result.put((written, statuses, busy))


class LargeAdoption(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def fill(self, journal):
        open_with_release(self.directory, journal, "gen8")
        chance = random.Random(11)
        ids = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(ROWS)]
        connection = sqlite3.connect(journal)
        with connection:
            connection.executemany(INSERT, ((each, 50 + number % 400) for number, each in enumerate(ids)))
            connection.execute("UPDATE pours SET status = 'confirmed' WHERE rowid % 3 = 1")
        connection.close()
        return ids

    def test_no_pour_is_lost_and_the_tap_waits_for_the_swap_alone(self):
        journal = os.path.join(self.directory, "large.db")
        ids = self.fill(journal)
        volume_before = sql(journal, "SELECT sum(volume_ml) FROM pours")[0][0]
        stop, result = multiprocessing.Event(), multiprocessing.Queue()
        tap = multiprocessing.Process(target=write_until, args=(journal, ids, stop, result), daemon=True)
        tap.start()
        started = time.monotonic()
        done = run_command("tapline-agent", ["journal", "adopt", journal, "--in-steps", "--json"], timeout_s=300)
        took = time.monotonic() - started
        stop.set()
        written, statuses, busy = result.get(timeout=30)
        tap.join()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        told = json.loads(done.stdout)
        report(
            f"{ROWS} pours in {told['steps']} steps, {took:.0f} s; longest lock {told['longest_lock_ms']} ms; the tap "
            f"wrote {len(written)} pours and {len(statuses)} statuses, {len(busy)} BUSY"
        )
        self.assertGreater(told["steps"], ROWS / 800)
        self.assertLessEqual(told["longest_lock_ms"], 2500)
        self.assertGreater(len(written), 100)
        # The swap is one moment; a BUSY at any other time would lie apart from it.
        if busy:
            self.assertLess(busy[-1] - busy[0], 2.5, f"BUSY at {[round(each - started, 1) for each in busy]}")
        rows = sql(journal, "SELECT client_tx_id, status, volume_ml FROM pours")
        self.assertEqual(len(rows), ROWS + len(written))
        self.assertEqual({row[0] for row in rows}, set(ids) | set(written))
        after = {row[0]: row[1] for row in rows}
        self.assertEqual({each: after[each] for each in statuses}, statuses)
        self.assertEqual(sum(row[2] for row in rows), volume_before + sum(written.values()))
        self.assertEqual(sql(journal, "PRAGMA integrity_check"), [("ok",)])
        self.assertEqual(sql(journal, "SELECT seq FROM pours WHERE seq > ? LIMIT 1", (len(rows),)), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
