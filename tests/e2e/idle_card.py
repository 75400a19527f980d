"""An agent with nothing to do writes nothing: counted in sectors of a card of its own."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest

from lab import Stage, report, run_command, unmarked, wait_until

IDLE_S = 60 if os.environ.get("TAPLINE_LONG") else 16  # three heartbeats at least
HEARTBEAT_S = 5
# ext4 commits every 5 s.
AT_REST_S = 7


class Card:
    """A small ext4 on a loop device."""

    def __init__(self, test):
        if os.geteuid() != 0:
            test.skipTest("a loop device needs root")
        directory = tempfile.mkdtemp(prefix="tapline-card-")
        test.addCleanup(shutil.rmtree, directory)
        image, self.directory = os.path.join(directory, "card.img"), os.path.join(directory, "card")
        os.mkdir(self.directory)
        with open(image, "wb") as file:
            file.truncate(64 << 20)
        # Without lazy initialisation the kernel writes nothing by itself after the mount.
        self.must("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", image)
        attached = subprocess.run(["losetup", "--find", "--show", image], capture_output=True, text=True, check=False)
        if attached.returncode != 0:
            test.skipTest(f"no loop device: {attached.stderr.strip()}")
        self.device = attached.stdout.strip()
        test.addCleanup(subprocess.run, ["losetup", "--detach", self.device], check=False)
        mounted = subprocess.run(
            ["mount", "-t", "ext4", "-o", "noatime", self.device, self.directory], capture_output=True, text=True, check=False
        )
        if mounted.returncode != 0:
            test.skipTest(f"the card can't be mounted: {mounted.stderr.strip()}")
        test.addCleanup(subprocess.run, ["umount", self.directory], check=False)

    @staticmethod
    def must(*command):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def sectors(self):
        with open(f"/sys/block/{os.path.basename(self.device)}/stat", encoding="utf-8") as stat:
            return int(stat.read().split()[6])

    def come_to_rest(self):
        """The checkpoint left a page of the -shm that the kernel writes back when it likes, unless it is told."""
        self.must("sync", "--file-system", self.directory)
        self.rest()

    def rest(self):
        since, last = time.monotonic(), self.sectors()

        def rests():
            nonlocal since, last
            if self.sectors() != last:
                since, last = time.monotonic(), self.sectors()
            return time.monotonic() - since > AT_REST_S

        wait_until(rests, 90, "the card comes to rest", 0.5)

    def written_in(self, seconds):
        before = self.sectors()
        time.sleep(seconds)
        return self.sectors() - before


class IdleCard(unittest.TestCase):
    def test_an_idle_agent_writes_no_sector_and_says_so(self):
        with Stage(taps=1, central_toml=f"[fleet]\nheartbeat_s = {HEARTBEAT_S}\n") as stage:
            card = Card(self)
            journal = os.path.join(card.directory, "local_journal.db")
            open(journal, "wb").close()
            stage.adopted(journal)
            agent = stage.add_agent(journal)
            agent.start()
            before = card.sectors()
            stage.add_tap(journal, count=20, rate=20).run()
            stage.finish_taps()
            wait_until(lambda: stage.settled() == 20 and unmarked(journal) == 0, 60, "every pour is settled")
            status_file = stage.path(f"{agent.name}.status")
            card.rest()
            wait_until(lambda: self.wal_pages(status_file) == 0, 60, "the WAL is copied back")
            card.come_to_rest()
            self.assertGreater(card.sectors(), before, "the counter counts")
            idle = card.written_in(IDLE_S)
            told = self.wear(status_file)
            agent.stop()
            if idle > 0:
                card.come_to_rest()
                control = card.written_in(IDLE_S)
                self.assertLessEqual(idle, control, f"{idle} sectors by an idle agent, {control} without one")
            report(f"idle for {IDLE_S} s: {idle} sectors")
            self.assertEqual(told["pours"], 20)
            self.assertGreater(told["bytes_per_pour"], 0)
            self.assertGreater(told["syncs_per_pour"], 0)
            self.assertGreater(told["idle_s"], 0)
            self.assertEqual(told["bytes_per_idle_hour"], 0)
            self.assertEqual(told["syncs_per_idle_hour"], 0)

    def wal_pages(self, status_file):
        try:
            with open(status_file, encoding="utf-8") as file:
                return json.load(file)["journals"][0]["wal_pages"]
        except json.JSONDecodeError:  # half-written
            return None

    def wear(self, status_file):
        """Idle time counts from 15 s after the last pour on, from one heartbeat to another."""

        def idle_told():
            done = run_command("tapline-agent", ["status", "--status-file", status_file, "--json"])
            wear = json.loads(done.stdout)["wear"]
            return wear and wear[0]["idle_s"] > 0 and wear[0]

        return wait_until(idle_told, 60, "an idle agent says what it wrote", 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
