"""A technician's look at a journal, without a network: tail, stats, show, schema, export."""

import gzip
import hashlib
import json
import os
import pathlib
import pwd
import resource
import shutil
import signal
import subprocess
import unittest

from lab.journals import sql
from lab.programs import TapSim, adopt, clean_environment, program, run_command
from lab.waiting import wait_until, work_directory

CARDS = ("04a2b611", "04a2b622")


class JournalVerbs(unittest.TestCase):
    def setUp(self):
        self.directory = work_directory()
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.journal = os.path.join(self.directory, "journal.db")
        pathlib.Path(self.journal).touch()
        adopt(self.journal)
        self.taps = 0

    def pour(self, count, **options):
        self.taps += 1
        tap = TapSim(self.directory, self.journal, f"tap{self.taps}", cards=CARDS, seed=self.taps, count=count, rate=2000,
                     **options).run()
        return tap.lines()

    def verb(self, *arguments, expect=0, **options):
        done = run_command("tapline-agent", ["journal", arguments[0], self.journal, *arguments[1:], "--json"], **options)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def path(self, name):
        return os.path.join(self.directory, name)

    def export(self, name, *options, **how):
        said = self.verb("export", "-o", self.path(name), *options, **how)
        return said, pathlib.Path(self.path(name)).read_bytes()

    def test_tail_shows_the_newest_pours_oldest_first_and_goes_on_with_new_ones(self):
        lines = self.pour(30)
        seen = self.verb("tail", "-n", "5")["pours"]
        self.assertEqual([each["columns"]["client_tx_id"] for each in seen], [line["id"] for line in lines[-5:]])
        self.assertEqual({each["standing"] for each in seen}, {"waiting"})
        follow = subprocess.Popen([program("tapline-agent"), "journal", "tail", self.journal, "-n", "1", "--follow", "--json"],
                                  stdout=subprocess.PIPE, text=True, env=clean_environment())
        self.addCleanup(follow.stdout.close)
        self.addCleanup(follow.wait)
        self.addCleanup(follow.kill)
        self.assertEqual(json.loads(follow.stdout.readline())["seq"], 30)
        fresh = self.pour(3)
        self.assertEqual([json.loads(follow.stdout.readline())["columns"]["client_tx_id"] for _ in fresh],
                         [line["id"] for line in fresh])

    def test_masked_cards_are_names_that_are_alike_for_one_card_and_tell_nothing(self):
        self.pour(20)
        plain = self.verb("tail")["pours"]
        masked = self.verb("tail", "--mask-cards")["pours"]
        names = {one["columns"]["card_uid"]: two["columns"]["card_uid"] for one, two in zip(plain, masked)}
        self.assertEqual(len(set(names.values())), len(names))
        self.assertEqual(sorted(names), sorted(CARDS))
        again = {each["columns"]["card_uid"] for each in self.verb("tail", "--mask-cards")["pours"]}
        self.assertFalse(again & set(names.values()), "the salt was kept")

    def test_stats_has_the_two_numbers_a_technician_reads_out(self):
        self.pour(12, tap=1)
        self.pour(8, tap=2)
        sql(self.journal, "UPDATE pours SET status = 'confirmed' WHERE seq <= 5")
        sql(self.journal, "UPDATE tapline_journal SET acked_through = 5")
        stats = self.verb("stats")
        self.assertEqual(stats["statuses"], {"new": 15, "confirmed": 5})
        self.assertEqual(stats["unsynced_per_tap"], {"1": 7, "2": 8})
        total = sql(self.journal, "SELECT sum(volume_ml), sum(price_cents), count(*) FROM pours")[0]
        self.assertEqual(tuple(stats["all"][key] for key in ("volume_ml", "price_cents", "rows")), total)
        self.assertEqual(sum(day["rows"] for day in stats["days"]), 20)
        self.assertEqual(stats["waiting"]["rows"], 15)
        self.assertEqual(stats["history"][-1]["revision"], "j0001")
        text = run_command("tapline-agent", ["journal", "stats", self.journal]).stdout
        self.assertIn("20 pours, 15 wait for central", text)

    def test_stats_of_values_that_no_sum_can_hold_still_counts_the_rows(self):
        for volume in (2**62, 2**62, "much", None, 1.5, b"\x00"):
            sql(self.journal, "INSERT INTO pours (volume_ml, price_cents, tap_id) VALUES (?, ?, ?)", (volume, 10, "x"))
        stats = self.verb("stats")
        self.assertEqual(stats["all"], {"rows": 6, "volume_ml": 0, "price_cents": 60})

    def test_show_finds_a_pour_by_seq_id_and_short_id_with_its_hash_and_verdict(self):
        lines = self.pour(4)
        sql(self.journal, "INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, volume_ml)"
                          " VALUES ('odd', 'TWICE', 'c', 1, -1), ('even', 'TWICE', 'c', 1, 100)")
        by_seq = self.verb("show", "3")["pours"]
        self.assertEqual(by_seq, self.verb("show", lines[2]["id"])["pours"])
        export = json.loads(self.export("one.jsonl", "--from", "3")[1].splitlines()[1])
        self.assertEqual(len(by_seq[0]["row_hash"]), 64)
        self.assertNotEqual(by_seq[0]["row_hash"], export["prev_hash"])
        self.assertEqual(self.verb("show", "2")["pours"][0]["row_hash"], export["prev_hash"])
        self.assertEqual(self.verb("show", "6")["pours"][0]["row_hash"], export["hash"])
        both = self.verb("show", "TWICE")["pours"]
        self.assertEqual([each["seq"] for each in both], [5, 6])
        self.assertEqual(both[0]["verdict"]["code"], "volume_negative")
        self.assertIsNone(both[1]["verdict"])
        self.assertEqual(self.verb("show", "nobody", expect=1)["pours"], [])

    def test_an_export_is_whole_batches_of_the_wire_with_a_digest_over_all_before_it(self):
        lines = self.pour(1200)
        said, data = self.export("pours.jsonl")
        header, *batches, end = data.splitlines()
        header, end = json.loads(header), json.loads(end)["export_end"]
        self.assertEqual((header["tapline_export"], header["first_seq"], header["prev_hash"]), (1, 1, "0" * 64))
        self.assertEqual(end["sha256"], hashlib.sha256(data[:data.rindex(b'{"export_end"')]).hexdigest())
        self.assertEqual(said["sha256"], end["sha256"])
        batches = [json.loads(line) for line in batches]
        self.assertEqual((len(batches), end["rows"], end["last_seq"]), (end["batches"], 1200, 1200))
        before = header["prev_hash"]
        for batch in batches:
            self.assertEqual(batch["prev_hash"], before)
            before = batch["hash"]
        self.assertEqual(before, end["hash"])
        ids = [row["columns"]["client_tx_id"] for batch in batches for row in batch["rows"]]
        self.assertEqual(ids, [line["id"] for line in lines])
        packed = gzip.decompress(self.export("pours.jsonl.gz")[1]).splitlines()
        self.assertEqual(len(packed), len(batches) + 2)
        self.assertEqual(json.loads(packed[-1])["export_end"]["hash"], end["hash"])

    def test_an_export_begins_behind_the_acked_pours_and_all_begins_with_the_first(self):
        self.pour(10)
        digest = bytes.fromhex(self.verb("show", "6")["pours"][0]["row_hash"])
        sql(self.journal, "UPDATE tapline_journal SET acked_through = 6, acked_hash = ?", (digest,))
        self.assertEqual(self.export("a")[0]["first_seq"], 7)
        self.assertEqual(self.export("b", "--all")[0]["first_seq"], 1)
        self.assertEqual(self.export("c", "--from", "9")[0]["rows"], 2)
        refused = run_command("tapline-agent", ["journal", "export", self.journal, "-o", self.path("d"), "--from", "99"])
        self.assertEqual(refused.returncode, 2)
        self.assertFalse(os.path.exists(self.path("d")))

    def test_nothing_to_export_writes_no_file(self):
        said = self.verb("export", "-o", self.path("none"))
        self.assertEqual((said["rows"], said["file"]), (0, None))
        self.assertEqual([name for name in os.listdir(self.directory) if name.startswith("none")], [])

    def test_only_an_ordinary_file_is_replaced_by_an_export(self):
        """As root a rename puts a file in the place of a device, /dev/null for one."""
        self.pour(3)
        pipe, link = os.path.join(self.directory, "pipe"), os.path.join(self.directory, "link")
        os.mkfifo(pipe)
        os.symlink("/dev/null", link)
        for place in (pipe, link, self.directory):
            before = os.lstat(place)
            said = self.verb("export", "-o", place, expect=2)
            self.assertEqual(said["error"]["kind"], "not_a_file")
            self.assertEqual(os.lstat(place).st_ino, before.st_ino)

    def test_an_export_takes_the_place_of_an_earlier_one_and_of_nothing_else(self):
        """Least of all of the journal, whose pours would be gone."""
        self.pour(3)
        notes = self.path("notes.txt")
        pathlib.Path(notes).write_text("call the brewery", encoding="utf-8")
        for place in (self.journal, self.journal + "-wal", self.journal + ".tapline.lock", notes):
            pathlib.Path(place).touch()
            before = pathlib.Path(place).read_bytes()
            self.assertEqual(self.verb("export", "-o", place, expect=2)["error"]["kind"], "not_replaced")
            self.assertEqual(pathlib.Path(place).read_bytes(), before)
        for name in ("e.jsonl", "e.jsonl.gz", "e.tgz"):
            first = self.export(name)[1]
            self.assertEqual(first[:2] == b"\x1f\x8b", name != "e.jsonl")
            self.export(name)
        pathlib.Path(self.path("empty")).touch()
        self.export("empty")

    def test_looking_works_beside_a_running_agent_and_changes_nothing(self):
        self.pour(40)
        agent = subprocess.Popen(
            [program("tapline-agent"), "run", "--journal", self.journal, "--central", "http://127.0.0.1:1", "--name", "a",
             "--status-file", self.path("status")], stderr=subprocess.DEVNULL, env=clean_environment())
        self.addCleanup(agent.wait)
        self.addCleanup(agent.terminate)
        wait_until(lambda: self.verb("stats")["statuses"] == {"held": 40}, 20, "the agent took custody")
        before = sql(self.journal, "SELECT * FROM pours"), sql(self.journal, "SELECT * FROM tapline_journal")
        self.assertEqual(self.export("beside")[0]["rows"], 40)
        self.assertEqual(len(self.verb("tail", "-n", "100")["pours"]), 40)
        self.verb("show", "1")
        self.verb("schema")
        after = sql(self.journal, "SELECT * FROM pours"), sql(self.journal, "SELECT * FROM tapline_journal")
        self.assertEqual(before, after)

    def test_an_export_killed_before_its_rename_leaves_no_file_and_the_next_one_is_whole(self):
        self.pour(20)
        done = run_command("tapline-agent", ["journal", "export", self.journal, "-o", self.path("cut")],
                           env={"TAPLINE_TEST_STOP_AT": "whole_file.rename"})
        self.assertEqual(done.returncode, -signal.SIGKILL)
        self.assertFalse(os.path.exists(self.path("cut")))
        self.assertEqual(self.export("cut")[0]["rows"], 20)
        self.assertEqual([name for name in os.listdir(self.directory) if name.endswith(".partial")], [])

    def test_a_disk_that_is_full_leaves_the_old_export_as_it_was(self):
        self.pour(2000)
        old = '{"tapline_export":1} an earlier one'
        pathlib.Path(self.path("kept")).write_text(old, encoding="utf-8")

        def little_room():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        done = subprocess.run([program("tapline-agent"), "journal", "export", self.journal, "-o", self.path("kept"), "--json"],
                              capture_output=True, text=True, check=False, env=clean_environment(), preexec_fn=little_room)
        self.assertEqual(json.loads(done.stdout)["error"]["kind"], "disk_full", done.stdout + done.stderr)
        self.assertEqual(pathlib.Path(self.path("kept")).read_text(encoding="utf-8"), old)
        self.assertEqual([name for name in os.listdir(self.directory) if name.endswith(".partial")], [])

    @unittest.skipUnless(os.geteuid() == 0, "needs root")
    def test_root_writes_to_its_own_place_what_it_reads_as_the_journals_owner(self):
        self.pour(10)
        owner = pwd.getpwnam("nobody")
        os.chmod(self.directory, 0o755)
        for name in os.listdir(self.directory):
            if name.startswith("journal.db"):
                os.chown(self.path(name), owner.pw_uid, owner.pw_gid)
        inside = self.path("inside")
        os.mkdir(inside)
        os.chown(inside, owner.pw_uid, owner.pw_gid)
        for name in list(os.listdir(self.directory)):
            if name.startswith("journal.db"):
                os.rename(self.path(name), os.path.join(inside, name))
        self.journal = os.path.join(inside, "journal.db")
        os.mkdir(self.path("usb"), 0o700)
        self.assertEqual(self.export("usb/pours.jsonl")[0]["rows"], 10)
        self.assertEqual(os.stat(self.path("usb/pours.jsonl")).st_uid, 0)
        users = {os.stat(os.path.join(inside, name)).st_uid for name in os.listdir(inside)}
        self.assertEqual(users, {owner.pw_uid})
        stranger = run_command("tapline-agent", ["journal", "stats", self.journal], user="daemon")
        self.assertEqual(stranger.returncode, 3, stranger.stderr)

    def test_a_journal_that_isnt_adopted_is_refused_in_words(self):
        raw = self.path("raw.db")
        sql(raw, "CREATE TABLE pours (client_tx_id TEXT PRIMARY KEY)")
        for verb in (["tail"], ["stats"], ["show", "1"], ["schema"], ["export", "-o", self.path("x")]):
            done = run_command("tapline-agent", ["journal", verb[0], raw, *verb[1:]])
            self.assertIn(done.returncode, (3, 5), (verb, done.stderr))
            self.assertIn("What to do:", done.stderr)
        self.assertFalse(os.path.exists(self.path("x")))


if __name__ == "__main__":
    unittest.main(verbosity=2)
