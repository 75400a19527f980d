"""Devices, certificates and codes: who gets in, who doesn't, and that no pour is lost either way."""

import json
import os
import re
import subprocess
import unittest

from lab import Stage, sql
from lab.programs import must, run_command
from lab.waiting import wait_until

JOURNAL = "6f0c0f5e-6a53-4f5e-9d3a-0d8f6f3a1c11"
HELLO = {
    "protocol": {"min": 1, "max": 1},
    "agent_version": "test",
    "journal": {"id": JOURNAL, "epoch": 1, "revision": "j0001", "acked": 0, "max_seq": 0, "acked_hash": "0" * 64},
}


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True, text=True).stdout


def request_for(directory, name="stranger"):
    """(key file, request) of a device that isn't the agent."""
    key = os.path.join(directory, f"{name}.key")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    return key, openssl("req", "-new", "-key", key, "-subj", "/CN=anything", "-batch")


class Trust(unittest.TestCase):
    def setUp(self):
        self.stage = None

    def stage_with(self, **options):
        self.stage = Stage(taps=2, tls=True, **options)
        stage = self.stage.__enter__()
        self.addCleanup(lambda: self.stage.__exit__(None, None, None))
        return stage

    def post(self, path, body, **options):
        """(status, code of the problem or None, whole answer)"""
        status, text = self.stage.central.request("POST", path, json.dumps(body), **options)
        answer = json.loads(text) if text.startswith("{") else {}
        return status, answer.get("code"), answer

    def hello(self, journal=None, **options):
        body = json.loads(json.dumps(HELLO))
        body["journal"]["id"] = journal or JOURNAL
        return self.post("/v1/hello", body, **options)

    def identity(self, state):
        return os.path.join(state, "identity.pem")

    def agent(self, name, *taps):
        state = self.stage.enroll(name, *taps)
        agent = self.stage.add_agent(self.stage.new_journal(), name, state_dir=state)
        return agent, state

    def agree(self):
        self.stage.wait_quiet()
        verdict = self.stage.compare()
        self.assertTrue(verdict["ok"], json.dumps(verdict, indent=1))

    def status(self, agent):
        with open(os.path.join(self.stage.directory, f"{agent.name}.status"), encoding="utf-8") as file:
            return json.load(file)["journals"][0]

    def test_two_devices_settle_over_mtls_and_no_secret_is_left_lying_about(self):
        stage = self.stage_with()
        canaries = {}
        for number, name in enumerate(("bar-1", "bar-2"), 1):
            token = stage.token(name, number)
            state = stage.path(f"{name}.state")
            must("tapline-agent", ["enroll", stage.central.url, "--state-dir", state], stdin=token + "\n")
            agent = stage.add_agent(stage.new_journal(), name, state_dir=state).start()
            stage.add_tap(agent.journals[0], number, count=200, rate=200).start()
            canaries[f"code of {name}"] = token.split("-")[2]
            canaries[f"key of {name}"] = self.key_line(self.identity(state))
        canaries["key of the authority"] = self.key_line(os.path.join(stage.tls, "ca.key"))
        canaries["key of the server"] = self.key_line(os.path.join(stage.tls, "server.pem"))
        places = {}
        for program in [stage.central, *stage.agents]:
            for part in ("cmdline", "environ"):
                with open(f"/proc/{program.pid}/{part}", "rb") as file:
                    places[f"{part} of {program.name}"] = file.read().decode(errors="replace")
        stage.finish_taps()
        self.agree()
        places["the database"] = repr(
            [stage.cluster.rows(f"SELECT t::text FROM tapline.{table} t") for table in
             ("controller", "controller_tap", "certificate", "enrollment", "controller_event")]
        )
        for program in [stage.central, *stage.agents]:
            places[f"log of {program.name}"] = program.log_text()
        for what, canary in canaries.items():
            for place, text in places.items():
                self.assertNotIn(canary, text, f"{what} in {place}")
        for state in ("bar-1.state/identity.pem", "tls/ca.key", "tls/server.pem"):
            self.assertEqual(os.stat(stage.path(state)).st_mode & 0o777, 0o600)
        listed = {one["name"]: one for one in stage.verb("controllers", "list")["controllers"]}
        self.assertEqual(listed["bar-1"]["status"], "enrolled")
        self.assertEqual(listed["bar-2"]["taps"], [2])

    def key_line(self, path):
        with open(path, encoding="utf-8") as file:
            return re.search(r"BEGIN PRIVATE KEY-----\n(.{40})", file.read()).group(1)

    def test_whoever_cannot_prove_who_he_is_gets_a_code_of_its_own(self):
        stage = self.stage_with()
        mine = self.identity(stage.enroll("bar-1"))
        self.assertEqual(self.hello()[:2], (403, "no_certificate"))
        named = {"Tapline-Controller": "bar-1"}
        self.assertEqual(self.hello(headers=named)[:2], (403, "no_certificate"))
        self.assertEqual(self.post("/v1/renew", {"csr": ""})[:2], (403, "no_certificate"))
        # Another authority that knows the name.
        other = stage.path("other")
        must("tapline-central", ["tls", "init", "--name", "127.0.0.1", "--dir", other])
        key, csr = request_for(stage.directory)
        with open(stage.path("csr"), "w", encoding="utf-8") as file:
            file.write(csr.replace("anything", "bar-1"))
        forged = openssl("x509", "-req", "-in", stage.path("csr"), "-CA", f"{other}/ca.pem", "-CAkey",
                         f"{other}/ca.key", "-CAcreateserial", "-days", "2")
        with open(key, "a", encoding="utf-8") as file:
            file.write(forged)
        self.assertEqual(self.hello(identity=key)[:2], (403, "wrong_authority"))
        # The server's own certificate isn't a device's.
        server = os.path.join(stage.tls, "server.pem")
        self.assertEqual(self.hello(identity=server)[:2], (403, "wrong_authority"))
        self.assertEqual(self.hello(identity=mine)[0], 200)
        # Another device has registered that journal, and its word in a header doesn't count.
        thief = self.identity(stage.enroll("bar-2"))
        self.assertEqual(self.hello(identity=thief, headers=named)[:2], (403, "not_yours"))

    def enroll_by_hand(self, token, csr):
        return self.post("/v1/enroll", {"code": token.split("-")[2], "csr": csr})

    def test_a_code_lets_one_key_in_once_and_not_for_ever(self):
        stage = self.stage_with()
        token = stage.token("bar-1", 1)
        _, first = request_for(stage.directory, "first")
        _, second = request_for(stage.directory, "second")
        status, _, enrolled = self.enroll_by_hand(token, first)
        self.assertEqual(status, 200)
        self.assertEqual((enrolled["name"], enrolled["taps"]), ("bar-1", [1]))
        # The answer was lost: the same again.
        self.assertEqual(self.enroll_by_hand(token, first)[2]["certificate"], enrolled["certificate"])
        # Stolen or replayed: another key.
        self.assertEqual(self.enroll_by_hand(token, second)[:2], (403, "code_used"))
        self.assertEqual(self.enroll_by_hand(token, "nonsense")[:2], (400, "bad_request"))
        late = stage.token("bar-2")
        stage.cluster.rows("UPDATE tapline.enrollment SET expires_at = now() WHERE controller = 'bar-2'")
        self.assertEqual(self.enroll_by_hand(late, second)[:2], (403, "code_expired"))
        # A new code cancels the one before.
        old, new = stage.token("bar-3"), stage.token("bar-3")
        self.assertEqual(self.enroll_by_hand(old, second)[:2], (403, "code_expired"))
        # Who knows which code there is but not the code itself has five tries.
        wrong = new[:-1] + ("0" if new[-1] != "0" else "1")
        for _ in range(5):
            self.assertEqual(self.enroll_by_hand(wrong, second)[:2], (403, "code_wrong"))
        self.assertEqual(self.enroll_by_hand(new, second)[:2], (403, "code_locked"))
        # By now this address has failed ten times within the minute.
        self.assertEqual(self.enroll_by_hand(new, second)[:2], (429, "too_many_attempts"))
        refused = stage.cluster.one("SELECT count(*) FROM tapline.controller_event WHERE action = 'refused'")
        self.assertGreaterEqual(refused, 8)
        self.assertIn("enrolling bar-3 from 127.0.0.1: code_locked", stage.central.log_text())

    def enroll(self, url, state, token):
        return run_command("tapline-agent", ["enroll", url, "--state-dir", state, "--json"], stdin=token + "\n")

    def test_the_agent_believes_nobody_but_the_authority_of_its_token(self):
        stage = self.stage_with()
        token = stage.token("bar-1")
        other = ("0" if token[5] != "0" else "1").join([token[:5], token[6:]])
        state = stage.path("state")
        done = self.enroll(stage.central.url, state, other)
        self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["kind"]), (4, "wrong_authority"))
        self.assertEqual(stage.cluster.one("SELECT count(*) FROM tapline.controller_event WHERE action <> 'invited'"), 0)
        wrong_name = stage.central.url.replace("127.0.0.1", "127.0.0.2")
        done = self.enroll(wrong_name, state, token)
        self.assertEqual(done.returncode, 4)
        done = self.enroll(stage.central.url, state, "TAP1-torn")
        self.assertEqual((done.returncode, json.loads(done.stdout)["error"]["kind"]), (2, "bad_token"))
        # Cut off before and after the answer: the key stays, the same token goes on.
        self.assertTrue(os.path.exists(os.path.join(state, "enrolling.key")))
        self.assertEqual(self.enroll(stage.central.url, state, token).returncode, 0)
        with open(self.identity(state), encoding="utf-8") as file:
            before = file.read()
        key = before[before.index("-----BEGIN PRIVATE"):before.index("-----BEGIN CERT")]
        os.unlink(self.identity(state))
        with open(os.path.join(state, "enrolling.key"), "w", encoding="utf-8") as file:
            file.write(key)
        self.assertEqual(self.enroll(stage.central.url, state, token).returncode, 0)
        with open(self.identity(state), encoding="utf-8") as file:
            self.assertEqual(file.read(), before)
        again = self.enroll(stage.central.url, state, "")
        self.assertFalse(json.loads(again.stdout)["enrolled_now"])
        # run without an identity says what to do.
        bare = run_command(
            "tapline-agent",
            ["run", "--central", stage.central.url, "--journal", stage.new_journal(), "--state-dir", stage.path("no")],
        )
        self.assertEqual(bare.returncode, 3)
        self.assertIn("tapline-agent enroll", bare.stderr)

    def test_an_enrolment_that_is_cut_off_anywhere_goes_on_with_the_same_token(self):
        stage = self.stage_with()
        for number, phase in enumerate(("enroll.key", "enroll.answer", "enroll.saved"), 1):
            state = stage.path(f"state{number}")
            token = stage.token(f"bar-{number}")
            arguments = ["enroll", stage.central.url, "--state-dir", state]
            cut = run_command("tapline-agent", arguments, stdin=token + "\n", env={"TAPLINE_TEST_STOP_AT": phase})
            self.assertEqual(cut.returncode, -9, cut.stderr)
            must("tapline-agent", arguments, stdin=token + "\n")
            self.assertEqual(os.listdir(state), ["identity.pem"])
            self.assertEqual(self.hello(identity=self.identity(state), journal=JOURNAL[:-1] + str(number))[0], 200)
        self.assertEqual(stage.cluster.one("SELECT count(*) FROM tapline.certificate"), 3)

    def test_a_revoked_device_keeps_its_journal_and_comes_back_by_enrolling(self):
        stage = self.stage_with()
        agent, state = self.agent("bar-1")
        agent.start()
        stage.add_tap(agent.journals[0], 1, count=30, rate=100).start()
        stage.finish_taps()
        self.agree()
        tap_zero = run_command("tapline-central", ["controllers", "taps", "bar-1", "--tap", "0"],
                               env={"DATABASE_URL": stage.database_url})
        self.assertEqual(tap_zero.returncode, 2, tap_zero.stdout)
        for already in (False, True):
            made = stage.verb("controllers", "revoke", "bar-1", "--reason", "stolen on Saturday")
            self.assertEqual(made["already"], already)
        self.assertEqual(self.hello(identity=self.identity(state))[:2], (403, "revoked"))
        stage.add_tap(agent.journals[0], 1, count=30, rate=100).start()
        stage.finish_taps()
        wait_until(lambda: self.status(agent)["state"] == "waiting", 20, lambda: str(self.status(agent)))
        self.assertIn("revoked", self.status(agent)["last_error"])
        self.assertEqual(self.post("/v1/renew", {"csr": self.csr_of(state)}, identity=self.identity(state))[:2],
                         (403, "revoked"))
        self.assertEqual(stage.settled(), 30)
        self.assertEqual(sql(agent.journals[0], "SELECT count(*) FROM pours")[0][0], 60)
        agent.stop()
        must("tapline-agent", ["enroll", stage.central.url, "--state-dir", state, "--again"],
             stdin=stage.token("bar-1") + "\n")
        agent.start()
        self.agree()

    def csr_of(self, state):
        return openssl("req", "-new", "-key", self.identity(state), "-subj", "/CN=x", "-batch")

    def test_certificates_are_renewed_at_half_life_and_after_their_end_too(self):
        stage = self.stage_with(central_toml="[tls]\ndevice_lifetime_s = 12\n")
        agent, state = self.agent("bar-1")
        agent.start()
        stage.add_tap(agent.journals[0], 1, count=100, rate=100).start()
        stage.finish_taps()
        self.agree()
        renewals = "SELECT count(*) FROM tapline.certificate WHERE origin = 'renewed'"
        wait_until(lambda: stage.cluster.one(renewals) >= 2, 30, "two renewals")
        seen = run_command(
            "tapline-agent", ["status", "--json", "--status-file", stage.path("bar-1.status"), "--journal", agent.journals[0]]
        )
        self.assertEqual(json.loads(seen.stdout)["certificates"][0]["name"], "bar-1")
        agent.stop()
        ended = self.identity(state)
        wait_until(lambda: self.hello(identity=ended)[1] == "certificate_expired", 30, "the certificate ends", 0.5)
        path = f"/v1/journals/{JOURNAL}/1/pours"
        self.assertEqual(self.post(path, {}, identity=ended)[:2], (403, "certificate_expired"))
        _, foreign = request_for(stage.directory)
        self.assertEqual(self.post("/v1/renew", {"csr": foreign}, identity=ended)[:2], (403, "not_same_key"))
        self.assertEqual(self.post("/v1/renew", {"csr": self.csr_of(state)}, identity=ended)[0], 200)
        stage.add_tap(agent.journals[0], 1, count=20, rate=100).start()
        stage.finish_taps()
        agent.start()
        self.agree()

    def test_a_restored_centre_keeps_unknown_devices_waiting_and_loses_nothing(self):
        stage = self.stage_with()
        agent, state = self.agent("bar-1")
        agent.start()
        stage.add_tap(agent.journals[0], 1, count=40, rate=100).start()
        stage.finish_taps()
        self.agree()
        agent.stop()
        # The backup is older than the enrolment.
        stage.cluster.rows("TRUNCATE tapline.controller, tapline.controller_event CASCADE")
        stage.add_tap(agent.journals[0], 1, count=20, rate=100).start()
        stage.finish_taps()
        agent.start()
        wait_until(lambda: self.status(agent)["state"] == "held", 20, lambda: str(self.status(agent)))
        self.assertIn("controllers approve bar-1", self.status(agent)["hold_reason"])
        self.assertEqual(self.post(f"/v1/journals/{JOURNAL}/1/pours", {}, identity=self.identity(state))[:2],
                         (503, "pending"))
        stage.verb("controllers", "approve", "bar-1")
        agent.stop()
        agent.start()
        self.agree()

    def test_a_pour_for_somebody_elses_tap_waits_until_the_list_says_otherwise(self):
        stage = self.stage_with()
        agent, _ = self.agent("bar-1", 2)
        agent.start()
        stage.add_tap(agent.journals[0], 1, count=5, rate=100).start()
        stage.finish_taps()
        waiting = "SELECT count(*) FROM tapline.quarantine WHERE code = 'tap_not_yours' AND state = 'waiting'"
        wait_until(lambda: stage.cluster.one(waiting) == 5, 20, "five pours in quarantine")
        stage.verb("controllers", "taps", "bar-1", "--tap", "1", "--tap", "2")
        for (number,) in stage.cluster.rows("SELECT quarantine_id FROM tapline.quarantine"):
            stage.verb("quarantine", "retry", str(number))
        self.agree()

    def test_a_new_server_certificate_comes_without_a_restart(self):
        stage = self.stage_with()
        state = stage.enroll("bar-1")
        pid = stage.central.pid
        must("tapline-central", ["tls", "renew", "--dir", stage.tls])
        os.kill(pid, 1)  # SIGHUP
        wait_until(lambda: "SIGHUP" in stage.central.log_text(), 10, "central reads its certificates again")
        self.assertEqual(self.hello(identity=self.identity(state))[0], 200)
        self.assertEqual(stage.central.pid, pid)

    def hang_up(self):
        before = self.stage.central.log_text().count("SIGHUP: new connections")
        os.kill(self.stage.central.pid, 1)
        wait_until(lambda: self.stage.central.log_text().count("SIGHUP: new connections") > before, 10, "a reload")

    def test_another_authority_takes_over_and_no_device_enrols_again(self):
        stage = self.stage_with(central_toml="[tls]\ndevice_lifetime_s = 12\n")
        agent, _ = self.agent("bar-1")
        agent.start()
        renewals = "SELECT count(*) FROM tapline.certificate WHERE origin = 'renewed'"

        def renewed(times):
            goal = stage.cluster.one(renewals) + times
            wait_until(lambda: stage.cluster.one(renewals) >= goal, 40, "a renewal")

        def pours(count):
            stage.add_tap(agent.journals[0], 1, count=count, rate=100).start()
            stage.finish_taps()
            self.agree()

        pours(20)
        for _ in range(2):  # again: nothing more happens
            must("tapline-central", ["tls", "rotate", "--dir", stage.tls])
        self.hang_up()
        renewed(2)
        for _ in range(2):
            must("tapline-central", ["tls", "rotate", "--finish", "--dir", stage.tls])
        self.hang_up()
        agent.stop()
        agent.start()
        pours(20)
        renewed(2)
        roots = os.path.join(stage.tls, "ca.pem")
        with open(roots, encoding="utf-8") as file:
            old, new = re.findall(r"-----BEGIN.*?END CERTIFICATE-----\n", file.read(), re.S)
        with open(roots, "w", encoding="utf-8") as file:
            file.write(new)
        self.hang_up()
        agent.stop()
        agent.start()
        pours(20)
        self.assertNotEqual(old, new)
        stage.enroll("bar-2")  # a token of today pins the new root

    def test_central_listens_beyond_this_machine_only_with_tls(self):
        done = run_command(
            "tapline-central", ["serve", "--listen", "0.0.0.0:18443"], env={"DATABASE_URL": "postgresql://x@127.0.0.1/x"}
        )
        self.assertEqual(done.returncode, 3)
        self.assertIn("tls init", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
