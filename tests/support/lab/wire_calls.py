"""Requests to central by hand, each answer judged by docs/openapi.yaml."""

import hashlib
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import time
import unittest

import jsonschema
import yaml

from .programs import Central

ROOT = pathlib.Path(__file__).resolve().parents[3]
JOURNAL = "6f0c0f5e-6a53-4f5e-9d3a-0d8f6f3a1c11"
ZERO = "0" * 64
HELLO, ENROLL, RENEW = "/v1/hello", "/v1/enroll", "/v1/renew"
POURS, EPOCHS = "/v1/journals/{id}/{epoch}/pours", "/v1/journals/{id}/epochs"
JSON = {"Content-Type": "application/json"}


def document():
    return yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))


def value_bytes(value):
    if isinstance(value, int):
        return b"i" + (8).to_bytes(4, "big") + value.to_bytes(8, "big", signed=True)
    return b"t" + len(value.encode()).to_bytes(4, "big") + value.encode()


def chain(previous, row):
    """common/row_hash.cpp, for whole numbers and text."""
    data = bytes.fromhex(previous) + row["seq"].to_bytes(8, "big")
    for name in sorted(row["columns"]):
        data += len(name).to_bytes(4, "big") + name.encode() + value_bytes(row["columns"][name])
    return hashlib.sha256(data).hexdigest()


def batch(first=1, rows=2, previous=ZERO, ids="tx", **changes):
    made = [{"seq": first + i, "columns": {"card_uid": "04A2B6", "client_tx_id": f"{ids}-{first + i}", "tap_id": 1,
                                            "volume_ml": 250}} for i in range(rows)]
    digest = previous
    for row in made:
        digest = chain(digest, row)
    body = {"revision": "j0001", "first_seq": first, "last_seq": first + rows - 1, "prev_hash": previous,
            "hash": digest, "rows": made}
    return {**body, **changes}


def hello(journal=JOURNAL, epoch=1, **changes):
    body = {"protocol": {"min": 1, "max": 1}, "agent_version": "test", "free_bytes": 10**12,
            "journal": {"id": journal, "epoch": epoch, "revision": "j0001", "acked": 0, "max_seq": 9,
                        "acked_hash": ZERO}}
    return {**body, **changes}


def shown(device, journal, epoch=1):
    """The hello of a device that the journal is in."""
    return hello(journal, epoch, fingerprint=device, clock={"utc_ms": 0, "boot_id": f"boot of {device}"})


def epoch_wanted(device, **changes):
    """What that device asks of /epochs: its journal has nothing in common with central's."""
    body = {"epoch": 1, "last_common_seq": 0, "hash": ZERO, "points": [{"seq": 9, "hash": "1" * 64}], "max_seq": 9,
            "depth": 9, "fingerprint": device, "reason": "fork",
            "clock": {"utc_ms": 0, "boot_id": f"boot of {device}"}}
    return {**body, **changes}


class WireCase(unittest.TestCase):
    """Needs of its tests: self.stage, and self.tls, the central that is asked."""

    def setUp(self):
        self.document = document()
        self.seen = set()

    # The judge.

    def schema(self, name):
        return {"$ref": f"#/components/schemas/{name}", "components": self.document["components"]}

    def conform(self, message, name):
        """It has the schema's shape and no member that the schema doesn't name."""
        jsonschema.validate(message, self.schema(name))
        named = self.document["components"]["schemas"][name]["properties"]
        self.assertEqual(sorted(set(message) - set(named)), [], f"not in the schema {name}")

    def judge(self, path, method, status, headers, text):
        """What one answer must be; remembers it as seen."""
        operation = self.document["paths"].get(path, {}).get(method.lower(), {})
        code = None
        if status >= 400:
            self.assertEqual(headers.get("Content-Type"), "application/problem+json", text)
            problem = json.loads(text)
            self.conform(problem, "Problem")
            self.assertEqual(problem["status"], status)
            code = problem["code"]
        where = operation.get("responses", {}).get(str(status))
        place = path
        if where is None or (code and code not in where["x-codes"]):
            where, place = self.document["x-anywhere"].get(str(status)), "any"
        self.assertIsNotNone(where, f"{method} {path} answered {status} {code}, which isn't in the file")
        if code:
            self.assertIn(code, where["x-codes"], f"{method} {path}: {status}")
        for name in where.get("headers", {}):
            self.assertIn(name, headers, f"{method} {path}: {status}")
        if status == 200 and "application/json" in where["content"]:
            self.assertEqual(headers.get("Content-Type"), "application/json")
            reference = where["content"]["application/json"]["schema"]["$ref"]
            self.conform(json.loads(text), reference.split("/")[-1])
        self.seen.add((place, str(status), code))

    def send(self, path, body=None, *, central=None, identity=None, headers=None, method="POST", journal=JOURNAL,
             epoch=1):
        """(status and code, the answer), judged."""
        central = central or self.tls
        target = path.replace("{id}", str(journal)).replace("{epoch}", str(epoch))
        if central.tls:
            context = ssl.create_default_context(cafile=os.path.join(central.tls, "ca.pem"))
            if identity:
                context.load_cert_chain(identity)
            connection = http.client.HTTPSConnection("127.0.0.1", central.port, timeout=20, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", central.port, timeout=20)
        data = body if isinstance(body, (str, bytes, type(None))) else json.dumps(body)
        try:
            connection.request(method, target, data, JSON if headers is None else headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        self.judge(path, method, answer.status, answer.headers, text)
        if answer.status == 200 and isinstance(body, dict):
            wanted = self.document["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]
            self.conform(body, wanted["schema"]["$ref"].split("/")[-1])
        said = json.loads(text) if text.startswith("{") else text
        return str(answer.status) + (f" {said['code']}" if answer.status >= 400 else ""), said

    def ask(self, path, expected, body=None, **how):
        """expected: "200" or "STATUS code"."""
        got, said = self.send(path, body, **how)
        self.assertEqual(got, expected, f"{path}: {said}")
        return said

    # What is made to happen.

    def csr(self, key):
        return subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=x", "-batch"],
                              check=True, capture_output=True, text=True).stdout

    def key(self, name):
        path = self.stage.path(f"{name}.key")
        subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                        path], check=True, capture_output=True)
        return path

    def device(self, name):
        """(file of key and certificate) of a device enrolled by hand."""
        key = self.key(name)
        code = self.stage.token(name).split("-")[2]
        made = self.ask(ENROLL, "200", {"code": code, "csr": self.csr(key)})
        with open(key, "a", encoding="utf-8") as file:
            file.write(made["certificate"])
        return key

    def second(self, name, tls, toml=""):
        """Another central on the same database, as the same role."""
        config = self.stage.path(f"{name}.toml")
        with open(config, "w", encoding="utf-8") as file:
            file.write(toml)
        central = Central(self.stage.directory, self.stage.central.env["DATABASE_URL"], name=name, tls=tls, config=config)
        self.addCleanup(central.stop)
        return central.start().wait_ready()

    def signed(self, name, days):
        """A device that our authority signed and that ends in so many days (negative: ended)."""
        ca = self.stage.tls
        key = self.key(f"signed{name}{days}")
        request = self.stage.path("request.pem")
        with open(request, "w", encoding="utf-8") as file:
            file.write(subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", f"/CN={name}", "-batch"],
                                      check=True, capture_output=True, text=True).stdout)
        extensions = self.stage.path("extensions")
        with open(extensions, "w", encoding="utf-8") as file:
            file.write("extendedKeyUsage=clientAuth\nbasicConstraints=CA:FALSE\n")
        database = self.stage.path(f"openssl{name}{days}")
        os.makedirs(database)
        for file, text in (("index.txt", ""), ("serial", f"{os.urandom(8).hex()}\n")):
            with open(os.path.join(database, file), "w", encoding="utf-8") as out:
                out.write(text)
        config = self.stage.path("openssl.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(f"[ca]\ndefault_ca=own\n[own]\ndatabase={database}/index.txt\nserial={database}/serial\n"
                       f"new_certs_dir={database}\ndefault_md=sha256\npolicy=any\nunique_subject=no\n"
                       "[any]\ncommonName=supplied\n")
        moment = lambda offset: time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + offset * 86400))
        subprocess.run(["openssl", "ca", "-config", config, "-batch", "-in", request, "-cert", f"{ca}/ca.pem",
                        "-keyfile", f"{ca}/ca.key", "-extfile", extensions, "-startdate", moment(-60), "-enddate",
                        moment(days), "-notext", "-out", self.stage.path("made.pem")],
                       check=True, capture_output=True)
        with open(self.stage.path("made.pem"), encoding="utf-8") as made, open(key, "a", encoding="utf-8") as file:
            file.write(made.read())
        return key
