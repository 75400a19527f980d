"""The oracle must see what goes wrong: a judge that can't convict proves nothing."""

import unittest

from lab import Stage


class Oracle(unittest.TestCase):
    """Every fault is planted by hand into a database that was right before."""

    @classmethod
    def setUpClass(cls):
        cls.stage = Stage(taps=2).__enter__()
        cls.addClassCleanup(cls.stage.close, False)
        journal = cls.stage.new_journal()
        cls.stage.add_agent(journal).start()
        cls.stage.add_tap(journal, count=30, bad=["negative", "null-id"]).start()
        cls.stage.finish_taps()
        cls.stage.wait_quiet()

    def setUp(self):
        self.assertTrue(self.stage.compare()["ok"], self.stage.compare())

    def plant(self, do, undo, **expected):
        self.stage.cluster.rows(do)
        verdict = self.stage.compare()
        self.stage.cluster.rows(undo)
        self.assertFalse(verdict["ok"])
        for key, value in expected.items():
            self.assertEqual(verdict[key], value, verdict)

    def test_sees_a_cent_that_a_guest_wasnt_charged(self):
        guest = "WHERE guest_id = (SELECT min(guest_id::text)::uuid FROM guests)"
        self.plant(
            f"UPDATE guests SET balance = balance + 0.01 {guest}",
            f"UPDATE guests SET balance = balance - 0.01 {guest}",
            difference_cents=1,
            lost=0,
        )

    def test_sees_a_millilitre_drawn_twice(self):
        keg = "WHERE keg_id = (SELECT min(keg_id::text)::uuid FROM kegs)"
        self.plant(
            f"UPDATE kegs SET current_volume_ml = current_volume_ml - 1 {keg}",
            f"UPDATE kegs SET current_volume_ml = current_volume_ml + 1 {keg}",
            difference_ml=1,
        )

    def test_sees_a_lost_pour(self):
        victim = "(SELECT min(client_tx_id) FROM pours)"
        self.plant(
            f"CREATE TABLE public.kept AS SELECT * FROM pours WHERE client_tx_id = {victim};"
            f"DELETE FROM pours WHERE client_tx_id = {victim}",
            "INSERT INTO pours SELECT * FROM public.kept; DROP TABLE public.kept",
            lost=1,
        )

    def test_sees_a_lost_quarantine_row(self):
        self.plant(
            "CREATE TABLE public.kept AS SELECT * FROM tapline.quarantine WHERE code = 'id_missing';"
            "DELETE FROM tapline.quarantine WHERE code = 'id_missing'",
            "INSERT INTO tapline.quarantine OVERRIDING SYSTEM VALUE SELECT * FROM public.kept; DROP TABLE public.kept",
            lost=1,
        )

    def test_sees_a_row_in_both_places(self):
        self.plant(
            "INSERT INTO tapline.quarantine (journal_id, epoch, seq, row_hash, revision, raw, code, detail,"
            " time_quality) SELECT journal_id, epoch, seq, '\\x00', 'x', '', 'id_missing', '', 'unknown'"
            " FROM tapline.receipt ORDER BY seq LIMIT 1",
            "DELETE FROM tapline.quarantine WHERE row_hash = '\\x00'",
            doubled=2,
        )

    def test_sees_a_pour_that_nobody_poured(self):
        self.plant(
            "INSERT INTO pours SELECT gen_random_uuid(), 'nobody', guest_id, card_uid, tap_id, keg_id, volume_ml,"
            " amount_charged, price_per_ml_at_pour, poured_at, created_at FROM pours LIMIT 1",
            "DELETE FROM pours WHERE client_tx_id = 'nobody'",
            lost=0,
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
