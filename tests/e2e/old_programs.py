"""The field's sync loop and endpoint keep running beside ours: nothing is charged twice."""

import json
import unittest

from lab import AcceptAll, OldEndpoint, OldSyncLoop, Stage, wait_until


class OldPrograms(unittest.TestCase):
    def test_an_old_loop_that_marks_rows_behind_the_agents_back_hides_none(self):
        """It confirms some and fails others at an endpoint that does nothing: all must be settled by ours."""
        with Stage(taps=2) as stage:
            endpoint = AcceptAll()
            self.addCleanup(endpoint.close)
            journal = stage.new_journal()
            loop = OldSyncLoop(journal, endpoint.url, pause_s=0.01)
            agent = stage.add_agent(journal)
            loop.start()
            stage.add_tap(journal, count=150, rate=60).start()
            wait_until(lambda: loop.marked > 30, 20, "the old loop marks rows before the agent runs")
            agent.start()
            stage.finish_taps()
            stage.wait_quiet()
            loop.stop()
            print(f"old loop: {loop.posted} posted, {loop.marked} marked, {len(loop.errors)} errors")
            verdict = stage.compare()
            self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))
            self.assertEqual(verdict["in_pours"], 150)

    def test_an_old_endpoint_on_the_same_database_charges_no_pour_that_we_charged(self):
        """Both carry the same rows at the same time. The old endpoint may lose a debit of ours by its
        absolute UPDATE (that is for reconcile to find); a guest must never pay twice."""
        with Stage(taps=2, spellings=("lower",)) as stage:
            endpoint = OldEndpoint(stage.cluster)
            self.addCleanup(endpoint.close)
            loops = []
            for number in range(2):
                journal = stage.new_journal()
                loops.append(OldSyncLoop(journal, endpoint.url, pause_s=0.005))
                loops[-1].start()
                stage.add_tap(journal, number + 1, count=150, rate=60).start()
            # Alone it is surely first; from then on both are at it.
            wait_until(lambda: len(endpoint.inserted) >= 5, 20, "the old endpoint inserts pours before the agents run")
            for journal in stage.journals:
                stage.add_agent(journal).start()
            stage.finish_taps()
            stage.wait_quiet()
            for loop in loops:
                loop.stop()
            stage.oracle.settled_elsewhere(endpoint.inserted)
            verdict = stage.compare()
            print(f"old endpoint: {len(endpoint.inserted)} inserted, {endpoint.duplicates} duplicates,"
                  f" {endpoint.failures} answers 500")
            self.assertGreaterEqual(len(endpoint.inserted), 5)
            self.assertEqual((verdict["lost"], verdict["doubled"]), (0, 0), json.dumps(verdict, indent=1))
            self.assertEqual(verdict["in_pours"], 300)
            receipts = stage.cluster.one("SELECT count(*) FROM tapline.receipt")
            self.assertEqual(receipts, 300 - len(endpoint.inserted), "one receipt per pour that we charged, no more")
            self.nobody_paid_twice(stage)

    def nobody_paid_twice(self, stage):
        rows = stage.cluster.rows(
            "SELECT g.guest_id::text, (g.balance * 100)::bigint, coalesce(sum(p.amount_charged) * 100, 0)::bigint"
            " FROM guests g LEFT JOIN pours p USING (guest_id) GROUP BY g.guest_id, g.balance"
        )
        for guest, balance, poured in rows:
            self.assertGreaterEqual(balance, stage.bar.balances[guest] - poured, f"guest {guest} paid twice")


if __name__ == "__main__":
    unittest.main(verbosity=2)
