"""Weeks without central: a long backlog costs little memory, is under way at once, and arrives once."""

import os
import re
import unittest

from lab import Stage, free_port, sql, unmarked, wait_until

POURS = 60_000
# An agent with an empty journal takes 10.5 MiB, one that holds the backlog in memory over 60.
RSS_LIMIT_MIB = 20
PATIENCE_S = 60

FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
INSERT INTO pours (client_tx_id, short_id, card_uid, tap_id, duration_ms, volume_ml, tail_volume_ml, price_cents, status,
 attempts, price_per_ml_at_pour)
SELECT printf('%08x-0000-4000-8000-%012x', i, i), printf('%08X', i), ?, ?, 400, 10, 0, 45, 'new', 0, 0.45 FROM n
"""


def highest_mib(agent):
    with open(f"/proc/{agent.pid}/status", encoding="utf-8") as status:
        return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1024


class Backlog(unittest.TestCase):
    def test_it_is_held_sent_and_told_without_being_kept_in_memory(self):
        with Stage(taps=1) as stage:
            journal = stage.new_journal()
            card = stage.bar.cards_of(1)[0]
            sql(journal, FILL, (POURS, card, 1))
            agent = stage.add_agent([journal])
            sends_to = agent.command
            agent.command = [f"http://127.0.0.1:{free_port()}" if word == stage.central.url else word for word in sends_to]
            self.assertNotEqual(agent.command, sends_to)
            agent.start()
            # Custody: no pour of the backlog closes the tap, while central is away.
            wait_until(
                lambda: sql(journal, "SELECT count(*) FROM pours WHERE status = 'new'") == [(0,)], PATIENCE_S, "all are held"
            )
            self.assertLess(highest_mib(agent), RSS_LIMIT_MIB)
            self.assertEqual(agent.stop(), 0)
            agent.command = sends_to
            agent.start()
            wait_until(lambda: stage.settled() == POURS, 2 * PATIENCE_S, "every pour is settled")
            wait_until(lambda: unmarked(journal) == 0, PATIENCE_S, "every pour is confirmed")
            self.assertLess(highest_mib(agent), RSS_LIMIT_MIB)
            self.assertEqual(stage.cluster.one("SELECT count(DISTINCT client_tx_id) FROM pours"), POURS)
            self.assertEqual(agent.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
