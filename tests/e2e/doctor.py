"""`doctor` names what was planted, by its id, and nothing else; each fault beside a healthy run on the same machine."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import unittest

from lab import adopt, run_command, sql, work_directory
from lab.programs import TapSim

HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN")
connection.execute("SELECT count(*) FROM pours").fetchall()
print("held", flush=True)
time.sleep(60)
"""


class Doctor(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.journal = os.path.join(self.directory, "local_journal.db")
        TapSim(self.directory, self.journal, "tap", release="gen8", create=True, count=20).run()
        adopt(self.journal)
        self.root = os.path.join(self.directory, "root")
        self.plant("proc/meminfo", "MemTotal: 900000 kB\nMemAvailable: 500000 kB\n")

    def plant(self, path, text):
        file = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w", encoding="utf-8") as out:
            out.write(text)

    def doctor(self, *options):
        done = run_command("tapline-agent", ["doctor", "--json", "--journal", self.journal, *options], timeout_s=20)
        report = json.loads(done.stdout)
        self.assertEqual(report["exit_code"], done.returncode, done.stderr)
        return {check["id"]: check for check in report["checks"]}

    def named(self, *options):
        return {i: c for i, c in self.doctor(*options).items() if c["verdict"] in ("warn", "fail")}

    def expect(self, plant, *ids, options=()):
        """The fault adds exactly these to what a healthy run names here."""
        before = set(self.named(*options))
        plant()
        after = self.named(*options)
        self.assertEqual(set(after) - before, set(ids))
        for name in ids:
            self.assertNotEqual(after[name]["what_to_do"], "", name)
        return after

    def planted(self, path, text, *ids):
        self.expect(lambda: self.plant(path, text), *ids, options=("--root", self.root))

    def test_a_healthy_journal_in_a_healthy_tree_names_nothing(self):
        self.assertEqual(self.named("--root", self.root), {})

    def test_what_the_kernel_tells_is_named(self):
        power = "sys/devices/platform/soc/soc:firmware/get_throttled"
        for path, text, *ids in (
            ("proc/meminfo", "MemAvailable: 9000 kB\n", "memory_available"),
            (power, "0x1\n", "under_voltage"),
            ("sys/class/thermal/thermal_zone0/temp", "85000\n", "temperature"),
            ("sys/fs/ext4/mmcblk0p2/errors_count", "3\n", "filesystem_errors"),
            ("sys/block/mmcblk0/device/pre_eol_info", "0x03\n", "card_wear"),
        ):
            with self.subTest(path):
                self.planted(path, text, *ids)
        self.plant(power, "0x0\n")
        self.planted(power, "0x40000\n", "throttled")

    def test_a_hard_link_is_named(self):
        self.expect(lambda: os.link(self.journal, self.journal + ".copy"), "journal_hard_links")

    def test_a_missing_file_is_named(self):
        self.expect(lambda: os.remove(self.journal), "journal_file", "journal_adopted")

    @unittest.skipUnless(os.geteuid() == 0, "only root gives files away")
    def test_a_companion_of_another_user_is_named(self):
        def give_away():
            open(self.journal + "-shm", "ab").close()
            os.chown(self.journal + "-shm", 65534, 65534)

        self.expect(give_away, "companion_owner", "journal_adopted")

    def test_a_dropped_trigger_is_named(self):
        names = sql(self.journal, "SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        self.expect(lambda: sql(self.journal, f'DROP TRIGGER "{names[0][0]}"'), "schema_drift")

    def test_what_the_old_loop_settled_before_adoption_is_not_named(self):
        old = os.path.join(self.directory, "old.db")
        TapSim(self.directory, old, "old", release="gen8", create=True, count=5).run()
        sql(old, "UPDATE pours SET status = 'confirmed'")
        adopt(old)
        self.journal = old
        self.assertEqual(self.named("--root", self.root), {})

    def test_statuses_of_another_program_are_named(self):
        TapSim(self.directory, self.journal, "later", release="gen8", count=5, seed=2).run()
        self.expect(lambda: sql(self.journal, "UPDATE pours SET status = 'confirmed'"), "foreign_status")

    def test_quarantined_pours_are_named(self):
        self.expect(lambda: sql(self.journal, "UPDATE pours SET status = 'quarantined'"), "quarantined")

    def test_a_damaged_page_is_named(self):
        def damage():
            connection = sqlite3.connect(self.journal)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'tapline_clock'").fetchone()[0]
            connection.close()
            with open(self.journal, "r+b") as file:
                file.seek((root - 1) * 4096)
                file.write(b"\xff" * 64)

        self.expect(damage, "journal_integrity")

    def test_an_unknown_setting_is_named_with_its_line(self):
        config = os.path.join(self.directory, "agent.toml")

        def plant():
            with open(config, "w", encoding="utf-8") as file:
                file.write('centrall = "x"\n')

        open(config, "wb").close()
        found = self.expect(plant, "settings", options=("--config", config))
        self.assertIn("centrall", found["settings"]["measured"])
        self.assertIn(f"{config}:1", found["settings"]["measured"])

    def holder(self):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, self.journal], stdout=subprocess.PIPE, text=True
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stdout.readline(), "held\n")
        return process

    def test_a_reader_that_pins_the_wal_is_named_by_its_process(self):
        reader = self.holder()

        def grow():
            connection = sqlite3.connect(self.journal)
            connection.execute("CREATE TABLE padding (x BLOB)")
            connection.execute("INSERT INTO padding VALUES (zeroblob(6000000))")
            connection.commit()
            connection.close()

        found = self.expect(grow, "wal_size", "wal_pinned")
        self.assertIn(f"process {reader.pid} ", found["wal_pinned"]["measured"])

    def test_a_process_that_holds_the_replaced_file_is_named(self):
        reader = self.holder()
        copy = self.journal + ".new"

        def swap():
            sql(self.journal, f"VACUUM INTO '{copy}'")
            for suffix in ("-wal", "-shm"):
                if os.path.exists(self.journal + suffix):
                    os.remove(self.journal + suffix)
            os.rename(copy, self.journal)

        found = self.expect(swap, "journal_swapped")
        self.assertIn(f"process {reader.pid} ", found["journal_swapped"]["measured"])

    def test_a_journal_that_is_not_adopted_is_named(self):
        done = run_command("tapline-agent", ["journal", "downgrade", self.journal, "gen8"])
        self.assertEqual(done.returncode, 0, done.stderr)
        found = self.named("--root", self.root)
        self.assertEqual(set(found), {"journal_adopted"})
        self.assertIn("journal adopt", found["journal_adopted"]["what_to_do"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
