"""`serve` as the role that `grants --gateway-role` makes: everything works, and nothing else does."""

import json
import os
import subprocess
import unittest
import urllib.request

import psycopg2

from lab import Stage
from lab.programs import free_port, must, run_command

ROLE = Stage.GATEWAY_ROLE
REFUSED = [
    "CREATE TABLE public.mine (id int)",
    "CREATE TABLE tapline.mine (id int)",
    "CREATE SCHEMA mine",
    "CREATE TEMP TABLE mine AS SELECT first_name FROM guests",
    "ALTER TABLE tapline.receipt ADD mine int",
    "DROP TABLE tapline.receipt",
    "TRUNCATE tapline.quarantine",
    "DELETE FROM tapline.receipt",
    "UPDATE tapline.receipt SET amount = 0",
    "DELETE FROM tapline.quarantine",
    "UPDATE tapline.quarantine SET state = 'dismissed'",
    "DELETE FROM tapline.certificate",
    "DELETE FROM public.pours",
    "UPDATE public.pours SET amount_charged = 0",
    "SELECT first_name FROM public.guests",
    "SELECT phone_number FROM public.guests",
    "SELECT * FROM public.transactions",
    "SELECT * FROM public.audit_logs",
    "UPDATE public.guests SET is_active = false",
    "UPDATE public.taps SET keg_id = NULL",
    "UPDATE public.beverages SET sell_price_per_liter = 0",
    "INSERT INTO tapline.enrollment (code_id) VALUES ('mine')",
    "UPDATE tapline.enrollment SET max_attempts = 1000",
    "UPDATE tapline.certificate SET not_after = now() + interval '10 years'",
    "INSERT INTO tapline.hold (reason, opened_by) VALUES ('x', 'x')",
    "UPDATE tapline.hold SET closed_at = now()",
    "UPDATE tapline.alembic_version SET version_num = 'x'",
    "UPDATE public.alembic_version SET version_num = 'x'",
    "INSERT INTO tapline.maintainer (role, added_person) VALUES ('tapline_gateway', 'x')",
    "UPDATE tapline.setting SET value = 'dev'",
    "DELETE FROM tapline.controller_event",
    "UPDATE tapline.wire_window SET max_version = 9",
    "INSERT INTO tapline.journal_minimum (lineage, contract, revision, fixed_by) VALUES ('app', 'x', 'j0001', 'x')",
    "DELETE FROM tapline.journal_minimum",
    "UPDATE tapline.epoch_grant SET granted_by = 'x'",
    "DELETE FROM tapline.epoch_grant",
    "UPDATE tapline.quarantine_decision SET outcome = 'dismissed'",
]


class GatewayRole(unittest.TestCase):
    def test_serve_settles_enrols_quarantines_and_tells_its_numbers_as_that_role(self):
        port = free_port()
        toml = f'metrics = "127.0.0.1:{port}"'
        with Stage(taps=2, tls=True, central_url=Stage.as_gateway_role, central_toml=toml) as stage:
            state = stage.enroll("bar-1", 1)
            agent = stage.add_agent(stage.new_journal(), "bar-1", state_dir=state).start()
            stage.add_tap(agent.journals[0], 1, count=120, rate=200, bad=["unknown-card", "unknown-tap", "bad-time"]).start()
            stage.finish_taps()
            stage.wait_quiet()
            verdict = stage.compare()
            self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))
            self.assertGreater(stage.cluster.one("SELECT count(*) FROM tapline.quarantine"), 0)
            identity = os.path.join(state, "identity.pem")
            csr = subprocess.run(["openssl", "req", "-new", "-key", identity, "-subj", "/CN=x", "-batch"],
                                 check=True, capture_output=True, text=True).stdout
            status, text = stage.central.request("POST", "/v1/renew", json.dumps({"csr": csr}), identity=identity)
            self.assertEqual(status, 200, text)
            stage.cluster.rows("UPDATE kegs SET current_volume_ml = 100")
            stage.add_tap(agent.journals[0], 1, count=5).start()
            stage.finish_taps()
            stage.wait_quiet()
            self.assertGreater(stage.cluster.one("SELECT count(*) FROM kegs WHERE status = 'empty'"), 0)
            status, text = stage.central.request(
                "POST", "/v1/enroll", json.dumps({"code": "0" * 32, "csr": csr, "agent_version": "0"}))
            self.assertEqual(status, 403, text)
            self.assertEqual(stage.central.get("/readyz")[0], 200)
            users = {row[0] for row in stage.cluster.rows("SELECT usename FROM pg_stat_activity "
                                                          "WHERE datname = 'bar' AND pid <> pg_backend_pid()")}
            self.assertEqual(users, {ROLE})
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                numbers = answer.read().decode()
            self.assertIn("tapline_database_up 1", numbers)
            self.assertIn('tapline_quarantine_open{code="unknown_card"} 1', numbers)
            self.assertNotIn("permission denied", stage.central.log_text())
            self.assertNotIn("may change the schema", stage.central.log_text())
            self.assertEqual(stage.verb("check")["findings"], [], "its rights are no drift")
            self.refused(stage)

    def refused(self, stage):
        connection = psycopg2.connect(stage.database_url.replace(f"//{stage.cluster.USER}@", f"//{ROLE}@"))
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in REFUSED:
                with self.subTest(statement), self.assertRaises(psycopg2.errors.InsufficientPrivilege):
                    cursor.execute(statement)
        connection.close()

    def test_an_owner_is_warned_and_a_superuser_gets_no_rights(self):
        with Stage() as stage:
            self.assertIn("grants --gateway-role", stage.central.log_text())
            stage.cluster.rows("CREATE ROLE bar_app LOGIN")
            url = {"DATABASE_URL": stage.database_url}
            for arguments, code in (
                (["--gateway-role", stage.cluster.USER], "superuser"),
                (["--gateway-role", "nobody_there"], "no_role"),
            ):
                done = run_command("tapline-central", ["grants", *arguments, "--json"], env=url)
                self.assertIn(code, done.stdout + done.stderr)
                self.assertIn(done.returncode, (2, 3))
            self.assertIn("the role with which `serve` logs in", done.stdout)
            must("tapline-central", ["grants", "--app-role", "bar_app"], env=url)
            done = run_command("tapline-central", ["grants", "--gateway-role", "bar_app", "--json"], env=url)
            self.assertEqual(done.returncode, 3)
            self.assertIn("is_app_role", done.stdout + done.stderr)
            both = run_command("tapline-central", ["grants", "--app-role", "a", "--gateway-role", "b"], env=url)
            self.assertEqual(both.returncode, 2)

    def test_what_was_given_is_taken_again(self):
        with Stage(central_url=Stage.as_gateway_role) as stage:
            must("tapline-central", ["grants", "--gateway-role", ROLE, "--revoke"],
                 env={"DATABASE_URL": stage.database_url})
            left = stage.cluster.rows(
                "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relacl::text LIKE %s UNION "
                "SELECT a.attrelid::regclass::text FROM pg_attribute a WHERE a.attacl::text LIKE %s",
                (f"%{ROLE}%", f"%{ROLE}%"))
            self.assertEqual(left, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
