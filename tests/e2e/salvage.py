"""Damage made on purpose under a real agent and a real centre: what is whole is settled once, what is in
doubt waits for an operator with the counts, and the tap goes on."""

import contextlib
import json
import os
import sqlite3
import unittest

from lab import Stage, must, run_command, sql
from lab.journals import unmarked
from lab.waiting import wait_until


class Salvage(unittest.TestCase):
    def stage_with(self, **options):
        stage = Stage(taps=1, **options)
        self.stage = stage.__enter__()
        self.addCleanup(self.leave)
        return stage

    def leave(self):
        result = self._outcome.result
        self.stage.close(failed=any(test is self for test, _ in [*result.errors, *result.failures]))

    def pour(self, journal, count):
        self.stage.add_tap(journal, count=count, rate=1000).start()
        self.stage.finish_taps()

    def half_sent(self, end):
        """200 pours at the centre, 300 that wait; the agent is gone by `end`. Nothing in the -wal."""
        stage = self.stage
        journal = stage.new_journal()
        agent = stage.add_agent(journal).start()
        self.pour(journal, 200)
        stage.wait_quiet()
        end(agent)
        self.pour(journal, 300)
        with contextlib.closing(sqlite3.connect(journal)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return journal, agent

    def leaves(self, journal, name):
        with contextlib.closing(sqlite3.connect(journal)) as connection:
            rows = connection.execute(
                "SELECT pageno, ncell FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY path", (name,)
            ).fetchall()
        return rows

    def zero(self, journal, page):
        with open(journal, "r+b") as file:
            file.seek((page - 1) * 4096)
            file.write(bytes(4096))

    def lose_waiting_rows(self, journal):
        """Zeroes one leaf of pours that wait; gives their ids, which only the index still has."""
        leaves = self.leaves(journal, "pours")
        number = len(leaves) - 4
        before = sum(cells for _, cells in leaves[:number])
        page, cells = leaves[number]
        ids = [row[0] for row in sql(
            journal, "SELECT client_tx_id FROM pours ORDER BY seq LIMIT ? OFFSET ?", (cells, before))]
        self.zero(journal, page)
        return ids

    def expect_lost(self, ids):
        """They and the report of the salvage wait in quarantine instead."""
        oracle = self.stage.oracle
        for pour_id in ids:
            del oracle.pours[pour_id]
        oracle.quarantine["salvaged"] += len(ids) + 1
        oracle.written += 1

    def agree(self):
        self.stage.wait_quiet(30)
        verdict = self.stage.compare()
        self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))

    def grants(self):
        return self.stage.cluster.rows("SELECT reason, epoch FROM tapline.epoch_grant ORDER BY epoch")

    def kept(self, journal):
        folder, name = os.path.split(journal)
        return [entry for entry in os.listdir(folder) if entry.startswith(name + ".tapline-damaged-")]

    def test_the_agent_finds_it_by_reading_and_mends_it(self):
        self.stage_with()
        journal, agent = self.half_sent(lambda agent: self.assertEqual(agent.stop(), 0))
        ids = self.lose_waiting_rows(journal)
        self.expect_lost(ids)
        agent.start()
        self.agree()
        self.assertEqual(self.grants(), [("salvage", 2)])
        self.assertEqual(len(self.kept(journal)), 1)
        with self.subTest("the operator reads the counts and the ids"):
            items = self.stage.verb("quarantine", "list")
            text = json.dumps(items)
            for pour_id in ids:
                self.assertIn(pour_id, text)
            self.assertIn(f'\\"doubtful\\":{len(ids)}', text.replace('\\\\"', '\\"'))
        with self.subTest("the tap goes on"):
            self.pour(journal, 50)
            self.agree()
        self.assertEqual(sql(journal, "PRAGMA integrity_check")[0][0], "ok")

    def test_after_a_kill_the_check_runs_beside_sending(self):
        self.stage_with()
        journal, agent = self.half_sent(lambda agent: agent.sigkill())
        # Only what is acked is damaged: sending alone would never meet it.
        page = self.leaves(journal, "pours")[0][0]
        self.zero(journal, page)
        self.stage.oracle.expect_quarantine("salvaged")  # the report
        agent.start()
        wait_until(lambda: self.kept(journal), 20, "the damaged file is kept")
        self.agree()
        self.assertEqual(self.grants(), [("salvage", 2)])

    def test_rows_that_lost_their_index_entry_are_charged_when_an_operator_says_so(self):
        self.stage_with()
        journal, agent = self.half_sent(lambda agent: self.assertEqual(agent.stop(), 0))
        leaves = self.leaves(journal, "sqlite_autoindex_pours_1")
        self.zero(journal, leaves[len(leaves) // 2][0])
        done = run_command("tapline-agent", ["journal", "salvage", "--dry-run", "--json", journal])
        self.assertEqual(done.returncode, 5, done.stdout + done.stderr)
        looked = json.loads(done.stdout)
        report = json.loads(must("tapline-agent", ["journal", "salvage", "--json", journal]).stdout)
        self.assertEqual(report["doubts"], looked["doubts"])
        self.assertEqual(list(report["doubts"]), ["unindexed"])
        self.assertGreater(report["doubtful"], 10)
        self.stage.oracle.expect_quarantine("salvaged")
        agent.start()
        wait_until(lambda: self.stage.settled() == 501 and unmarked(journal) == 0, 30, "all is at the centre")
        items = self.stage.cluster.rows(
            "SELECT quarantine_id FROM tapline.quarantine WHERE code = 'salvaged' AND client_tx_id IS NOT NULL")
        self.assertEqual(len(items), report["doubtful"])
        for (item,) in items:
            self.stage.verb("quarantine", "resolve", str(item), "--reason", "the guest says so")
        self.agree()

    def test_a_kill_at_each_step_leaves_the_old_or_the_new(self):
        self.stage_with()
        journal, agent = self.half_sent(lambda agent: self.assertEqual(agent.stop(), 0))
        self.expect_lost(self.lose_waiting_rows(journal))
        looked = json.loads(run_command("tapline-agent", ["journal", "salvage", "--dry-run", "--json", journal]).stdout)
        for phase in ("salvage.made", "salvage.kept", "salvage.locked", "salvage.replaced"):
            with self.subTest(phase):
                done = run_command(
                    "tapline-agent", ["journal", "salvage", journal], env={"TAPLINE_TEST_STOP_AT": phase})
                self.assertEqual(done.returncode, -9)
                again = json.loads(run_command(
                    "tapline-agent", ["journal", "salvage", "--dry-run", "--json", journal]).stdout)
                if phase == "salvage.replaced":
                    self.assertFalse(again["damaged"])
                else:
                    self.assertEqual(again, looked)
        agent.start()
        self.agree()


if __name__ == "__main__":
    unittest.main(verbosity=2)
