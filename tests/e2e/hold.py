"""A hold: central takes nothing, taps go on, and afterwards every pour is there, once, in waves."""

import json
import time
import unittest

import psycopg2

from lab import Stage, run_command, wait_until

SPREAD_S = 6


class Hold(unittest.TestCase):
    def verb(self, *arguments, url=None):
        done = run_command("tapline-central", ["hold", *arguments, "--json"],
                           env={"DATABASE_URL": url or self.stage.cluster.url()}, timeout_s=90)
        return done.returncode, json.loads(done.stdout or "{}"), done.stderr

    def count(self, sql="SELECT count(*) FROM pours"):
        return self.stage.cluster.one(sql)

    def cursors_moved(self, since):
        return self.count(f"SELECT count(*) FROM tapline.cursor WHERE updated_at > '{since}'")

    def test_pours_wait_on_the_controllers_and_come_back_in_waves(self):
        with Stage(taps=4, guests=4) as stage:
            self.stage = stage
            for _ in range(4):
                stage.add_agent(stage.new_journal()).start()
            for number, journal in enumerate(stage.journals, 1):
                stage.add_tap(journal, number, rate=20, seconds=600).start()
            wait_until(lambda: self.count() > 50, 60, "pours flow")

            self.assertEqual(self.verb("open", "--reason", "too long", "--for", "25h")[0], 2)
            code, out, err = self.verb("open", "--reason", "a contract", "--for", "10m", "--spread", f"{SPREAD_S}s")
            self.assertEqual((code, out["hold"]["drained"], out["hold"]["reason"]), (0, True, "a contract"), err)
            held = self.count()
            self.assertEqual(self.verb("open", "--reason", "again")[1]["error"]["kind"], "hold_open")
            time.sleep(3)
            self.assertEqual(self.count(), held, "something was settled during the hold")
            code, out, _ = self.verb("status")
            self.assertEqual((code, len(out["journals"])), (1, 4))
            self.assertTrue(all(each["buffer_s"] > 3600 for each in out["journals"]), out)

            since = self.count("SELECT clock_timestamp()::text")
            self.assertEqual(self.verb("close")[0], 0)
            code, out, _ = self.verb("close")
            self.assertEqual((code, out["error"]["kind"], out["error"]["hint"]), (3, "no_hold", "nothing to do"))
            waits = self.stage.cluster.rows("SELECT tapline.release_wait_s(journal_id) FROM tapline.journal")
            self.assertTrue(all(0 <= wait <= SPREAD_S for (wait,) in waits), waits)
            self.assertGreater(len(set(waits)), 1, "all at once")
            wait_until(lambda: self.cursors_moved(since) == 4, 90, "all are back")
            self.assertEqual(self.verb("status")[0], 0)
            stage.finish_taps()
            stage.wait_quiet()
            verdict = stage.compare()
            self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))

    def test_a_hold_ends_by_itself_and_gives_back_what_it_froze(self):
        with Stage(taps=1, guests=1) as stage:
            self.stage = stage
            stage.cluster.rows("CREATE ROLE writer LOGIN; CREATE ROLE boss SUPERUSER LOGIN")
            stage.cluster.rows("ALTER ROLE writer IN DATABASE bar SET default_transaction_read_only = off")
            writer = psycopg2.connect(self.as_role("writer"))
            for role in ("boss", "nobody_there", self.count("SELECT session_user::text")):
                self.assertEqual(self.verb("open", "--reason", "x", "--freeze-role", role)[1]["error"]["kind"],
                                 "role_not_frozen", role)
            code, out, _ = self.verb("open", "--reason", "x", "--freeze-role", "writer")
            self.assertEqual((code, out["sessions"]), (3, 1), "shown first")
            self.assertEqual(self.verb("status")[1]["hold"], None)
            code, out, err = self.verb("open", "--reason", "x", "--for", "10s", "--freeze-role", "writer", "--yes")
            self.assertEqual(code, 0, err)
            with self.assertRaises(psycopg2.Error):
                writer.cursor().execute("SELECT 1")
            setting = ("SELECT array_to_string(setconfig, ',') FROM pg_db_role_setting d JOIN pg_roles r"
                       " ON r.oid = d.setrole WHERE r.rolname = 'writer'")
            self.assertEqual(self.count(setting), "default_transaction_read_only=on")
            again = psycopg2.connect(self.as_role("writer"))
            with self.assertRaises(psycopg2.errors.ReadOnlySqlTransaction):
                again.cursor().execute("CREATE TABLE t (a int)")
            again.close()
            wait_until(lambda: self.count("SELECT tapline.hold_reason() IS NULL"), 30, "its time is over")
            self.assertEqual(self.verb("status")[0], 0)
            self.assertEqual(self.count(setting), "default_transaction_read_only=off")
            self.assertEqual(self.count("SELECT closed_at <= ends_at AND thawed_at IS NOT NULL FROM tapline.hold"), True)

    def as_role(self, role):
        return f"postgresql://{role}@" + self.stage.cluster.url().split("@", 1)[1]

    def test_a_controller_without_room_stops_a_hold_before_it_begins(self):
        with Stage(taps=1, guests=1) as stage:
            self.stage = stage
            stage.add_agent(stage.new_journal()).start()
            wait_until(lambda: self.count("SELECT count(*) FROM tapline.journal WHERE free_bytes IS NOT NULL"), 60, "hello")
            self.count("UPDATE tapline.journal SET free_bytes = 70000000 RETURNING 1")
            code, out, _ = self.verb("open", "--reason", "x", "--for", "24h")
            self.assertEqual((code, out["error"]["kind"]), (3, "no_space"))
            self.assertIn(self.count("SELECT controller FROM tapline.journal"), out["error"]["message"])
            self.assertEqual([each["buffer_s"] for each in out["error"]["journals"]],
                             [(70000000 - 67108864) // 32768 * 60])
            self.assertEqual(self.count("SELECT count(*) FROM tapline.hold"), 0)
            self.assertEqual(self.verb("open", "--reason", "x", "--for", "24h", "--despite-space")[0], 0)
            self.assertEqual(self.verb("close")[0], 0)

            stage.agents[0].stop()
            name = self.count("SELECT controller FROM tapline.journal")
            self.count(f"INSERT INTO tapline.journal (journal_id, controller, free_bytes, reported_at)"
                       f" VALUES (gen_random_uuid(), '{name}', 70000000, now()) RETURNING 1")
            self.count("UPDATE tapline.journal SET free_bytes = 70000000 RETURNING 1")
            code, out, _ = self.verb("open", "--reason", "x", "--for", "24h")
            self.assertEqual((code, len(out["error"]["journals"])), (3, 2))
            self.assertEqual(out["error"]["message"].count(name), 1, "once in the text")
            for sql in ("UPDATE tapline.journal SET free_bytes = NULL RETURNING 1",
                        "UPDATE tapline.journal SET free_bytes = 0 RETURNING 1"):
                self.count(sql)
                code, out, err = self.verb("open", "--reason", "unknown stops nobody", "--for", "24h")
                self.assertEqual((code, [each["buffer_s"] for each in out["journals"]]), (0, [None, None]), err)
                self.verb("close")
            self.count("UPDATE tapline.journal SET free_bytes = 70000000 RETURNING 1")
            for status in ("revoked", "retired"):
                self.count(f"UPDATE tapline.controller SET status = '{status}' RETURNING 1")
                code, out, err = self.verb("open", "--reason", "they are gone", "--for", "24h")
                self.assertEqual((code, out["journals"]), (0, []), err)
                self.verb("close")


if __name__ == "__main__":
    unittest.main(verbosity=2)
