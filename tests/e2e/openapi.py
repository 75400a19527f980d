"""docs/openapi.yaml against the running server: each call, each status, each code, each answer's shape; the
curl examples of docs/wire.md; and that file and sources know the same codes.

To add a call: its path in docs/openapi.yaml, and for each of its statuses a line that makes it."""

import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import time
import unittest

from lab import Stage
from lab.wire_calls import (ENROLL, EPOCHS, HELLO, JOURNAL, POURS, RENEW, ZERO, WireCase, batch, document, epoch_wanted,
                            hello, shown)

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONTRACT_LOCK = 0x7461706C00000002  # central/compat/lock.hpp
WIRE = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
# What the test can't make a running server say: each with the place that proves it instead.
NOT_MADE = {
    ("any", "500", "internal"): "no request is known that does it; gateway_routes_test.cpp",
    (POURS, "400", "bad_journal_id"): "the path is judged first; settle_codes_pgtest.cpp",
    (POURS, "400", "bad_epoch"): "the path is judged first",
    (POURS, "400", "too_many_rows"): "the decoder counts first",
    (POURS, "400", "columns_not_ascending"): "the decoder sorts; settle_codes_pgtest.cpp",
    (POURS, "503", "unavailable"): "between a connection's loss and its being known; settle_faults_pgtest.cpp",
    (POURS, "503", "stopping"): "a moment of the end",
    (POURS, "503", "unsettled"): "a bug",
    (POURS, "503", "busy"): "gateway_limits_test.cpp",
    (POURS, "503", "overloaded"): "the settler's own; the gateway's is made here",
    ("any", "503", "too_many_connections"): "gateway_limits_test.cpp",
}


class OpenApi(WireCase):
    def test_every_status_and_code_of_the_file_is_made_and_every_answer_has_its_shape(self):
        toml = "[tls]\nrenew_grace_s = 100000"
        # With the rights of that role, since each statement of each call is said here.
        with Stage(taps=2, tls=True, central_url=Stage.as_gateway_role, central_toml=toml) as stage:
            self.stage, self.tls = stage, stage.central
            self.plain = self.second("plain", None, "[gateway]\nmax_requests = 1")
            # Before the wrong codes, after which this address has to wait.
            self.identity, self.lost = self.device("bar-1"), self.device("lost")
            self.everywhere()
            self.hellos()
            self.enrolments()
            self.renewals()
            self.pours()
            self.epochs()
            self.forks()
            self.compatibility()
            self.contract()
            self.turns()
            self.standings()
            self.without_key()
            self.without_database()
        documented = {(path, status, code)
                      for path, methods in self.document["paths"].items() for operation in methods.values()
                      for status, response in operation["responses"].items()
                      for code in response.get("x-codes", [None])}
        documented |= {("any", status, code) for status, response in self.document["x-anywhere"].items()
                       for code in response["x-codes"]}
        self.assertEqual(sorted(map(str, documented - self.seen - set(NOT_MADE))), [], "documented, never seen")
        self.assertEqual(sorted(map(str, set(NOT_MADE) - documented)), [], "excused, but not documented")

    def everywhere(self):
        self.ask("/healthz", "200", method="GET")
        self.ask("/readyz", "200", method="GET")
        self.ask("/v2", "404 not_found", method="GET")
        for path in (HELLO, ENROLL, RENEW, POURS, EPOCHS):
            self.ask(path, "405 method_not_allowed", method="GET")
            self.ask(path, "415 unsupported_media_type", "{}", headers={"Content-Type": "text/plain"})
            self.ask(path, "413 oversized", " " * (1 << 20) + "xx", identity=self.identity)
        self.ask("/healthz", "405 method_not_allowed", "{}")
        self.ask("/healthz", "431 header_too_large", method="GET", headers={"X": "x" * 9000})
        with socket.create_connection(("127.0.0.1", self.plain.port)) as raw:
            raw.sendall(b"\x01\x02 nonsense\r\n\r\n")
            answer = http.client.HTTPResponse(raw)
            answer.begin()
            self.judge("any", "GET", answer.status, answer.headers, answer.read().decode())
        with socket.create_connection(("127.0.0.1", self.plain.port)) as raw:
            raw.sendall(b"POST /v1/hello HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
            time.sleep(0.3)
            self.ask(HELLO, "503 overloaded", {}, central=self.plain)

    def hellos(self):
        asked = {"identity": self.identity}
        self.ask(HELLO, "200", hello(), **asked)
        self.ask(HELLO, "400 malformed", "{", **asked)
        self.ask(HELLO, "400 no_controller", hello(), central=self.plain)
        self.ask(HELLO, "400 bad_hello", hello(journal="x"), **asked)
        self.ask(HELLO, "409 unknown_epoch", hello(epoch=7), **asked)
        self.ask(HELLO, "426 upgrade_required", hello(protocol={"min": 9, "max": 9}), **asked)
        self.ask(HELLO, "403 no_certificate", hello())

    def enrolments(self):
        csr = self.csr(self.key("other"))
        code = self.stage.token("bar-2").split("-")[2]
        self.ask(ENROLL, "400 malformed", "{")
        self.ask(ENROLL, "400 bad_request", {"code": code, "csr": "x"})
        self.ask(ENROLL, "200", {"code": code, "csr": csr})
        self.ask(ENROLL, "403 code_used", {"code": code, "csr": self.csr(self.key("thief"))})
        self.ask(ENROLL, "403 tls_required", {"code": code, "csr": csr}, central=self.plain)
        late = self.stage.token("bar-3").split("-")[2]
        self.stage.cluster.rows("UPDATE tapline.enrollment SET expires_at = now() WHERE controller = 'bar-3'")
        self.ask(ENROLL, "403 code_expired", {"code": late, "csr": csr})
        tried = self.stage.token("bar-4").split("-")[2]
        self.stage.cluster.rows("UPDATE tapline.enrollment SET attempts = max_attempts WHERE controller = 'bar-4'")
        self.ask(ENROLL, "403 code_locked", {"code": tried, "csr": csr})
        wrong = {"code": "0" * 32, "csr": csr}
        self.ask(ENROLL, "403 code_wrong", wrong)
        for _ in range(9):
            body = self.tls.request("POST", ENROLL, json.dumps(wrong))[1]
            if "too_many_attempts" in body:
                break
        self.ask(ENROLL, "429 too_many_attempts", wrong)

    def renewals(self):
        mine = {"csr": self.csr(self.identity)}
        asked = {"identity": self.identity}
        self.ask(RENEW, "200", mine, **asked)
        self.ask(RENEW, "400 malformed", "{", **asked)
        self.ask(RENEW, "400 bad_request", {"csr": "x"}, **asked)
        self.ask(RENEW, "403 not_same_key", {"csr": self.csr(self.key("next"))}, **asked)
        self.ask(RENEW, "403 no_certificate", mine)
        self.ask(RENEW, "403 tls_required", mine, central=self.plain)

    def pours(self):
        asked = {"identity": self.identity}
        self.ask(POURS, "200", batch(), **asked)
        self.ask(POURS, "200", batch(), **asked)
        last = batch()["hash"]
        for code, body in (
            ("malformed", "{"),
            ("bad_revision", batch(revision="?")),
            ("empty_batch", batch(rows=0, last_seq=1)),
            ("wrong_first_seq", batch(first_seq=3)),
            ("wrong_last_seq", batch(last_seq=7)),
            ("not_ascending", {**batch(), "rows": batch()["rows"][::-1], "first_seq": 1, "last_seq": 1}),
            ("absent_mismatch", batch(absent=[[1, 1]])),
            ("truncated_not_alone", batch(truncated=True)),
            ("hash_mismatch", batch(hash=ZERO)),
        ):
            self.ask(POURS, f"400 {code}", body, **asked)
        self.ask(POURS, "400 no_controller", batch(), central=self.plain)
        self.ask(POURS, "403 no_certificate", batch())
        self.ask(POURS, "409 gap", batch(first=9, previous=last), **asked)
        self.ask(POURS, "409 fork", batch(first=3, previous=ZERO), **asked)
        self.ask(POURS, "409 unknown_journal", batch(), journal=JOURNAL.replace("6", "7"), **asked)
        self.stage.verb("hold", "open", "--reason", "test", "--for", "10m")
        self.ask(POURS, "503 hold", batch(first=3, previous=last), **asked)
        self.stage.verb("hold", "close")

    def epochs(self):
        asked = {"identity": self.identity}
        self.ask(EPOCHS, "400 malformed", "{", **asked)
        self.ask(EPOCHS, "400 malformed", epoch_wanted(""), journal="x", **asked)
        odd = self.ask(EPOCHS, "400 bad_request", epoch_wanted("", reason="because"), **asked)
        self.assertEqual(odd["action"], "wait")
        self.ask(EPOCHS, "400 no_controller", epoch_wanted(""), central=self.plain)
        self.ask(EPOCHS, "403 no_certificate", epoch_wanted(""))
        self.ask(EPOCHS, "409 unknown_journal", epoch_wanted(""), journal=JOURNAL.replace("6", "7"), **asked)
        asked["journal"] = JOURNAL.replace("6", "a")
        self.ask(HELLO, "200", shown("pi-1", asked["journal"]), identity=self.identity)
        for granted in range(2, 14):
            grant = self.ask(EPOCHS, "200", epoch_wanted("pi-1"), **asked)
            self.assertEqual(self.ask(EPOCHS, "200", epoch_wanted("pi-1"), **asked), grant)
            self.assertEqual((grant["epoch"], grant["cursor"]), (granted, 0))
            self.ask(HELLO, "200", shown("pi-1", asked["journal"], granted), identity=self.identity)
        self.ask(EPOCHS, "409 too_many_epochs", epoch_wanted("pi-1"), **asked)

    def forks(self):
        """Two devices with one journal, in turns, until an operator decides for the second."""
        asked = {"identity": self.identity, "journal": JOURNAL.replace("6", "b")}
        first, second = (shown(device, asked["journal"]) for device in ("pi-1", "pi-2"))
        self.ask(HELLO, "200", first, **asked)
        self.ask(HELLO, "200", second, **asked)
        self.ask(EPOCHS, "409 another_alive", epoch_wanted("pi-2"), **asked)
        self.ask(HELLO, "409 two_alive", first, **asked)
        self.ask(EPOCHS, "409 two_alive", epoch_wanted("pi-2"), **asked)
        self.ask(POURS, "409 two_alive", batch(ids="fork"), **asked)
        side = self.stage.cluster.one(
            "SELECT side_id FROM tapline.journal_side WHERE journal_id = %s AND fingerprint = 'pi-2'", (asked["journal"],))
        self.stage.verb("controllers", "forks", "grant", asked["journal"], "--side", str(side), "--reason", "test")
        self.ask(HELLO, "409 epoch_closed", first, **asked)
        self.ask(POURS, "409 epoch_closed", batch(ids="fork"), **asked)
        self.ask(EPOCHS, "409 not_chosen", epoch_wanted("pi-1"), **asked)
        self.assertEqual(self.ask(EPOCHS, "200", epoch_wanted("pi-2"), **asked)["epoch"], 2)
        self.ask(HELLO, "200", shown("pi-2", asked["journal"], 2), **asked)

    def compatibility(self):
        """Journals and wires that central doesn't serve; what is kept in quarantine instead."""
        rows = self.stage.cluster.rows
        asked = {"identity": self.identity, "journal": JOURNAL.replace("6", "c")}
        at = lambda revision: {**hello(), "journal": {**hello(asked["journal"])["journal"], "revision": revision}}
        self.assertEqual(self.ask(HELLO, "200", at("j0001"), **asked)["journal_minimum"], "")
        self.ask(POURS, "426 journal_too_new", batch(ids="compat", revision="j9999"), **asked)
        refused = self.ask(HELLO, "426 journal_too_new", at("j9999"), **asked)
        self.assertEqual((refused["central_revision"][:1], refused["journal_minimum"]), ("t", ""))
        self.ask(HELLO, "200", at("j0001"), **asked)
        rows("UPDATE tapline.wire_window SET min_version = 9, max_version = 9")
        self.ask(POURS, "426 upgrade_required", batch(ids="compat"), **asked)
        rows("UPDATE tapline.wire_window SET min_version = 1, max_version = 1")
        rows("INSERT INTO tapline.journal_revision (revision, place, since, agent_version)"
             " VALUES ('j0002', 2, 't0006_compat', '9.9.9')")
        rows("INSERT INTO tapline.journal_minimum (lineage, contract, revision, fixed_by)"
             " VALUES ('app', 'c0001_test', 'j0002', 'test')")
        self.assertEqual(self.ask(HELLO, "426 journal_too_old", at("j0001"), **asked)["journal_minimum"], "j0002")
        self.ask(POURS, "426 journal_too_old", batch(ids="compat"), **asked)
        self.assertEqual(self.ask(HELLO, "200", at("j0002"), **asked)["journal_minimum"], "j0002")
        self.assertEqual(self.quarantined(batch(ids="compat"), **asked), {"journal_too_old"})
        rows("DELETE FROM tapline.journal_minimum")
        rows("DELETE FROM tapline.journal_revision WHERE revision = 'j0002'")
        lost = {"identity": self.lost, "journal": JOURNAL.replace("6", "d")}
        self.ask(HELLO, "200", hello(lost["journal"]), **lost)
        self.stage.verb("controllers", "retire", "lost", "--reason", "test")
        self.ask(HELLO, "200", hello(lost["journal"]), **lost)
        self.assertEqual(self.quarantined(batch(ids="lost"), **lost), {"retired_controller"})

    def quarantined(self, body, **asked):
        return {row["code"] for row in self.ask(POURS, "200", body, **asked)["quarantined"]}

    def contract(self):
        """While a contract moves the minimum."""
        asked = {"identity": self.identity}
        session = self.stage.cluster.connect()
        try:
            with session.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", (CONTRACT_LOCK,))
            self.ask(HELLO, "503 being_changed", hello(), **asked)
            self.ask(POURS, "503 hold", batch(first=3, previous=batch()["hash"]), **asked)
        finally:
            session.close()

    def turns(self):
        """One journal a second comes back."""
        central = self.second("slow", None, "[fleet]\njournals_per_s = 1")
        headers = {"Content-Type": "application/json", "Tapline-Controller": "bar-9"}
        for number in range(100):
            # Refused by its id, once its turn has come.
            got = self.send(HELLO, hello(journal=f"{number:036}"), central=central, headers=headers)[0]
            if got != "400 bad_hello":
                break
        self.assertEqual(got, "503 not_your_turn")

    def standings(self):
        """Callers that aren't taken."""
        mine = {"csr": self.csr(self.identity)}
        bodies = ((HELLO, hello()), (POURS, batch()), (EPOCHS, epoch_wanted("")), (RENEW, mine))
        server = os.path.join(self.stage.tls, "server.pem")
        for path, body in bodies:
            self.ask(path, "403 wrong_authority", body, identity=server)
        self.stage.cluster.rows("UPDATE tapline.journal SET controller = 'bar-2'")
        self.ask(HELLO, "403 not_yours", hello(), identity=self.identity)
        self.ask(POURS, "403 not_yours", batch(), identity=self.identity)
        self.ask(EPOCHS, "403 not_yours", epoch_wanted(""), identity=self.identity)
        self.stage.cluster.rows("UPDATE tapline.journal SET controller = 'bar-1'")
        self.fork()
        unknown = self.signed("bar-7", 1)
        self.ask(HELLO, "200", hello(journal=JOURNAL.replace("6", "8")), identity=unknown)
        self.ask(POURS, "503 pending", batch(), identity=unknown)
        self.ask(EPOCHS, "503 pending", epoch_wanted(""), identity=unknown)
        self.ask(RENEW, "503 pending", {"csr": self.csr(unknown)}, identity=unknown)
        ended = self.signed("bar-1", -1)
        for path, body in bodies[:3]:
            self.ask(path, "403 certificate_expired", body, identity=ended)
        long_ago = self.signed("bar-1", -40)
        self.ask(RENEW, "403 grace_over", {"csr": self.csr(long_ago)}, identity=long_ago)
        self.stage.verb("controllers", "revoke", "bar-1", "--reason", "test")
        for path, body in bodies:
            time.sleep(6 if path == POURS else 0)
            self.ask(path, "403 revoked", body, identity=self.identity)

    def fork(self):
        """The chain at the cursor is another one than the journal's."""
        body = hello()
        body["journal"].update(acked=2, acked_hash="1" * 64)
        self.ask(HELLO, "409 fork", body, identity=self.identity)

    def without_key(self):
        """Another central that can't sign."""
        copy = self.stage.path("no-ca-key")
        os.makedirs(copy)
        for name in ("ca.pem", "server.pem"):
            with open(os.path.join(self.stage.tls, name), "rb") as source:
                with open(os.open(os.path.join(copy, name), os.O_CREAT | os.O_WRONLY, 0o600), "wb") as target:
                    target.write(source.read())
        central = self.second("no-ca-key-central", copy)
        other = self.signed("bar-2", 5)
        self.ask(ENROLL, "501 no_authority", {"code": "x", "csr": "y"}, central=central)
        self.ask(RENEW, "501 no_authority", {"csr": "x"}, central=central, identity=other)

    def without_database(self):
        identity = self.signed("bar-2", 6)
        fresh = {"code": "0" * 32, "csr": self.csr(self.key("late"))}
        # This address has to wait for the first one, after its wrong codes.
        spare = self.second("spare", self.stage.tls)
        self.stage.cluster.rows("UPDATE tapline.alembic_version SET version_num = 't0001_settling'")
        self.ask("/readyz", "503 wrong_schema", method="GET")
        self.stage.cluster.stop()
        self.ask("/readyz", "503 not_ready", method="GET")
        self.ask(HELLO, "503 not_ready", hello(), identity=identity)
        self.ask(POURS, "503 not_ready", batch(), identity=identity)
        self.ask(EPOCHS, "503 not_ready", epoch_wanted(""), identity=identity)
        self.ask(RENEW, "503 not_ready", {"csr": self.csr(identity)}, identity=identity)
        self.ask(ENROLL, "503 not_ready", fresh, central=spare)

    # The sources.

    def test_the_file_and_the_sources_know_the_same_codes(self):
        spelt = re.compile(
            r'(?:make\(\s*\d+,|refusal\(|problem\(\s*\d+,|bad_request\(|try_later\(|refuse_queued\(|upgrade\(|code =)\s*"([a-z_]+)"')
        sources = set()
        for folder in ("compat", "gateway", "fleet", "settle"):
            for file in (ROOT / "central" / folder).glob("*.cpp"):
                sources |= set(spelt.findall(file.read_text(encoding="utf-8")))
        found = document()
        known = {code for methods in found["paths"].values() for operation in methods.values()
                 for response in operation["responses"].values() for code in response.get("x-codes", [])}
        known |= {code for response in found["x-anywhere"].values() for code in response["x-codes"]}
        self.assertGreater(len(sources), 40)
        self.assertEqual(sorted(sources ^ known), [])
        self.assertEqual(sorted(code for code in known if f"`{code}`" not in WIRE), [], "not in docs/wire.md")

    # docs/wire.md.

    def test_each_limit_of_the_wire_page_is_a_setting_with_that_default(self):
        rows = dict(re.findall(r"^\| `([a-z_]+)` \| (\d+) \|", WIRE[WIRE.index("## Limits"):], flags=re.M))
        source = (ROOT / "central" / "cli" / "context.cpp").read_text(encoding="utf-8")
        self.assertEqual(sorted(rows), sorted(set(re.findall(r'"gateway\.([a-z_]+)"', source))))
        limits = (ROOT / "central" / "gateway" / "limits.hpp").read_text(encoding="utf-8")
        for key, default in rows.items():
            found = re.search(rf"{key} = ([^;]+);", limits)
            if found and "wire::" not in found.group(1):
                number = re.sub(r"std::size_t\{(\d+)\}", r"\1", found.group(1)).replace("'", "")
                product = 1
                for factor in number.split("*"):
                    product *= int(factor)
                self.assertEqual(product, int(default), key)

    def same_shape(self, printed, answered, where):
        if isinstance(printed, dict):
            self.assertIsInstance(answered, dict, where)
            self.assertEqual(sorted(printed), sorted(answered), where)
            for name, value in printed.items():
                self.same_shape(value, answered[name], f"{where}.{name}")
        elif isinstance(printed, list):
            self.assertIsInstance(answered, list, where)
            if printed and answered:
                self.same_shape(printed[0], answered[0], where)
        else:
            self.assertIs(type(printed), type(answered), where)

    def test_each_curl_of_the_wire_page_is_answered_as_printed(self):
        blocks = re.findall(r"^```\n(.*?)^```$", WIRE, flags=re.S | re.M)
        curls = [(i, call) for i, block in enumerate(blocks)
                 for call in re.split(r"\n(?=curl )", block.strip()) if call.startswith("curl ")]
        answers = [json.loads(block) for block in blocks if self.is_json(block)]
        self.assertGreaterEqual(len(curls), 4)
        with Stage(taps=3, tls=True) as stage:
            self.stage, self.tls = stage, stage.central
            plain = self.second("plain", None)
            key = self.key("identity")
            code = stage.token("bar-3", 3, 4).split("-")[2]
            csr = json.dumps(self.csr(key))[1:-1]
            with open(stage.path("batch.json"), "w", encoding="utf-8") as file:
                json.dump(batch(), file)
            said = []
            for _, call in curls:
                call = call.replace("http://127.0.0.1:8080", plain.url)
                call = call.replace("https://central.example:8443", self.tls.url)
                call = call.replace("--cacert ca.pem", f"--cacert {stage.tls}/ca.pem")
                call = call.replace("--cert identity.pem", f"--cert {key}")
                call = call.replace("0123456789ABCDEFGHJKMNPQRSTVWXYZ", code)
                call = call.replace("-----BEGIN CERTIFICATE REQUEST-----\\n…", csr)
                done = subprocess.run(["bash", "-c", call], cwd=stage.directory, capture_output=True, text=True,
                                      timeout=30, check=True)
                said.append(json.loads(done.stdout))
                if "/v1/enroll" in call:
                    with open(key, "a", encoding="utf-8") as file:
                        file.write(said[-1]["certificate"])
        self.assertEqual([answer.get("code") for answer in said], [None] * len(said), said)
        for answer in said:
            alike = [printed for printed in answers if sorted(printed) == sorted(answer)]
            self.assertTrue(alike, f"not printed in docs/wire.md: {answer}")
            self.same_shape(alike[0], answer, "answer")

    def is_json(self, text):
        try:
            return isinstance(json.loads(text), dict)
        except ValueError:
            return False


if __name__ == "__main__":
    unittest.main(verbosity=2)
