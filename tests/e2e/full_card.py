"""A card of 1 MiB that fills and empties, and one that vanishes, while agent and tap are killed: no pour
whose COMMIT the tap saw is lost or charged twice, and the agent comes round by itself."""

import json
import os
import sqlite3
import subprocess
import time
import unittest

from lab import Stage, report, wait_until

LONG = bool(os.environ.get("TAPLINE_LONG"))
CYCLES = 1000 if LONG else 20
CARD_BYTES = 1 << 20


class Card:
    def __init__(self, directory):
        self.directory = directory
        os.mkdir(directory)
        self.mount("-t", "tmpfs", "-o", f"size={CARD_BYTES},mode=0755", "tmpfs")

    def mount(self, *words):
        subprocess.run(["mount", *words, self.directory], check=True, capture_output=True)

    def remove(self):
        subprocess.run(["umount", "-l", self.directory], check=False, capture_output=True)

    def free(self):
        system = os.statvfs(self.directory)
        return system.f_bavail * system.f_frsize

    def fill(self, leave=0):
        with open(os.path.join(self.directory, "filler"), "ab", buffering=0) as filler:
            while self.free() > leave:
                try:
                    filler.write(b"x" * 4096)
                except OSError:
                    return

    def empty(self):
        try:
            os.remove(os.path.join(self.directory, "filler"))
        except FileNotFoundError:
            pass


class FullCard(unittest.TestCase):
    def setUp(self):
        self.counts = {"killed agent": 0, "killed tap": 0, "tap stopped by a full card": 0, "filled": 0}

    def test_a_card_that_fills_and_empties_under_kills_loses_nothing(self):
        with Stage(taps=1) as stage:
            self.stage = stage
            try:
                self.card = Card(stage.path("card"))
            except subprocess.CalledProcessError as refused:
                self.skipTest(f"mounting isn't allowed here: {refused.stderr.decode().strip()}")
            try:
                self.campaign()
            finally:
                for program in [*stage.taps, *stage.agents]:
                    program.stop()
                self.card.remove()

    def campaign(self):
        stage = self.stage
        self.journal = stage.new_journal("card/journal.db")
        for name in os.listdir(self.card.directory):
            if "backup" in name:  # a small card's owner takes it away
                os.remove(os.path.join(self.card.directory, name))
        self.agent = stage.add_agent(self.journal).start()
        self.tap = None
        self.keep_tap()
        for cycle in range(CYCLES):
            self.step(cycle)
        self.card.empty()
        self.keep_tap()
        self.end_tap()
        self.let_prune()
        stage.wait_quiet(60)
        verdict = stage.compare()
        self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))
        self.assertGreater(self.counts["killed agent"] + self.counts["killed tap"], CYCLES // 3)
        self.assertGreater(self.counts["filled"], 0)
        report(f"{CYCLES} cycles on a card of 1 MiB: {self.counts}, {stage.oracle.written} pours, all once")

    def step(self, cycle):
        dice = self.stage.dice
        time.sleep(dice.uniform(0.02, 0.25))
        self.keep_tap()
        what = cycle % 4
        if what == 0:
            self.card.fill(leave=dice.choice([0, 4096, 40_960]))
            self.counts["filled"] += 1
        elif what == 1:
            self.assertTrue(self.agent.sigkill(), f"the agent had ended by itself:\n{self.agent.log_tail()}")
            self.agent.start()
            self.counts["killed agent"] += 1
        elif what == 2:
            self.card.empty()
            self.let_prune()
        else:
            self.end_tap(kill=True)
            if cycle % 40 == 39:  # a card that never has room for a second holds no more than its first pours
                self.stage.wait_quiet(60)

    def keep_tap(self):
        """As systemd does it: what ended is started again."""
        if self.tap is not None and self.tap.running:
            return
        if self.tap is not None:
            self.end_tap()
            self.counts["tap stopped by a full card"] += 1
        self.tap = self.stage.add_tap(self.journal, 1, seconds=3600, rate=20)
        self.tap.start()

    def end_tap(self, kill=False):
        """Its pours go to the oracle at once: later they may be pruned."""
        tap, self.tap = self.tap, None
        if kill and tap.sigkill():
            self.counts["killed tap"] += 1
        else:
            tap.stop()
        self.stage.taps.remove(tap)
        self.stage.oracle.add_lines(tap.lines())
        try:
            self.stage.oracle.add_unprinted(self.journal, most=1)
        except sqlite3.OperationalError:  # whoever comes to a full card first finds no room for the -shm, even to read
            self.card.empty()
            self.stage.oracle.add_unprinted(self.journal, most=1)

    def let_prune(self):
        """Central has a verified backup of what it has: the journal may make room."""
        begun = self.stage.verb("backup", "begin")
        self.stage.verb("backup", "mark-verified", begun["backup"])


class VanishingCard(unittest.TestCase):
    def test_a_journal_that_is_gone_for_a_while_is_served_again_without_a_restart(self):
        with Stage(taps=1) as stage:
            journal = stage.new_journal()
            agent = stage.add_agent(journal).start()
            stage.add_tap(journal, 1, count=5, rate=50).run()
            stage.finish_taps()
            stage.wait_quiet(30)
            away = stage.path("away")
            os.mkdir(away)
            for name in os.listdir(stage.directory):
                if name.startswith("journal1.db"):
                    os.rename(stage.path(name), os.path.join(away, name))

            def status():
                with open(stage.path("agent1.status"), encoding="utf-8") as file:
                    return file.read()

            wait_until(lambda: "there is no such journal" in status(), 30, status)
            self.assertTrue(agent.running)
            for name in os.listdir(away):
                os.rename(os.path.join(away, name), stage.path(name))
            stage.add_tap(journal, 1, count=5, rate=50).run()
            stage.finish_taps()
            stage.wait_quiet(60)
            self.assertEqual(agent.lives, 1)
            self.assertTrue(stage.compare()["ok"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
