"""Journals as the field left them, and the field's own programs beside ours."""

import json
import sqlite3
import threading
import urllib.request

from .programs import TapSim


def sql(journal, statement, parameters=(), timeout_s=5):
    """One statement on a connection of its own, as the field's programs do it."""
    connection = sqlite3.connect(journal, timeout=timeout_s)
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        with connection:
            return connection.execute(statement, parameters).fetchall()
    finally:
        connection.close()


def open_with_release(directory, journal, release, user=None):
    """What a release does to a file when it starts, without pouring."""
    TapSim(directory, journal, f"open-{release}", release=release, create=True, user=user).run()


def make_gen5_in_place(directory, journal, name, **options):
    """gen5 wrote, gen8 opened it: columns appended at the end, still writable."""
    tap = TapSim(directory, journal, name, release="gen5", create=True, days_ago=250, **options).run()
    open_with_release(directory, journal, "gen8")
    return tap


def make_dead_end(directory, journal, name, **options):
    """gen4 wrote, gen8 opened it: attempts and price are missing for good, no release can write again."""
    tap = TapSim(directory, journal, name, release="gen4", create=True, days_ago=270, **options).run()
    open_with_release(directory, journal, "gen8")
    return tap


def set_old_statuses(journal, lines, statuses):
    """Marks the first good rows as an old sync left them. Returns id -> status."""
    good = [line["id"] for line in lines if line["kind"] == "good"]
    marked = dict(zip(good, statuses))
    for pour_id, status in marked.items():
        sql(journal, "UPDATE pours SET status = ? WHERE client_tx_id = ?", (status, pour_id))
    return marked


def status_counts(journal):
    return dict(sql(journal, "SELECT status, count(*) FROM pours GROUP BY status"))


def unmarked(journal):
    """Rows that the writer still sees as unsent or in custody."""
    return sql(journal, "SELECT count(*) FROM pours WHERE status IN ('new', 'held')")[0][0]


class OldSyncLoop(threading.Thread):
    """The field's sync thread: twenty 'new' rows without order, POST, one UPDATE and commit per result.
    It sleeps less than the field's 10 s and survives errors, which the field's doesn't."""

    def __init__(self, journal, url, pause_s=0.05):
        super().__init__(daemon=True)
        self.journal = journal
        self.url = url
        self.pause_s = pause_s
        self.posted = 0
        self.marked = 0
        self.errors = []
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.wait(self.pause_s):
            try:
                self._round()
            except (OSError, sqlite3.Error, ValueError) as error:
                self.errors.append(repr(error))

    def _round(self):
        columns = ("client_tx_id", "card_uid", "tap_id", "start_ts", "end_ts", "volume_ml", "price_cents")
        rows = sql(self.journal, f"SELECT {', '.join(columns)} FROM pours WHERE status = 'new' LIMIT 20")
        if not rows:
            return
        body = json.dumps({"pours": [dict(zip(columns, row)) for row in rows]}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            results = json.load(answer)["results"]
        self.posted += len(rows)
        for result in results:
            status = "confirmed" if result["status"] == "accepted" else "failed"
            sql(self.journal, "UPDATE pours SET status = ? WHERE client_tx_id = ?", (status, result["client_tx_id"]))
            self.marked += 1

    def stop(self):
        self.stopping.set()
        self.join(15)
