"""Requests that are cut anywhere, damaged, reset or left open, over plain HTTP and over TLS: afterwards central
has no connection, no file and no memory more than before, and serves."""

import concurrent.futures
import json
import os
import pathlib
import random
import re
import socket
import ssl
import struct
import time
import unittest
import urllib.request

from lab import Stage, report
from lab.programs import Central
from lab.waiting import free_port, wait_until

LIMITS = "[gateway]\nread_ms = 1500\nidle_ms = 1500\nhandshake_ms = 1500\nwrite_ms = 1500\n"
COUNT = 10_000 if os.environ.get("TAPLINE_LONG") else 1_000
PATHS = ("/healthz", "/readyz", "/v1/hello", "/v1/enroll", "/v1/renew",
         "/v1/journals/6f0c0f5e-6a53-4f5e-9d3a-0d8f6f3a1c11/1/pours", "/nothing")
MAX_GROWTH_BYTES = 48 << 20


def whole_request(dice):
    path = dice.choice(PATHS)
    body = json.dumps({"rows": [{"seq": i, "columns": {"card_uid": "x" * dice.randrange(50)}}
                                for i in range(dice.randrange(200))]})
    if dice.random() < 0.2:
        body = body[: dice.randrange(len(body))]
    head = f"{'GET' if dice.random() < 0.3 else 'POST'} {path} HTTP/1.1\r\nHost: x\r\nTapline-Controller: a\r\n"
    head += "Content-Type: application/json\r\n"
    if dice.random() < 0.2:
        return (head + f"Transfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n{body}\r\n0\r\n\r\n").encode()
    if dice.random() < 0.1:
        head += "Expect: 100-continue\r\n"
    return (head + f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def client_hello(context):
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class Attack:
    def __init__(self, port, tls_directory, identity):
        self.port = port
        self.context = None
        if tls_directory:
            self.context = ssl.create_default_context(cafile=os.path.join(tls_directory, "ca.pem"))
            self.context.load_cert_chain(identity)
            self.hello = client_hello(self.context)

    def one(self, seed):
        dice = random.Random(seed)
        data = whole_request(dice)
        if dice.random() < 0.3:
            data += whole_request(dice)
        cut = bytearray(data[: dice.randrange(1, len(data) + 1)])
        if dice.random() < 0.3:
            for _ in range(dice.randrange(1, 6)):
                cut[dice.randrange(len(cut))] = dice.randrange(256)
        end = dice.choice(("close", "reset", "half", "answer", "late"))
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as raw:
            try:
                self.send(raw, bytes(cut), end, dice)
            except (OSError, ValueError):
                pass  # it ended the connection first, which is its right

    def send(self, raw, data, end, dice):
        connection = raw
        if self.context and dice.random() < 0.4:
            data = self.hello[: dice.randrange(1, len(self.hello) + 1)] + (data if dice.random() < 0.3 else b"")
        elif self.context:
            connection = self.context.wrap_socket(raw, server_hostname="localhost")
        try:
            connection.sendall(data)
            if end == "half":
                connection.shutdown(socket.SHUT_WR)
            if end in ("half", "answer"):
                connection.settimeout(0.05)
                connection.recv(4096)
            if end == "late":
                time.sleep(dice.random() * 0.02)
            if end == "reset":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        finally:
            connection.close()


class CutRequests(unittest.TestCase):
    def numbers(self, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return {name: float(value) for name, value in re.findall(r"^(\S+) ([-0-9.e+]+)$", text, flags=re.M)}

    def quiet(self, port):
        """Its numbers once nothing is open any more."""
        wait_until(lambda: self.numbers(port)["tapline_connections"] == 0, 15, "every connection ends", 0.2)
        time.sleep(0.3)
        return self.numbers(port)

    def attack(self, central, port, attack, seed):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(attack.one, range(seed, seed + 150)))  # what is allocated once
            before = self.quiet(port)
            list(pool.map(attack.one, range(seed, seed + COUNT // 2)))
        after = self.quiet(port)
        kind = "TLS" if attack.context else "plain"
        report(f"cut_requests: {COUNT // 2} {kind}: files {before['process_open_fds']:.0f} -> "
               f"{after['process_open_fds']:.0f}, RSS {before['process_resident_memory_bytes'] / 1e6:.1f} -> "
               f"{after['process_resident_memory_bytes'] / 1e6:.1f} MB")
        served = after["tapline_connections_total"] - before["tapline_connections_total"]
        self.assertEqual(served, COUNT // 2)
        for name in ("tapline_requests_in_flight", "tapline_handshakes", "tapline_handshakes_waiting",
                     "tapline_settle_queue", "tapline_question_queue"):
            self.assertEqual(after[name], 0, name)
        # Two more: connections to the database that hellos open and keep.
        self.assertLessEqual(after["process_open_fds"], before["process_open_fds"] + 2)
        growth = after["process_resident_memory_bytes"] - before["process_resident_memory_bytes"]
        self.assertLess(growth, MAX_GROWTH_BYTES)
        self.assertEqual(central.get("/healthz")[0], 200)
        self.assertEqual(central.get("/readyz")[0], 200)
        self.assertNotIn(" error ", central.log_text())

    def documented(self, port):
        """docs/metrics.md names what is there."""
        page = pathlib.Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
        named = set(re.findall(r"`((?:tapline|process)_[a-z_]+)`", page.read_text(encoding="utf-8")))
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            there = set(re.findall(r"^# TYPE (\S+)", answer.read().decode(), flags=re.M))
        self.assertEqual(there - named, set())
        # What has no label's value yet isn't printed.
        self.assertLess(len(named - there), 6, named - there)

    def test_requests_cut_anywhere_leave_nothing_behind(self):
        ports = free_port(), free_port()
        toml = f'metrics = "127.0.0.1:{ports[0]}"\n{LIMITS}'
        with Stage(taps=1, tls=True, central_toml=toml) as stage:
            identity = os.path.join(stage.enroll("bar-1"), "identity.pem")
            config = stage.path("plain.toml")
            with open(config, "w", encoding="utf-8") as file:
                file.write(f'metrics = "127.0.0.1:{ports[1]}"\n{LIMITS}')
            plain = Central(stage.directory, stage.database_url, name="plain", config=config).start()
            self.addCleanup(plain.stop)
            plain.wait_ready()
            self.attack(plain, ports[1], Attack(plain.port, None, None), stage.seed)
            self.documented(ports[0])
            self.attack(stage.central, ports[0], Attack(stage.central.port, stage.tls, identity), stage.seed)


if __name__ == "__main__":
    unittest.main(verbosity=2)
