"""Device and central as two machines with a cable between them: enrolling, sending, renewing, and who is
refused with which code."""

import json
import os
import re
import unittest

from lab import Network, Stage, network_possible, sql, wait_until
from lab.programs import must, run_command
from trust import HELLO, openssl, request_for

LIFETIME_S = 20


@unittest.skipUnless(network_possible(), "network namespaces can't be made here")
class TwoMachines(unittest.TestCase):
    def setUp(self):
        self.network = Network()
        self.network.__enter__()
        self.addCleanup(self.network.__exit__)
        toml = f"[tls]\ndevice_lifetime_s = {LIFETIME_S}\nrenew_grace_s = 3600\n"
        self.stage = Stage(taps=2, tls=True, central_toml=toml, network=self.network)
        self.stage.__enter__()
        self.addCleanup(lambda: self.stage.__exit__(None, None, None))

    def post(self, path, body, **options):
        """(status, code) of what the device's side gets."""
        status, text = self.stage.central.request("POST", path, json.dumps(body), **options)
        answer = json.loads(text) if text.startswith("{") else {}
        return status, answer.get("code")

    def hello(self, **options):
        return self.post("/v1/hello", HELLO, **options)

    def enroll(self, name, token):
        state = self.stage.path(f"{name}.state")
        done = run_command("tapline-agent", ["enroll", self.stage.central.url, "--state-dir", state, "--json"],
                           stdin=token + "\n", before=self.stage.before_agent)
        error = json.loads(done.stdout).get("error", {}) if done.stdout else {}
        return done.returncode, error.get("kind"), os.path.join(state, "identity.pem")

    def pours(self, journal, count):
        self.stage.add_tap(journal, 1, count=count, rate=100).start()
        self.stage.finish_taps()

    def agree(self):
        self.stage.wait_quiet()
        verdict = self.stage.compare()
        self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))

    def test_enrol_send_lose_the_cable_renew_expire_and_revoke(self):
        stage = self.stage
        state = stage.enroll("bar-1", 1, 2)
        identity = os.path.join(state, "identity.pem")
        agent = stage.add_agent(stage.new_journal(), "bar-1", state_dir=state).start()
        journal = agent.journals[0]
        self.pours(journal, 100)
        self.agree()

        self.network.pull_the_cable()
        self.pours(journal, 100)
        settled = stage.settled()
        self.network.plug_it_in()
        self.assertEqual(settled, 100)
        wait_until(lambda: stage.settled() == 200, 60, lambda: f"{stage.settled()} of 200 settled")
        self.agree()

        renewals = "SELECT count(*) FROM tapline.certificate WHERE origin = 'renewed'"
        wait_until(lambda: stage.cluster.one(renewals) >= 1, 2 * LIFETIME_S, "a renewal")
        agent.stop()
        wait_until(lambda: self.hello(identity=identity) == (403, "certificate_expired"), 2 * LIFETIME_S,
                   "the certificate ends", 0.5)
        self.pours(journal, 50)
        agent.start()  # reaches /v1/renew only, and goes on
        self.agree()

        stage.verb("controllers", "revoke", "bar-1", "--reason", "stolen")
        self.assertEqual(self.hello(identity=identity), (403, "revoked"))
        self.pours(journal, 10)
        wait_until(lambda: "revoked" in agent.log_text(), 20, "the agent hears of it")
        self.assertEqual(stage.settled(), 250)
        self.assertEqual(sql(journal, "SELECT count(*) FROM pours")[0][0], 260)

    def test_strangers_are_refused_each_with_its_code(self):
        stage = self.stage
        self.assertEqual(self.hello(), (403, "no_certificate"))
        self.assertEqual(self.hello(headers={"Tapline-Controller": "bar-1"}), (403, "no_certificate"))
        forged = self.certificate_of_another_authority("bar-1")
        self.assertEqual(self.hello(identity=forged), (403, "wrong_authority"))

        token = stage.token("bar-1", 1)
        self.assertEqual(self.enroll("wrong-ca", "TAP1-" + "0" * 64 + "-" + token.split("-")[2])[:2], (4, "wrong_authority"))
        wrong = token[:-1] + ("0" if token[-1] != "0" else "1")
        self.assertEqual(self.enroll("guesser", wrong)[:2], (3, "code_wrong"))
        code, _, mine = self.enroll("bar-1", token)
        self.assertEqual((code, self.hello(identity=mine)[0]), (0, 200))
        # Somebody read the token from the technician's screen and comes second, with a key of his own;
        # then with what he saw on the wire.
        self.assertEqual(self.enroll("thief", token)[:2], (3, "code_used"))
        _, request = request_for(stage.directory, "replayer")
        replayed = {"code": token.split("-")[2], "csr": request}
        self.assertEqual(self.post("/v1/enroll", replayed), (403, "code_used"))
        late = stage.token("bar-2")
        stage.cluster.rows("UPDATE tapline.enrollment SET expires_at = now() WHERE controller = 'bar-2'")
        self.assertEqual(self.enroll("late", late)[:2], (3, "code_expired"))
        self.assertEqual(stage.cluster.one("SELECT count(*) FROM tapline.certificate"), 1)
        # The record says from where.
        refused = stage.cluster.one(
            "SELECT string_agg(DISTINCT who, ',') FROM tapline.controller_event WHERE action = 'refused'")
        self.assertEqual(refused, "10.203.7.2")

    def certificate_of_another_authority(self, name):
        other = self.stage.path("other")
        must("tapline-central", ["tls", "init", "--name", "127.0.0.1", "--dir", other])
        key, csr = request_for(self.stage.directory)
        path = self.stage.path("csr")
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub("anything", name, csr))
        made = openssl("x509", "-req", "-in", path, "-CA", f"{other}/ca.pem", "-CAkey", f"{other}/ca.key",
                       "-CAcreateserial", "-days", "2")
        with open(key, "a", encoding="utf-8") as file:
            file.write(made)
        return key


if __name__ == "__main__":
    unittest.main(verbosity=2)
