"""A hold while 50 agents write: their taps notice nothing, and the backlog comes back in its waves."""

import json
import statistics
import time
import unittest

from lab import Stage, report, run_command, wait_until

AGENTS = 50
HOLD_S = 20
SPREAD_S = 10
SEGMENT_S = 8
LONGEST_REFUSAL_MS = 3000


def verb(stage, *arguments):
    done = run_command("tapline-central", ["hold", *arguments, "--json"],
                       env={"DATABASE_URL": stage.database_url}, timeout_s=60)
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


class HoldUnderLoad(unittest.TestCase):
    def segment(self, stage, seconds, meanwhile=None):
        """Every journal is written to for so long; gives each tap's report."""
        taps = [stage.add_tap(journal, 1 + number % 5, rate=20 if number == 0 else 2, seconds=seconds,
                              connection="persistent", refuse_while_new=number == 0)
                for number, journal in enumerate(stage.journals)]
        for tap in taps:
            tap.start()
        if meanwhile:
            meanwhile()
        for tap in taps:
            self.assertEqual(tap.wait(seconds + 30), 0, tap.log_tail())
        reports = [tap.report() for tap in taps]
        stage.finish_taps()
        return reports

    def test_fifty_agents_through_a_hold_of_twenty_seconds(self):
        with Stage(taps=5, guests=20) as stage:
            for _ in range(AGENTS):
                stage.add_agent(stage.new_journal()).start()
            before = self.segment(stage, SEGMENT_S)
            stage.wait_quiet()
            held = {}

            def hold():
                started = time.monotonic()
                code, out, err = verb(stage, "open", "--reason", "load", "--for", "5m", "--spread", f"{SPREAD_S}s")
                self.assertEqual((code, out["hold"]["drained"]), (0, True), err)
                held["settled"] = stage.settled()
                time.sleep(max(0.0, HOLD_S - (time.monotonic() - started)))
                self.assertEqual(stage.settled(), held["settled"], "settled during the hold")

            during = self.segment(stage, HOLD_S - 1, hold)
            cursors = "SELECT journal_id::text, cursor FROM tapline.cursor"
            at_close = dict(stage.cluster.rows(cursors))
            self.assertEqual(verb(stage, "close")[0], 0)
            closed = time.monotonic()
            turns = dict(stage.cluster.rows(
                "SELECT journal_id::text, tapline.release_wait_s(journal_id) FROM tapline.journal"))
            asked = time.monotonic()
            back = {}

            def all_back():
                now = time.monotonic()
                for journal, cursor in stage.cluster.rows(cursors):
                    if cursor > at_close[journal]:
                        back.setdefault(journal, now)
                return len(back) == AGENTS

            wait_until(all_back, 150, lambda: f"{len(back)} of {AGENTS} journals are back", 0.05)
            after = self.segment(stage, SEGMENT_S)
            stage.wait_quiet()

            early = {journal: (back[journal] - closed, turns[journal]) for journal in back
                     if back[journal] < asked + turns[journal] - 1.5}
            self.assertEqual(early, {}, "came back before its turn")
            by_second = {}
            for moment in back.values():
                by_second[int(moment - closed)] = by_second.get(int(moment - closed), 0) + 1
            medians = [statistics.median(r["commit"]["p50_us"] for r in reports) for reports in (before, during, after)]
            tails = [statistics.median(r["commit"]["p99_us"] for r in reports) for reports in (before, during, after)]
            reports = [*before, *during, *after]
            refused_ms = max(r["longest_refusal_ms"] for r in reports)
            report(f"{AGENTS} agents, {stage.oracle.written} pours, hold of {HOLD_S} s: COMMIT p50 before/during/after "
                   f"{medians[0]}/{medians[1]}/{medians[2]} us, p99 {tails[0]}/{tails[1]}/{tails[2]} us, "
                   f"BUSY {sum(r['busy'] for r in reports)}; back within {max(back.values()) - closed:.1f} s, "
                   f"most in one second {max(by_second.values())} (spread {SPREAD_S} s); "
                   f"a tap that refuses while 'new' refused for {refused_ms} ms at most")
            self.assertEqual(sum(r["busy"] for r in reports), 0)
            self.assertLessEqual(refused_ms, LONGEST_REFUSAL_MS)
            verdict = stage.compare()
            self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))


if __name__ == "__main__":
    unittest.main(verbosity=2)
