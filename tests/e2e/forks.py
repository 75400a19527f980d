"""Older images, clones and a restored centre: every pour is at the centre, once, whatever comes back in
whatever order."""

import json
import os
import sqlite3
import subprocess
import unittest

from lab import Stage, sql
from lab.cluster import server_programs
from lab.journals import unmarked
from lab.programs import run_command
from lab.waiting import wait_until


class Forks(unittest.TestCase):
    def stage_with(self, alive_s=2, **options):
        """alive_s: a device that is silent so long is gone."""
        stage = Stage(tls=True, **options)
        self.stage = stage.__enter__()
        self.addCleanup(self.leave)
        stage.cluster.rows("INSERT INTO tapline.setting (key, value) VALUES ('fork.alive_s', %s)", (str(alive_s),))
        return stage

    def leave(self):
        result = self._outcome.result
        self.stage.close(failed=any(test is self for test, _ in [*result.errors, *result.failures]))

    def device(self, journal, state, fingerprint, name):
        return self.stage.add_agent(
            journal, name, state_dir=state, env={"TAPLINE_TEST_FINGERPRINT": fingerprint}
        )

    def image_of(self, journal, name):
        """A copy of the card, as a backup of its image would be."""
        path = self.stage.path(name)
        with sqlite3.connect(journal) as source, sqlite3.connect(path) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=WAL")
        source.close()
        target.close()
        self.stage.journals.append(path)
        return path

    def pour(self, journal, count, tap=1):
        """To the end, with or without an agent."""
        self.stage.add_tap(journal, tap, count=count, rate=400, bad=["unknown-card", "null-id"]).start()
        self.stage.finish_taps()

    def agree(self, timeout_s=60):
        self.stage.wait_quiet(timeout_s)
        verdict = self.stage.compare()
        self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))
        self.assertEqual(self.faults(), 0)

    def faults(self):
        """What `reconcile` would call a fault or a hole."""
        done = run_command(
            "tapline-central", ["reconcile", "--json"], env={"DATABASE_URL": self.stage.database_url}
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return 0

    def forks(self, *options):
        done = run_command(
            "tapline-central",
            ["controllers", "forks", *options, "--json"],
            env={"DATABASE_URL": self.stage.database_url},
        )
        return done.returncode, json.loads(done.stdout)["forks"]

    def epochs(self):
        return self.stage.cluster.one("SELECT count(*) FROM tapline.cursor")

    def start_of_a_card(self):
        """A card with 60 settled pours, its agent stopped: (card, image of it, state of the device)."""
        state = self.stage.enroll("bar-1")
        card = self.stage.new_journal()
        agent = self.device(card, state, "pi-1", "card").start()
        self.pour(card, 60)
        self.stage.wait_quiet()
        agent.stop()
        return card, self.image_of(card, "image.db"), state

    def test_an_older_image_after_the_card(self):
        self.stage_with()
        card, image, state = self.start_of_a_card()
        agent = self.device(card, state, "pi-1", "card-2").start()
        self.pour(card, 40)
        self.agree_card(agent)
        with self.subTest("it ends before central's cursor"):
            self.pour(image, 10)
            agent = self.device(image, state, "pi-1", "image").start()
            self.agree()
            agent.stop()
        self.assertEqual(self.epochs(), 2)
        with self.subTest("it has grown past the cursor; the device is another one"):
            third = self.image_of(image, "third.db")
            self.pour(third, 20)
            agent = self.device(third, state, "pi-1", "third").start()
            self.stage.wait_quiet()
            agent.stop()
            self.pour(image, 30)
            agent = self.device(image, state, "pi-9", "image-2").start()
            self.agree()
            agent.stop()
        self.assertEqual(self.epochs(), 3)
        self.assertEqual(self.forks()[0], 0)
        self.assertEqual(self.forks("--all")[1][0]["state"], "repaired")

    def agree_card(self, agent):
        self.stage.wait_quiet()
        agent.stop()

    def test_the_card_after_an_older_image(self):
        self.stage_with()
        card, image, state = self.start_of_a_card()
        self.pour(card, 40)
        self.pour(image, 25)
        agent = self.device(image, state, "pi-1", "image").start()
        wait_until(lambda: unmarked(image) == 0, 30, "the image's pours are settled")
        agent.stop()
        agent = self.device(card, state, "pi-1", "card-2").start()
        self.agree()
        agent.stop()
        # Back and forth: each goes on in the epoch that it has.
        for number, journal in enumerate((image, card, image)):
            self.pour(journal, 5)
            agent = self.device(journal, state, "pi-1", f"again-{number}").start()
            self.agree()
            agent.stop()
        self.assertEqual(self.epochs(), 2)

    def test_a_clone_while_the_card_lives(self):
        stage = self.stage_with(alive_s=180)
        card, clone, state = self.start_of_a_card()
        first = self.device(card, state, "pi-1", "first").start()
        second = self.device(clone, state, "pi-2", "second").start()
        taps = [stage.add_tap(card, 1, seconds=3600, rate=20), stage.add_tap(clone, 1, seconds=3600, rate=20)]
        for tap in taps:
            tap.start()

        def seen():
            """Two are seen when one is heard after the other began and the other is heard again."""
            if self.forks()[0] == 1:
                return True
            first.sigkill()
            first.start()
            return False

        wait_until(seen, 60, "two devices are seen alive", 1)
        wait_until(lambda: "two_alive" in second.log_text() and "two_alive" in first.log_text(), 60, "both wait")
        code, forks = self.forks()
        self.assertEqual((code, forks[0]["state"]), (1, "two_alive"))
        settled = stage.settled()
        written = [len(tap.lines()) for tap in taps]
        wait_until(lambda: all(len(tap.lines()) > n + 40 for tap, n in zip(taps, written)), 30, "the taps go on")
        self.assertEqual(stage.settled(), settled)
        sides = {side["fingerprint"]: side["side"] for side in forks[0]["sides"]}
        decide = ["controllers", "forks", "grant", forks[0]["journal"][:8], "--reason", "the bar has two now"]
        made = stage.verb(*decide, "--side", str(sides["pi-1"]), "--side", str(sides["pi-2"]))
        self.assertEqual(made["chosen"], 2)
        wait_until(lambda: self.epochs() == 3, 60, "each has an epoch of its own")
        stage.finish_taps()
        self.agree()
        self.assertEqual(self.forks()[0], 0)

    def test_power_cuts_in_the_middle_of_the_exchange(self):
        stage = self.stage_with()
        card, image, state = self.start_of_a_card()
        agent = self.device(card, state, "pi-1", "card-2").start()
        self.pour(card, 40)
        self.agree_card(agent)
        self.pour(image, 30)
        agent = self.device(image, state, "pi-1", "image")
        for phase in ("epoch.commit", "epoch.committed"):
            stage.central.stop()
            stage.central.start(TAPLINE_TEST_STOP_AT=phase)
            agent.start()
            self.assertEqual(stage.central.wait(40), -9, stage.central.log_tail())
            agent.sigkill()
            # The server's own default is synchronous_commit=off.
            stage.cluster.sigkill()
            stage.cluster.start()
            expected = 1 if phase == "epoch.commit" else 2
            self.assertEqual(self.epochs(), expected, phase)
            stage.central.start()
            stage.central.wait_ready()
        for phase in ("epoch.answered", "epoch.written"):
            agent.start(TAPLINE_TEST_STOP_AT=phase)
            self.assertEqual(agent.wait(40), -9, agent.log_tail())
        self.assertEqual(sql(image, "SELECT epoch FROM tapline_journal")[0][0], 2)
        agent.start()
        self.agree()
        self.assertEqual(self.epochs(), 2)

    def test_a_moved_card(self):
        stage = self.stage_with()
        card, _, old_state = self.start_of_a_card()
        stage.journals.pop()
        new_state = stage.enroll("bar-2")
        self.pour(card, 20)
        agent = self.device(card, new_state, "pi-2", "new").start()
        wait_until(lambda: "not_yours" in agent.log_text(), 30, "the new device is refused")
        code, forks = self.forks()
        self.assertEqual((code, forks[0]["state"]), (1, "shown_elsewhere"))
        made = stage.verb(
            "controllers", "move", forks[0]["journal"], "--to", "bar-2", "--reason", "the Pi of bar-1 burnt"
        )
        self.assertEqual((made["from"], made["to"]), ("bar-1", "bar-2"))
        agent.stop()
        agent.start()
        self.agree()
        agent.stop()
        old = self.device(card, old_state, "pi-1", "old").start()
        wait_until(lambda: "not_yours" in old.log_text(), 30, "the old device is refused")
        self.assertEqual(self.forks(), (0, []), "nobody has to do anything here")

    def test_a_restored_centre(self):
        stage = self.stage_with(taps=3, alive_s=180)
        agents, journals = [], []
        for number in (1, 2):
            self.add_bar(number, agents, journals)
        self.pour_all(journals, 50)
        stage.wait_quiet()
        in_backup = [stage.highest_seqs()[journal] for journal in journals]
        begun = stage.verb("backup", "begin")
        dump = stage.path("bar.dump")
        self.postgres("pg_dump", "-Fc", "-f", dump, f"--dbname={stage.database_url}")
        stage.verb("backup", "mark-verified", begun["backup"])
        self.add_bar(3, agents, journals)
        self.pour_all(journals, 40)
        stage.wait_quiet()
        prunable = lambda: [sql(j, "SELECT prunable_through FROM tapline_journal")[0][0] for j in journals]
        wait_until(lambda: prunable() == [*in_backup, 0], 30, "what may be pruned is known on the devices")
        self.restore(dump)
        self.pour_all(journals, 30)
        wait_until(lambda: self.listed("bar-3") == "pending", 90, "the new device waits for an operator")
        stage.verb("controllers", "approve", "bar-3")
        self.agree(120)
        self.assertEqual(self.epochs(), 3)
        # The restored centre starts from what it knows: that the backup was verified it doesn't.
        wait_until(lambda: prunable() == [0, 0, 0], 90, "nothing may be pruned any more")
        self.assertEqual(self.forks()[0], 0)
        for agent in agents:
            self.assertTrue(agent.running)

    def add_bar(self, number, agents, journals):
        state = self.stage.enroll(f"bar-{number}")
        journals.append(self.stage.new_journal())
        agents.append(self.device(journals[-1], state, f"pi-{number}", f"bar-{number}").start())

    def pour_all(self, journals, count):
        for number, journal in enumerate(journals, 1):
            self.stage.add_tap(journal, number, count=count, rate=100, bad=["unknown-card", "null-id"]).start()
        self.stage.finish_taps()

    def listed(self, name):
        listed = {one["name"]: one["status"] for one in self.stage.verb("controllers", "list")["controllers"]}
        return listed.get(name)

    def postgres(self, name, *arguments):
        done = subprocess.run(
            [os.path.join(server_programs(), name), *arguments], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def restore(self, dump):
        stage = self.stage
        stage.central.stop()
        stage.cluster.rows("DROP DATABASE bar WITH (FORCE)", database="postgres")
        stage.cluster.create_database("bar")
        self.postgres("pg_restore", f"--dbname={stage.database_url}", "--exit-on-error", dump)
        stage.central.start()
        stage.central.wait_ready()


if __name__ == "__main__":
    unittest.main(verbosity=2)
