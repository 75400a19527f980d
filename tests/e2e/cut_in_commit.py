"""The connection breaks in COMMIT: central can't know, the agent sends again, each pour settles once."""

import json
import time
import unittest

from lab import Cluster, CommitCutter, Stage, report, wait_until

CUTS = 16


class CutInCommit(unittest.TestCase):
    def test_settles_each_pour_once(self):
        cutters = []

        def through_proxy(stage):
            cutters.append(CommitCutter(stage.cluster.socket_file))
            return f"postgresql://{Cluster.USER}@127.0.0.1:{cutters[0].port}/bar?sslmode=disable&gssencmode=disable"

        with Stage(taps=2, central_url=through_proxy) as stage:
            cutter = cutters[0]
            self.addCleanup(cutter.close)
            for number in range(2):
                journal = stage.new_journal()
                stage.add_agent(journal).start()
                stage.add_tap(journal, number + 1, seconds=600, rate=50, bad=["negative", "null-id"]).start()
            for number in range(CUTS):
                settled = stage.settled()
                wait_until(lambda: stage.settled() > settled, 30, f"pours arrive before cut {number + 1}")
                cutter.cut_next_commit()
                wait_until(
                    lambda: cutter.committed_cuts + cutter.uncommitted_cuts > number, 30, f"cut {number + 1} lands"
                )
            time.sleep(0.5)
            stage.finish_taps()
            stage.wait_quiet()
            report(f"{cutter.committed_cuts} answers of a COMMIT lost, {cutter.uncommitted_cuts} COMMITs lost")
            self.assertGreaterEqual(cutter.committed_cuts, CUTS // 2)
            verdict = stage.compare()
            self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))
            self.assertTrue(stage.central.running, "a lost connection must not end central")


if __name__ == "__main__":
    unittest.main(verbosity=2)
