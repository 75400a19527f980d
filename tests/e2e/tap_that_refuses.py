"""Releases since M4 refuse to pour while a `new` row exists. Central's death must not close the bar."""

import json
import time
import unittest

from lab import Stage, report

LONGEST_REFUSAL_MS = 3000


class TapThatRefuses(unittest.TestCase):
    def test_keeps_pouring_while_central_is_dead(self):
        with Stage(taps=1) as stage:
            journal = stage.new_journal()
            stage.add_agent(journal).start()
            tap = stage.add_tap(journal, refuse_while_new=True, rate=5, seconds=600).start()
            time.sleep(3)
            self.assertTrue(stage.central.sigkill())
            at_death = len(tap.lines())
            self.assertGreater(at_death, 3)
            time.sleep(12)
            while_dead = len(tap.lines()) - at_death
            stage.central.start()
            stage.central.wait_ready()
            time.sleep(3)
            stage.finish_taps()
            longest_ms = tap.report()["longest_refusal_ms"]
            report(f"{while_dead} pours in 12 s without central, longest refusal {longest_ms} ms")
            self.assertGreaterEqual(while_dead, 4)
            self.assertLessEqual(longest_ms, LONGEST_REFUSAL_MS)
            stage.wait_quiet()
            self.assertTrue(stage.compare()["ok"], json.dumps(stage.compare(), indent=1))

    def test_waits_at_most_for_custody_while_the_agent_restarts(self):
        with Stage(taps=1) as stage:
            journal = stage.new_journal()
            agent = stage.add_agent(journal).start()
            tap = stage.add_tap(journal, refuse_while_new=True, rate=20, seconds=600).start()
            for _ in range(5):
                time.sleep(1)
                self.assertTrue(agent.sigkill())
                agent.start()
            time.sleep(1)
            stage.finish_taps()
            self.assertLessEqual(tap.report()["longest_refusal_ms"], LONGEST_REFUSAL_MS)
            self.assertEqual(tap.report()["busy"], 0)
            stage.wait_quiet()
            self.assertTrue(stage.compare()["ok"], json.dumps(stage.compare(), indent=1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
