"""SIGKILL everywhere, while taps write: nothing is lost, nothing is charged twice."""

import collections
import json
import os
import time
import unittest

from lab import Stage, report, sql, wait_until

LONG = bool(os.environ.get("TAPLINE_LONG"))
ROUNDS = 28 if LONG else 1  # of 37 kills of agents and taps: 1,036
DIES_S = 150  # it dies at its next batch; a machine with ten other things to do gets there late
# phase -> how many times a process dies there by its own hand, each time at a random arrival
AGENT_PHASES = {"send": 10, "sent": 5, "mark": 10, "marked": 5}
CENTRAL_PHASES = {
    "settle.begin": 4,
    "settle.inserted": 4,
    "settle.charged": 4,
    "settle.commit": 6,
    "settle.committed": 6,
}
RANDOM_KILLS = {"agent": 4, "central": 4, "PostgreSQL": 4, "tap": 3}


class KillCampaign(unittest.TestCase):
    def setUp(self):
        self.landed = collections.Counter()
        self.killed_taps = []

    def test_loses_and_doubles_nothing(self):
        with Stage(taps=3) as stage:
            self.stage = stage
            for number in range(3):
                journal = stage.new_journal()
                stage.add_agent(journal).start()
                self.start_tap(journal, number + 1)
            for turn in range(ROUNDS):
                self.kill_agents()
                self.kill_central()
                self.kill_at_random()
                print(f"round {turn + 1} of {ROUNDS} done", flush=True)
            self.verify()
        self.report()

    def start_tap(self, journal, number):
        # Bad rows among the good: quarantine has to be exactly-once too.
        bad = ["negative", "unknown-card", "null-id", "text-volume", "huge-price"]
        return self.stage.add_tap(journal, number, seconds=3600, rate=40, bad=bad).start()

    def die(self, program, phase, arrival):
        """Starts it with the hook and waits for its death."""
        program.stop()
        program.start(TAPLINE_TEST_STOP_AT=f"{phase}:{arrival}")
        code = program.wait(DIES_S)
        self.assertEqual(code, -9, f"{program.name} should have died in {phase}:\n{program.log_tail()}")
        self.landed[phase] += 1
        program.start()

    def kill_agents(self):
        """While central serves."""
        for phase, times in AGENT_PHASES.items():
            for number in range(times):
                agent = self.stage.agents[number % len(self.stage.agents)]
                self.die(agent, phase, self.stage.dice.randint(1, 6))

    def kill_central(self):
        for phase, times in CENTRAL_PHASES.items():
            for _ in range(times):
                self.die(self.stage.central, phase, self.stage.dice.randint(2, 12))
                self.stage.central.wait_ready()

    def kill_at_random(self):
        order = [what for what, times in RANDOM_KILLS.items() for _ in range(times)]
        self.stage.dice.shuffle(order)
        for what in order:
            time.sleep(self.stage.dice.uniform(0.05, 0.6))
            if what == "agent":
                victim = self.stage.dice.choice(self.stage.agents)
                self.assertTrue(victim.sigkill())
                victim.start()
            elif what == "central":
                self.assertTrue(self.stage.central.sigkill())
                self.stage.central.start()
                self.stage.central.wait_ready()
            elif what == "PostgreSQL":
                self.kill_postgresql()
            else:
                self.kill_tap()
            self.landed[f"at random: {what}"] += 1

    def kill_postgresql(self):
        """What an agent wrote down as acked must have survived, although this server's own default is
        synchronous_commit=off. Asked before central is back: agents send again what a centre lost."""
        stage = self.stage
        stage.cluster.sigkill()
        stage.central.sigkill()
        acked = [sql(journal, "SELECT journal_id, acked_through FROM tapline_journal")[0] for journal in stage.journals]
        stage.cluster.start()
        kept = dict(stage.cluster.rows("SELECT journal_id::text, cursor FROM tapline.cursor"))
        for journal_id, acked_through in acked:
            self.assertGreaterEqual(kept[journal_id], acked_through, "acked pours didn't survive PostgreSQL's death")
        stage.central.start()
        stage.central.wait_ready()

    def kill_tap(self):
        victim = self.stage.dice.choice(self.stage.taps)
        number = int(victim.command[victim.command.index("--tap") + 1])
        self.assertTrue(victim.sigkill())
        self.stage.taps.remove(victim)
        self.killed_taps.append(victim)
        self.start_tap(victim.journal, number)

    def verify(self):
        stage = self.stage
        for tap in self.killed_taps:
            stage.oracle.add_lines(tap.lines())
        stage.finish_taps()
        kills = collections.Counter(tap.journal for tap in self.killed_taps)
        for journal in stage.journals:
            stage.oracle.add_unprinted(journal, most=kills[journal])
        stage.wait_quiet(120)
        verdict = stage.compare()
        print(json.dumps(verdict), flush=True)
        self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))
        wait_until(
            lambda: self.cursors() == sorted(stage.highest_seqs().values()), 10, "every cursor is at its journal's end"
        )

    def cursors(self):
        return sorted(row[0] for row in self.stage.cluster.rows("SELECT cursor FROM tapline.cursor"))

    def report(self):
        for phase, times in self.landed.items():
            report(f"{times:4} SIGKILLs landed in {phase}")
        total = sum(self.landed.values())
        of = lambda *prefixes: sum(n for phase, n in self.landed.items() if phase.startswith(prefixes))
        report(f"{total:4} SIGKILLs in all")
        self.assertGreaterEqual(total, 60)
        self.assertGreaterEqual(of("send", "sent"), 10)
        self.assertGreaterEqual(of("mark"), 10)
        self.assertGreaterEqual(of("settle.begin", "settle.inserted", "settle.charged"), 10)
        self.assertGreaterEqual(of("settle.commit"), 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
