"""reconcile as an operator runs it: words, JSON, exit codes; openings of a bar that was there before."""

import json
import unittest

from lab import Cluster, run_command

GUEST = "00000000-0000-4000-8001-000000000001"
KEG = "00000000-0000-4000-8002-000000000001"
JOURNAL = "00000000-0000-4000-8004-000000000001"

BAR = f"""
INSERT INTO guests (guest_id, last_name, first_name, phone_number, date_of_birth, id_document, balance, is_active)
VALUES ('{GUEST}', 'Ada', 'L', '1', '1980-01-01', 'x', 100, true);
INSERT INTO cards (card_uid, guest_id, status) VALUES ('c', '{GUEST}', 'active');
INSERT INTO beverages (beverage_id, name, sell_price_per_liter)
VALUES ('00000000-0000-4000-8003-000000000001', 'beer', 4.5);
INSERT INTO kegs (keg_id, beverage_id, initial_volume_ml, current_volume_ml, purchase_price, status)
VALUES ('{KEG}', '00000000-0000-4000-8003-000000000001', 50000, 50000, 1, 'in_use');
INSERT INTO taps (tap_id, keg_id, display_name, status) VALUES (1, '{KEG}', 'one', 'active');
"""

# What settling does, by hand: a pour of a litre with its receipt.
SETTLE = f"""
SET LOCAL tapline.settling = 'on';
INSERT INTO pours (pour_id, client_tx_id, guest_id, card_uid, tap_id, keg_id, volume_ml, amount_charged,
                   price_per_ml_at_pour, poured_at)
VALUES (%(pour)s, %(pour)s, '{GUEST}', 'c', 1, '{KEG}', 1000, 4.50, 0.0045, '2026-11-20 18:00:00+00');
INSERT INTO tapline.receipt (pour_id, journal_id, epoch, seq, revision, row_hash, guest_id, keg_id, volume_ml,
                             amount, price_per_liter, time_quality)
VALUES (%(pour)s, '{JOURNAL}', 1, %(seq)s, 'j0001', '', '{GUEST}', '{KEG}', 1000, 4.50, 4.50, 'exact');
UPDATE kegs SET current_volume_ml = current_volume_ml - 1000;
UPDATE guests SET balance = balance - 4.50;
UPDATE tapline.cursor SET cursor = %(seq)s;
"""


class Reconcile(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster()
        self.addCleanup(self.cluster.stop)
        self.cluster.start()
        self.url = self.cluster.create_database("bar")

    def verb(self, *arguments, code=0):
        done = run_command("tapline-central", [*arguments], env={"DATABASE_URL": self.url}, timeout_s=60)
        self.assertEqual(done.returncode, code, f"{arguments}: {done.stdout}{done.stderr}")
        return done.stdout

    def json_of(self, *arguments, code=0):
        out = self.verb("reconcile", *arguments, "--json", code=code)
        self.assertEqual(out.count("\n"), 1, "one JSON document on one line")
        return json.loads(out)

    def run_sql(self, text, **values):
        connection = self.cluster.connect("bar")
        with connection, connection.cursor() as cursor:
            cursor.execute(text, values or None)
        connection.close()

    def settle(self, seq):
        self.run_sql(SETTLE, pour=f"00000000-0000-4000-8005-{seq:012x}", seq=seq)

    def bar_from_before(self):
        self.verb("upgrade", "t0002_maintainers")
        self.run_sql(BAR)
        self.run_sql(f"INSERT INTO transactions (transaction_id, guest_id, amount, type)"
                     f" VALUES (gen_random_uuid(), '{GUEST}', 100, 'top-up')")
        done = run_command("tapline-central", ["reconcile", "--json"], env={"DATABASE_URL": self.url})
        self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["kind"]), (3, "behind_head"))
        self.verb("upgrade")
        self.run_sql(f"INSERT INTO tapline.controller (name, status) VALUES ('tap-1', 'active');"
                     f"INSERT INTO tapline.journal (journal_id, controller) VALUES ('{JOURNAL}', 'tap-1');"
                     f"INSERT INTO tapline.cursor (journal_id, epoch) VALUES ('{JOURNAL}', 1)")

    def test_a_lost_charge_is_named_with_its_receipt_and_the_program_that_took_it_back(self):
        self.bar_from_before()
        self.settle(1)
        answer = self.json_of()
        self.assertTrue(answer["balanced"])
        self.assertEqual((answer["guests"]["checked"], answer["guests"]["differing"]), (1, 0))
        one = self.json_of("--guest", GUEST)["guests"]["listed"][0]
        self.assertEqual((one["opening"], one["top_ups"], one["receipts"], one["actual"]), (10000, 0, 450, 9550))
        self.settle(2)
        self.run_sql("SET LOCAL application_name = 'backend'; UPDATE guests SET balance = 95.50")
        answer = self.json_of(code=1)
        self.assertFalse(answer["balanced"])
        one, = answer["guests"]["listed"]
        cause, = one["causes"]
        self.assertEqual((one["difference"], cause["kind"], cause["amount"]), (450, "overwrote", 450))
        self.assertEqual(cause["update"]["application"], "backend")
        self.assertEqual([line["seq"] for line in cause["receipts"]], [2])
        words = self.verb("reconcile", code=1)
        for part in ("difference 4.50", "(backend): 91.00 -> 95.50", f"journal {JOURNAL} epoch 1 seq 2",
                     "1 guests, 1 with a difference", "1 kegs, 0 with a difference", "complete through 2, 2 rows"):
            self.assertIn(part, words)

    def test_each_question_has_its_own_answer(self):
        self.bar_from_before()
        self.settle(1)
        keg, = self.json_of("--keg", KEG)["kegs"]["listed"]
        self.assertEqual((keg["opening"], keg["receipts"], keg["actual"], keg["unit"]), (50000, 1000, 49000, "ml"))
        journal, = self.json_of("--journal", JOURNAL)["journals"]
        self.assertEqual((journal["complete_through"], journal["rows"], journal["volume_ml"]), (1, 1, 1000))
        day = self.json_of("--tap", "1", "--day", "2026-11-20")["taps"][0]
        self.assertEqual((day["rows"], day["receipts"]["volume_ml"], day["balanced"]), (1, 1000, True))
        self.run_sql("DELETE FROM pours")
        self.assertEqual(self.json_of("--journal", "all", code=1)["journals"][0]["differences"][0]["code"], "pour_gone")
        for wrong in (["--tap", "1"], ["--guest", GUEST, "--keg", KEG], ["--guest", "Ada"],
                      ["--guest", JOURNAL], ["--day", "yesterday"], ["--day", "2026-11-20", "--zone", "Mars"]):
            self.verb("reconcile", *wrong, code=2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
