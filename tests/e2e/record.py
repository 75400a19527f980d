"""`record` writes a test pour that takes the way of every pour; it reaches central and moves neither money nor beer."""

import json
import os
import unittest

from lab import Stage, run_command, sql, unmarked, wait_until
from lab.programs import TapSim

MONEY = ("SELECT (SELECT count(*) FROM pours), (SELECT count(*) FROM tapline.receipt), (SELECT sum(balance) FROM guests), "
         "(SELECT sum(current_volume_ml) FROM kegs), (SELECT count(*) FROM transactions)")
TESTS = ("SELECT count(*) FROM tapline.quarantine WHERE code = 'test_pour' AND state = 'dismissed' "
         "AND convert_from(raw, 'UTF8') LIKE '%{}%'")


def record(journal, *options, env=None):
    done = run_command("tapline-agent", ["record", "--journal", journal, "--json", *options], env=env)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


class Record(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = cls.enterClassContext(Stage(taps=1))

    def setUp(self):
        self.journal = self.stage.new_journal()

    def agent(self):
        agent = self.stage.add_agent(self.journal)
        self.addCleanup(agent.stop)
        return agent.start()

    def at_central(self, said):
        return self.stage.cluster.one(TESTS.format(said["client_tx_id"]))

    def money(self):
        return self.stage.cluster.rows(MONEY)

    def test_it_reaches_central_beside_real_pours_and_moves_no_money(self):
        self.agent()
        self.stage.add_tap(self.journal, 1, count=30, rate=200).start()
        self.stage.finish_taps()
        wait_until(lambda: unmarked(self.journal) == 0, 60, "all pours at central")
        before = self.money()
        code, said, errors = record(self.journal, "--wait", "30")
        self.assertEqual(code, 0, (said, errors))
        self.assertEqual((said["acked"], said["tap"]), (True, 1))
        self.assertEqual(self.at_central(said), 1)
        self.assertEqual(self.money(), before)
        wait_until(lambda: sql(self.journal, "SELECT status FROM pours WHERE seq = ?", (said["seq"],)) == [("confirmed",)],
                   10, "the journal says confirmed")
        self.assertEqual(self.stage.verb("quarantine", "list")["quarantine"], [], "no work for anybody")

    def test_without_an_agent_the_tap_goes_on_and_the_pour_goes_later(self):
        code, said, _ = record(self.journal, "--wait", "0", "--tap", "7")
        self.assertEqual(code, 1)
        self.assertEqual((said["acked"], said["taken_by_agent"], said["status"], said["tap"]), (False, False, "held", 7))
        self.assertIn("No agent", said["what_it_means"])
        tap = TapSim(self.stage.directory, self.journal, "tap", count=3, refuse_while_new=True, give_up_s=60, seed=5,
                     cards=list(self.stage.bar.cards))
        tap.start()
        wait_until(lambda: len(tap.lines()) >= 1, 20, "the tap pours its first")
        self.agent()
        wait_until(lambda: self.at_central(said) == 1, 30, "the test pour at central")
        self.assertEqual(tap.wait(30), 0)

    def test_with_central_away_it_says_that_the_agent_keeps_it(self):
        self.stage.central.stop()
        self.addCleanup(self.stage.central.start)
        self.agent()
        code, said, _ = record(self.journal, "--wait", "5")
        self.assertEqual(code, 1)
        self.assertEqual((said["acked"], said["taken_by_agent"], said["status"]), (False, True, "held"))
        self.doCleanups()
        self.stage.central.wait_ready()
        self.agent()
        wait_until(lambda: self.at_central(said) == 1, 30, "the test pour at central")

    def test_killed_after_its_commit_the_pour_is_sent_all_the_same(self):
        code, _, errors = record(self.journal, env={"TAPLINE_TEST_STOP_AT": "record.written"})
        self.assertEqual(code, -9, errors)
        identity = sql(self.journal, "SELECT client_tx_id FROM pours")[0][0]
        self.agent()
        wait_until(lambda: self.at_central({"client_tx_id": identity}) == 1, 30, "the test pour at central")

    def test_a_journal_that_is_not_ours_is_left_alone(self):
        other = os.path.join(self.stage.directory, "old.db")
        TapSim(self.stage.directory, other, "old", release="gen8", create=True, count=2).run()
        code, said, errors = record(other)
        self.assertEqual(code, 3)
        self.assertEqual(said["error"]["kind"], "not_adopted", errors)
        self.assertEqual(sql(other, "SELECT count(*) FROM pours")[0][0], 2)
        done = run_command("tapline-agent", ["record", "--json"], env={"TAPLINE_JOURNAL": f"{self.journal}:{other}"})
        self.assertEqual(done.returncode, 2, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
