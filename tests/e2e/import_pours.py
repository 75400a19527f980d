"""Pours that come as a file: each counts once, whoever brings it, and a bad file changes nothing."""

import gzip
import hashlib
import json
import os
import pathlib
import shutil
import signal
import unittest

from lab import Stage, must, run_command, sql

STATE = ("SELECT (SELECT count(*) FROM pours), (SELECT count(*) FROM tapline.quarantine),"
         " (SELECT count(*) FROM tapline.receipt), (SELECT sum(balance) FROM guests),"
         " (SELECT sum(current_volume_ml) FROM kegs), (SELECT coalesce(sum(cursor), 0) FROM tapline.cursor),"
         " (SELECT count(*) FROM tapline.controller_event), (SELECT count(*) FROM tapline.journal)")
BAD = ("negative", "unknown-card", "null-id", "int64-volume")


class ImportPours(unittest.TestCase):
    def stage_with(self, **options):
        stage = Stage(taps=2, **options)
        stage.__enter__()
        self.addCleanup(stage.__exit__, None, None, None)
        self.stage = stage
        return stage

    def state(self):
        return self.stage.cluster.rows(STATE)[0]

    def offline_device(self, connected=20, alone=1300, name="bar-1"):
        """A journal whose agent sent some pours, and then lost its network. Gives agent and journal."""
        stage = self.stage
        journal = stage.new_journal()
        agent = stage.add_agent(journal, name)
        if connected:
            agent.start()
            stage.add_tap(journal, count=connected, rate=500).start()
            stage.finish_taps()
            stage.wait_quiet()
            self.assertEqual(agent.stop(), 0)
        stage.add_tap(journal, count=alone - len(BAD), rate=2000, bad=BAD).start()
        stage.finish_taps()
        return agent, journal

    def export(self, journal, name="pours.jsonl", *options):
        path = self.stage.path(name)
        must("tapline-agent", ["journal", "export", journal, "-o", path, *options])
        return path

    def bring(self, path, *options, expect=0, env=None):
        done = run_command("tapline-central", ["import", path, *options, "--json"],
                           env={"DATABASE_URL": self.stage.database_url, **(env or {})})
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return json.loads(done.stdout) if done.stdout.startswith("{") else None

    def refused(self, path, code, expect=5, *options):
        before = self.state()
        self.assertEqual(self.bring(path, *options, expect=expect)["error"]["kind"], code)
        self.assertEqual(self.state(), before, code)

    def all_is_there_once(self):
        self.stage.wait_quiet()
        verdict = self.stage.compare()
        self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))

    def test_a_device_without_network_is_brought_in_by_hand_and_goes_on_by_itself(self):
        stage = self.stage_with()
        agent, journal = self.offline_device()
        path = self.export(journal, "pours.jsonl.gz")
        before = self.state()
        plan = self.bring(path, "--dry-run")
        self.assertEqual((plan["would_settle"], plan["already_there"]), (1300, 0))
        self.assertEqual(self.state(), before)
        said = self.bring(path)
        self.assertEqual((said["taken"], said["acked_through"]), (1300, 1320))
        settled = self.state()
        self.assertEqual(settled[0] + settled[1], 1320)
        again = self.bring(path)
        self.assertEqual((again["taken"], again["already_there"]), (0, 1300))
        self.assertEqual(self.state(), settled)
        stage.add_tap(journal, count=30, rate=500).start()
        stage.finish_taps()
        agent.start()
        self.all_is_there_once()
        self.assertEqual(self.bring(path)["taken"], 0)
        whole = self.export(journal, "all.jsonl", "--all")
        self.assertEqual(self.bring(whole)["already_there"], 1350)
        events = stage.cluster.rows("SELECT controller, who <> '', detail FROM tapline.controller_event"
                                    " WHERE action = 'imported'")
        self.assertEqual([event[:2] for event in events], [("bar-1", True)])
        self.assertIn(said["sha256"], events[0][2])

    def test_a_device_that_never_was_there_needs_the_operators_word_whose_it_is(self):
        stage = self.stage_with()
        agent, journal = self.offline_device(connected=0, alone=200, name="bar-9")
        path = self.export(journal)
        self.refused(path, "unknown_journal", 3)
        self.refused(path, "unknown_controller", 2, "--controller", "bar-9")
        must("tapline-central", ["controllers", "enroll", "bar-9", "--tls", self.some_tls()],
             env={"DATABASE_URL": stage.database_url})
        said = self.bring(path, "--controller", "bar-9")
        self.assertEqual((said["new_journal"], said["taken"]), (True, 200))
        self.refused(path, "not_yours", 3, "--controller", "bar-8")
        agent.start()
        self.all_is_there_once()

    def some_tls(self):
        directory = self.stage.path("authority")
        must("tapline-central", ["tls", "init", "--name", "localhost", "--dir", directory])
        return directory

    def test_a_file_with_any_byte_changed_or_cut_anywhere_changes_nothing(self):
        self.stage_with()
        _, journal = self.offline_device(alone=700)
        good = pathlib.Path(self.export(journal)).read_bytes()
        bad = pathlib.Path(self.stage.path("bad.jsonl"))
        before = self.state()
        places = sorted(self.stage.dice.sample(range(len(good) - 1), 20))
        for place in places:
            changed = bytearray(good)
            changed[place] ^= 1 << self.stage.dice.randrange(8)
            for data in (bytes(changed), good[:place], good[:place] + good[place + 1:]):
                bad.write_bytes(data)
                error = self.bring(str(bad), expect=5)["error"]
                self.assertIn(error["kind"], ("digest_mismatch", "cut_file", "not_an_export", "malformed",
                                              "export_version", "trailing_data"), (place, error))
        bad.write_bytes(good + b"more\n")
        self.refused(str(bad), "trailing_data")
        bad.write_bytes(gzip.compress(good)[:-200])
        self.assertEqual(self.bring(str(bad), expect=5)["error"]["kind"], "cut_file")
        self.assertEqual(self.state(), before)

    def rewritten(self, good, change):
        """The file with a line changed, and a digest that fits again: only the chain is in the way."""
        lines = good.splitlines(keepends=True)
        lines = change(lines)
        end = json.loads(lines[-1])
        end["export_end"]["sha256"] = hashlib.sha256(b"".join(lines[:-1])).hexdigest()
        return b"".join(lines[:-1]) + json.dumps(end, separators=(",", ":")).encode() + b"\n"

    def test_a_forged_digest_over_changed_left_out_or_swapped_batches_is_refused(self):
        self.stage_with()
        _, journal = self.offline_device(alone=1200)
        good = pathlib.Path(self.export(journal)).read_bytes()
        bad = pathlib.Path(self.stage.path("bad.jsonl"))
        changes = {
            "a volume": lambda lines: [lines[0], lines[1].replace(b'"volume_ml":', b'"volume_ml":1', 1), *lines[2:]],
            "a batch left out": lambda lines: [*lines[:2], *lines[3:]],
            "two swapped": lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
            "the first left out": lambda lines: [lines[0], *lines[2:]],
            "the last left out": lambda lines: [*lines[:-2], lines[-1]],
        }
        for what, change in changes.items():
            with self.subTest(what):
                bad.write_bytes(self.rewritten(good, change))
                self.refused(str(bad), "contradiction")
        bad.write_bytes(self.rewritten(good, lambda lines: [lines[0].replace(b'_export":1', b'_export":2', 1), *lines[1:]]))
        self.refused(str(bad), "export_version")
        for nothing in (bytes(3_000_000), gzip.compress(bytes(3_000_000))):
            bad.write_bytes(nothing)
            self.refused(str(bad), "not_an_export")
        pipe = self.stage.path("pipe")
        os.mkfifo(pipe)
        for no_file in ("/dev/zero", pipe):
            self.refused(no_file, "no_file", 2)
        bad.write_bytes(b"\x00\xff not json")
        self.refused(str(bad), "not_an_export")
        self.refused(self.stage.path("nowhere"), "no_file", 2)

    def test_a_gap_and_a_copy_of_the_journal_are_refused_and_named(self):
        stage = self.stage_with()
        _, journal = self.offline_device(alone=300)
        self.refused(self.export(journal, "gap.jsonl", "--from", "25"), "gap")
        copy = stage.path("copy.db")
        for end in ("", "-wal"):
            shutil.copy(journal + end, copy + end)
        stage.add_tap(journal, count=10, rate=1000).start()
        stage.finish_taps()
        self.assertEqual(self.bring(self.export(journal, "first.jsonl"))["acked_through"], 330)
        for _ in range(10):
            sql(copy, "INSERT INTO pours (client_tx_id, card_uid, tap_id, volume_ml)"
                      " VALUES (hex(randomblob(8)), '00', 1, 500)")
        self.refused(self.export(copy, "fork.jsonl"), "fork")
        sql(copy, "INSERT INTO pours (client_tx_id, card_uid, tap_id, volume_ml) VALUES ('longer', '00', 1, 500)")
        self.refused(self.export(copy, "longer.jsonl"), "fork")
        self.refused(self.export(copy, "behind.jsonl", "--from", "325"), "fork")

    def test_a_killed_import_is_run_again_and_completes(self):
        stage = self.stage_with()
        for phase in ("settle.begin:2", "settle.commit:2", "settle.committed:2"):
            with self.subTest(phase):
                agent, journal = self.offline_device(alone=1500, name=phase.split(":")[0])
                path = self.export(journal)
                self.bring(path, expect=-signal.SIGKILL, env={"TAPLINE_TEST_STOP_AT": phase})
                cut = stage.cluster.one("SELECT c.cursor FROM tapline.cursor c JOIN tapline.journal j USING (journal_id)"
                                        f" WHERE j.controller = '{phase.split(':')[0]}'")
                self.assertTrue(20 < cut < 1520, cut)
                said = self.bring(path)
                self.assertEqual((said["acked_through"], said["already_there"]), (1520, cut - 20))
                agent.start()
                self.all_is_there_once()

    def test_a_hold_refuses_it_and_afterwards_it_goes_on(self):
        stage = self.stage_with()
        agent, journal = self.offline_device(alone=200)
        path = self.export(journal)
        stage.verb("hold", "open", "--reason", "a contract", "--for", "10m", "--spread", "1s")
        before = self.state()[:6]
        self.assertEqual(self.bring(path, expect=3)["error"]["kind"], "hold")
        self.assertEqual(self.state()[:6], before)
        stage.verb("hold", "close")
        self.assertEqual(self.bring(path)["taken"], 200)
        agent.start()
        self.all_is_there_once()

    def test_the_device_that_comes_back_during_an_import_sends_the_rest_itself(self):
        stage = self.stage_with()
        agent, journal = self.offline_device(alone=4000)
        path = self.export(journal)
        agent.start()
        for _ in range(3):
            self.bring(path)
        self.all_is_there_once()
        self.assertEqual(stage.cluster.one("SELECT max(cursor) FROM tapline.cursor"), 4020)


if __name__ == "__main__":
    unittest.main(verbosity=2)
