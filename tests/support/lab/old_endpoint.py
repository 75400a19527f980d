"""The pilot's own POST /api/sync/pours, with its weaknesses: SELECT then insert, absolute UPDATEs."""

import http.server
import itertools
import json
import threading
import time
import uuid
from decimal import ROUND_HALF_UP, Decimal

import psycopg2


class PostServer:
    """Answers {"pours": [...]} with what self.sync(pours) returns: (status, body)."""

    def __init__(self):
        sync = self.sync

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                size = int(self.headers.get("Content-Length", 0))
                status, body = sync(json.loads(self.rfile.read(size))["pours"])
                answer = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api/sync/pours"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def sync(self, pours):
        raise NotImplementedError

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def result(pour, status, reason):
    return {"client_tx_id": pour["client_tx_id"], "status": status, "reason": reason}


class AcceptAll(PostServer):
    """Says yes, or no to every third pour, and does nothing."""

    def __init__(self):
        self._number = itertools.count(1)
        super().__init__()

    def sync(self, pours):
        return 200, {"results": [result(p, "accepted" if next(self._number) % 3 else "rejected", "") for p in pours]}


class OldEndpoint(PostServer):
    """One commit per request. `window_s` is the time between its SELECTs and its UPDATEs, in which the
    field loses others' debits. inserted: ids that it put into pours."""

    def __init__(self, cluster, window_s=0.01):
        self.cluster = cluster
        self.window_s = window_s
        self.inserted = set()
        self.duplicates = 0
        self.failures = 0
        self._lock = threading.Lock()
        super().__init__()

    def sync(self, pours):
        connection = psycopg2.connect(self.cluster.url("bar", "old-endpoint"))
        inserted = set()
        try:
            with connection.cursor() as cursor:
                results = [self._one(cursor, pour, inserted) for pour in pours]
            connection.commit()
        except psycopg2.Error:
            connection.rollback()
            with self._lock:
                self.failures += 1
            return 500, {"detail": "Internal Server Error"}
        finally:
            connection.close()
        with self._lock:
            self.inserted |= inserted
        return 200, {"results": results}

    def _one(self, cursor, pour, inserted):
        cursor.execute("SELECT 1 FROM pours WHERE client_tx_id = %s", (pour["client_tx_id"],))
        if cursor.fetchone():
            with self._lock:
                self.duplicates += 1
            return result(pour, "accepted", "duplicate")
        cursor.execute(
            "SELECT g.guest_id, g.balance, k.keg_id, k.current_volume_ml, b.sell_price_per_liter"
            " FROM cards c JOIN guests g ON g.guest_id = c.guest_id, taps t"
            " JOIN kegs k ON k.keg_id = t.keg_id JOIN beverages b ON b.beverage_id = k.beverage_id"
            " WHERE c.card_uid = %s AND t.tap_id = %s AND g.is_active AND c.status = 'active'"
            " AND t.status = 'active' AND k.status = 'in_use'",
            (pour["card_uid"], pour["tap_id"]),
        )
        found = cursor.fetchone()
        if not found:
            return result(pour, "rejected", "invalid card or tap")
        guest, balance, keg, volume, per_liter = found
        charge = (Decimal(pour["volume_ml"]) * per_liter / 1000).quantize(Decimal("0.01"), ROUND_HALF_UP)
        if balance < charge or volume < pour["volume_ml"]:
            return result(pour, "rejected", "insufficient")
        time.sleep(self.window_s)
        cursor.execute(
            "INSERT INTO pours (pour_id, client_tx_id, guest_id, card_uid, tap_id, keg_id, volume_ml, amount_charged,"
            " price_per_ml_at_pour, poured_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, now())",
            (
                str(uuid.uuid4()),
                pour["client_tx_id"],
                guest,
                pour["card_uid"],
                pour["tap_id"],
                keg,
                pour["volume_ml"],
                charge,
                per_liter / 1000,
            ),
        )
        inserted.add(pour["client_tx_id"])
        cursor.execute("UPDATE guests SET balance = %s WHERE guest_id = %s", (balance - charge, guest))
        cursor.execute(
            "UPDATE kegs SET current_volume_ml = %s WHERE keg_id = %s", (volume - pour["volume_ml"], keg)
        )
        return result(pour, "accepted", "ok")
