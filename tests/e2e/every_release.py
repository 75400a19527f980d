"""Each release's own INSERT still works at the head schema, and its pours reach PostgreSQL."""

import json
import unittest

from lab import CODE_OF_KIND, Stage, adopt, must, sql

RELEASES = ("gen1", "gen2", "gen3", "gen4", "gen5", "gen6", "gen7", "gen8")


class EveryRelease(unittest.TestCase):
    def verify(self, stage):
        stage.finish_taps()
        stage.wait_quiet()
        verdict = stage.compare()
        self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))
        return verdict

    def test_writes_into_a_journal_at_head_and_is_settled(self):
        with Stage(taps=len(RELEASES)) as stage:
            journal = stage.new_journal()
            stage.add_agent(journal).start()
            for number, release in enumerate(RELEASES, 1):
                stage.add_tap(journal, tap=number, release=release, count=25).run()
            self.assertEqual(self.verify(stage)["in_pours"], 25 * len(RELEASES))

    def test_keeps_every_kind_of_bad_row_in_quarantine_and_charges_nothing_for_it(self):
        with Stage(taps=2) as stage:
            journal = stage.new_journal()
            stage.add_agent(journal).start()
            stage.add_tap(journal, tap=1, release="gen8", count=60, bad=sorted(CODE_OF_KIND)).run()
            stage.add_tap(journal, tap=2, release="gen4", count=30, bad=["bad-time", "negative", "nul"]).run()
            verdict = self.verify(stage)
            self.assertEqual(sum(verdict["in_quarantine"].values()), len(CODE_OF_KIND) + 3)
            self.assertEqual(
                sql(journal, "SELECT count(*) FROM pours WHERE status = 'quarantined'")[0][0], len(CODE_OF_KIND) + 3
            )

    def test_writes_on_after_a_downgrade_and_is_charged_once_after_the_next_adoption(self):
        with Stage(taps=1) as stage:
            journal = stage.new_journal()
            agent = stage.add_agent(journal).start()
            stage.add_tap(journal, count=10).run()
            self.verify(stage)
            agent.stop()
            must("tapline-agent", ["journal", "downgrade", journal, "gen8"])
            stage.add_tap(journal, create=True, count=10).run()
            adopt(journal)
            agent.start()
            self.assertEqual(self.verify(stage)["in_pours"], 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
