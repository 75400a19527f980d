"""`doctor bench` measures a card within its bytes and its time, leaves nothing, and clears up after a run that was killed.
No figure decides anything here: the machine that tests is not a tap."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from lab import report, run_command, work_directory
from lab.doctor_case import IS_ROOT, may_mount

NOBODY = 65534


class Bench(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="tapline-bench-", dir="/var/tmp")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def bench(self, *options, directory=None, env=None):
        done = run_command("tapline-agent", ["doctor", "bench", directory or self.directory, "--json", *options], env=env,
                           timeout_s=100)
        return done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr

    def left(self):
        return os.listdir(self.directory)

    def test_the_figures_add_up_and_nothing_is_left(self):
        code, said, errors = self.bench("--seconds", "6")
        self.assertIn(code, (0, 1), errors)
        self.assertEqual(code == 1, said["verdict"] == "stalls")
        for name in ("fsync_4k", "commit"):
            spread = said[name]
            self.assertGreater(spread["count"], 0)
            self.assertTrue(0 < spread["p50_us"] <= spread["p99_us"] <= spread["max_us"], spread)
        self.assertGreater(said["sequential"]["bytes"], 0)
        self.assertGreater(said["commit"]["per_s"], 0)
        self.assertLessEqual(said["written_bytes"] or 0, said["bytes_at_most"])
        self.assertIn("pours a second", " ".join(said["what_it_means"]))
        self.assertEqual(self.left(), [])
        report(f"doctor bench here: {said['file_system']}, {said['written_bytes']} bytes in {said['took_ms']} ms, "
               f"fsync p99 {said['fsync_4k']['p99_us']} us, commit p99 {said['commit']['p99_us']} us, "
               f"{said['commit']['per_s']} commits/s")

    def test_its_time_is_bounded(self):
        code, said, errors = self.bench("--seconds", "1")
        self.assertIn(code, (0, 1), errors)
        self.assertLess(said["took_ms"], 30_000)

    def test_a_directory_in_memory_is_said_to_be_no_card(self):
        place = work_directory()
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        code, said, _ = self.bench("--seconds", "1", directory=place)
        memory = place.startswith("/dev/shm")
        self.assertEqual(said["verdict"] == "memory", memory, said)
        self.assertTrue(code == 0 or not memory)

    def test_what_a_killed_run_left_the_next_one_removes(self):
        for phase in ("bench.synced", "bench.measured"):
            code, _, errors = self.bench("--seconds", "1", env={"TAPLINE_TEST_STOP_AT": phase})
            self.assertEqual(code, -9, errors)
            self.assertEqual(self.left(), [".tapline-bench"])
            place = os.path.join(self.directory, ".tapline-bench")
            self.assertIn("sync", os.listdir(place))
            with open(os.path.join(place, "lock"), "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                code, said, _ = self.bench()
                self.assertEqual((code, said["error"]["kind"]), (3, "bench_running"))
                self.assertIn("sync", os.listdir(place), "the other run's files stay")
            self.assertIn(self.bench("--seconds", "1")[0], (0, 1))
            self.assertEqual(self.left(), [])

    @unittest.skipUnless(IS_ROOT, "only root becomes other users")
    def test_root_measures_as_the_directorys_owner(self):
        os.chown(self.directory, NOBODY, NOBODY)
        self.assertEqual(self.bench("--seconds", "1", env={"TAPLINE_TEST_STOP_AT": "bench.measured"})[0], -9)
        place = os.path.join(self.directory, ".tapline-bench")
        self.assertEqual({os.stat(os.path.join(place, name)).st_uid for name in os.listdir(place)}, {NOBODY})

    def test_a_full_card_and_a_missing_directory_are_refused_in_words(self):
        code, said, _ = self.bench(directory=os.path.join(self.directory, "nowhere"))
        self.assertEqual((code, said["error"]["kind"]), (2, "no_such_directory"))
        if IS_ROOT and may_mount(self.directory):
            place = os.path.join(self.directory, "small")
            os.makedirs(place)
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", place], check=True)
            self.addCleanup(subprocess.run, ["umount", place], check=True)
            code, said, _ = self.bench(directory=place)
            self.assertEqual((code, said["error"]["kind"]), (5, "no_room"))
            self.assertEqual(os.listdir(place), [])

    def test_the_usual_place_is_the_journals_directory(self):
        journal = os.path.join(self.directory, "journal.db")
        done = run_command("tapline-agent", ["doctor", "bench", "--json", "--seconds", "1"],
                           env={"TAPLINE_JOURNAL": journal})
        self.assertEqual(json.loads(done.stdout)["directory"], self.directory)
        done = run_command("tapline-agent", ["doctor", "bench", "--json"], env={"TAPLINE_CONFIG": "/dev/null"})
        self.assertEqual(done.returncode, 2, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
