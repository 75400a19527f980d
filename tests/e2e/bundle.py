"""`bundle` makes one file that support can read, whatever is wrong with the machine, and changes nothing."""

import json
import os
import shutil
import socket
import stat
import subprocess
import tarfile
import time
import unittest

from lab import adopt, run_command, sql, work_directory
from lab.doctor_case import IS_ROOT, may_mount
from lab.programs import TapSim

NOBODY = 65534


class Bundle(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.home = os.path.join(self.directory, "tap")
        os.makedirs(self.home)
        self.journal = os.path.join(self.home, "local_journal.db")
        TapSim(self.directory, self.journal, "tap", release="gen8", create=True, count=12).run()
        adopt(self.journal)
        self.config = os.path.join(self.directory, "agent.toml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f'journal = "{self.journal}"\nname = "bar-7"\n')
        self.output = os.path.join(self.directory, "out.tar.gz")

    def bundle(self, *options, output=None):
        done = run_command("tapline-agent", ["bundle", "--json", "-o", output or self.output, "--config", self.config,
                                             "--state-dir", os.path.join(self.directory, "state"), *options], timeout_s=120)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def parts(self, path=None):
        """name -> text; the directory of the archive is one."""
        with tarfile.open(path or self.output) as archive:
            members = {m.name.split("/", 1)[1]: archive.extractfile(m).read().decode() for m in archive.getmembers()}
            self.assertEqual(len({m.name.split("/")[0] for m in archive.getmembers()}), 1)
        return members

    def made(self, *options):
        code, said, errors = self.bundle(*options)
        self.assertEqual(code, 0, errors)
        parts = self.parts()
        manifest = json.loads(parts["manifest.json"])
        self.assertEqual({p["name"] for p in manifest["parts"]} | {"manifest.json"}, set(parts))
        self.assertEqual({p["name"]: p["bytes"] for p in said["parts"]},
                         {name: len(text.encode()) for name, text in parts.items() if name != "manifest.json"})
        return parts, {p["name"]: p["note"] for p in manifest["parts"]}

    def test_it_holds_what_support_asks_for_and_every_tar_reads_it(self):
        log = os.path.join(self.directory, "some.log")
        with open(log, "w", encoding="utf-8") as file:
            file.write("first line\n" + "x" * 99 + "\n" * (2 << 20) + "last line\n")
        parts, notes = self.made("--log", log)
        self.assertEqual(stat.S_IMODE(os.stat(self.output).st_mode), 0o600)
        subprocess.run(["tar", "-xzf", self.output, "-C", self.directory], check=True)
        doctor = {c["id"]: c for c in json.loads(parts["doctor.json"])["checks"]}
        self.assertEqual(doctor["journal_integrity"]["verdict"], "ok")
        self.assertEqual(doctor["journal_integrity"]["subject"], self.journal)
        self.assertEqual(json.loads(parts["settings.json"])["name"], "bar-7")
        self.assertEqual(json.loads(parts["status.json"])["journals"][0]["depth"], 12)
        self.assertEqual(json.loads(parts["journal-1/stats.json"])["all"]["rows"], 12)
        self.assertIn("tapline_pour_is_kept", parts["journal-1/schema.json"])
        self.assertEqual(json.loads(parts["journal-1/history.json"])["history"][-1]["current_after"], "j0001")
        pours = json.loads(parts["journal-1/tail.json"])["pours"]
        self.assertEqual(len(pours), 12)
        cards = {row[0] for row in sql(self.journal, "SELECT DISTINCT card_uid FROM pours")}
        self.assertNotIn(None, cards)
        for card in cards:
            self.assertNotIn(f'"{card}"', json.dumps(pours))
        self.assertEqual(len({pour["columns"]["card_uid"] for pour in pours}), len(cards), "still told apart")
        self.assertIn("MemAvailable", parts["system.txt"])
        self.assertTrue(parts["log-1.txt"].endswith("last line\n"))
        self.assertNotIn("first line", parts["log-1.txt"])
        self.assertLessEqual(len(parts["log-1.txt"]), 1 << 20)
        self.assertEqual(notes["identity.json"], "this device isn't enrolled")

    def test_the_journal_and_what_lies_beside_it_stay_as_they_are(self):
        before = (sql(self.journal, "SELECT * FROM pours"), sorted(os.listdir(self.home)))
        self.made()
        self.assertEqual((sql(self.journal, "SELECT * FROM pours"), sorted(os.listdir(self.home))), before)

    def test_it_is_made_when_nothing_is_well(self):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write("nonsense = 1\n")
        damaged = os.path.join(self.home, "damaged.db")
        with open(damaged, "wb") as file:
            file.write(b"SQLite format 3\0" + b"\xff" * 8000)
        os.mkfifo(os.path.join(self.directory, "pipe"))
        parts, notes = self.made("--journal", damaged, "--journal", os.path.join(self.home, "missing.db"),
                                 "--log", os.path.join(self.directory, "pipe"))
        self.assertIn("see doctor.json", notes["settings.json"])
        self.assertIn("error", json.loads(parts["journal-1/stats.json"]))
        self.assertIn("error", json.loads(parts["journal-2/stats.json"]))
        self.assertIn("can't be read", notes["log-1.txt"])
        self.assertIn("nonsense", parts["doctor.json"])

    def test_a_bad_line_in_the_settings_blinds_nobody_for_the_others(self):
        with open(self.config, "a", encoding="utf-8") as file:
            file.write("central = https://no.quotes:1\nkeep_days = -1\n")
        parts, notes = self.made()
        self.assertEqual(json.loads(parts["journal-1/stats.json"])["all"]["rows"], 12)
        self.assertIn("see doctor.json", notes["settings.json"])
        checks = {(c["id"], c["subject"]): c for c in json.loads(parts["doctor.json"])["checks"]}
        self.assertEqual(checks["journal_integrity", self.journal]["verdict"], "ok")
        for line in (":3:", ":4:"):
            self.assertIn(f"agent.toml{line}", checks["settings", ""]["measured"])
        done = run_command("tapline-agent", ["status", "--json", "--config", self.config])
        said = json.loads(done.stdout)
        self.assertEqual((done.returncode, said["journals"][0]["depth"]), (5, 12))
        self.assertEqual(len(said["settings_troubles"]), 2)
        done = run_command("tapline-agent", ["record", "--wait", "0", "--json", "--config", self.config])
        self.assertEqual(json.loads(done.stdout)["seq"], 13)
        self.assertIn("agent.toml:3:", done.stderr)

    def test_what_takes_too_long_is_left_out_and_said(self):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            started = time.monotonic()
            parts, notes = self.made("--time-limit", "1", "--central", f"http://127.0.0.1:{silent.getsockname()[1]}")
        self.assertLess(time.monotonic() - started, 30)
        self.assertIn("ended after", notes["doctor.json"])
        self.assertIn("the time was over", notes["journal-1/tail.json"])
        self.assertEqual(parts["journal-1/tail.json"], "")

    def test_it_goes_to_stdout_unpacked(self):
        done = subprocess.run([os.path.join(os.environ["TAPLINE_BIN"], "tapline-agent"), "bundle", "-o", "-", "--config",
                               self.config], stdout=subprocess.PIPE, check=True)
        path = os.path.join(self.directory, "out.tar")
        with open(path, "wb") as file:
            file.write(done.stdout)
        self.assertIn("doctor.json", self.parts(path))

    @unittest.skipUnless(IS_ROOT, "only root becomes other users, and mounts")
    def test_root_reads_as_the_journals_owner_and_writes_as_root(self):
        for path in (self.home, *(os.path.join(self.home, name) for name in os.listdir(self.home))):
            os.chown(path, NOBODY, NOBODY)
        parts, _ = self.made()
        self.assertEqual(json.loads(parts["journal-1/stats.json"])["all"]["rows"], 12)
        self.assertEqual(os.stat(self.output).st_uid, 0)
        self.assertEqual({os.stat(os.path.join(self.home, name)).st_uid for name in os.listdir(self.home)}, {NOBODY})

    def test_a_place_without_room_leaves_nothing_behind(self):
        if not IS_ROOT or not may_mount(self.directory):
            self.skipTest("a small disk needs a mount")
        place = os.path.join(self.directory, "stick")
        os.makedirs(place)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", place], check=True)
        self.addCleanup(subprocess.run, ["umount", place], check=True)
        code, said, _ = self.bundle(output=os.path.join(place, "out.tar.gz"))
        self.assertEqual((code, said["error"]["kind"]), (5, "disk_full"))
        self.assertEqual(os.listdir(place), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
