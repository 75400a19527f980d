#!/usr/bin/python3
"""The tap's program of the field, as far as its sync loop goes; a process of its own.

    cd DIRECTORY OF THE JOURNAL; old_tap.py [--release gen8|gen5] [--round SECONDS] local_journal.db

Settings as in the field: SERVER_URL and SYNC_INTERVAL_SECONDS from the environment, else from the file
DEVICE_ENV_PATH. gen5 knows no SYNC_INTERVAL_SECONDS and has a round every --round seconds (10). Prints
"ready" after its first round, and a line for each round that had rows."""

import argparse
import json
import os
import sqlite3
import threading
import time
import urllib.error
import urllib.request

COLUMNS = {
    "gen5": ("client_tx_id", "card_uid", "tap_id", "start_ts", "end_ts", "volume_ml", "price_cents", "status", "attempts"),
    "gen8": ("client_tx_id", "short_id", "card_uid", "tap_id", "duration_ms", "volume_ml", "tail_volume_ml",
             "price_cents", "status", "attempts", "price_per_ml_at_pour"),
}
TERMINAL = {
    "gen5": {"accepted": "confirmed", "rejected": "failed"},
    "gen8": {"accepted": "confirmed", "audit_only": "audit_only", "rejected": "rejected", "conflict": "rejected"},
}


def settings():
    found = {}
    try:
        with open(os.environ.get("DEVICE_ENV_PATH", "/etc/beer-tap/device.env"), encoding="utf-8") as file:
            for line in file:
                name, equals, value = line.strip().partition("=")
                if equals and not name.startswith("#"):
                    found[name] = value.strip("\"'")
    except OSError:
        pass
    return {**found, **os.environ}


def number(text, default):
    try:
        return int(text)
    except (TypeError, ValueError):
        return default


def sql(journal, statement, parameters=()):
    """A connection for each statement, as in the field."""
    connection = sqlite3.connect(journal)
    try:
        with connection:
            return connection.execute(statement, parameters).fetchall()
    finally:
        connection.close()


def one_round(journal, release, server):
    columns = COLUMNS[release]
    rows = sql(journal, f"SELECT {', '.join(columns)} FROM pours WHERE status = 'new' LIMIT 20")
    if not rows:
        return
    body = json.dumps({"pours": [dict(zip(columns, row)) for row in rows]}).encode()
    request = urllib.request.Request(server + "/api/sync/pours", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            results = json.load(answer)["results"]
    except (OSError, ValueError) as error:
        print(f"sync failed: {error}", flush=True)
        return
    for result in results:
        status = TERMINAL[release].get(result["status"])
        if status:
            sql(journal, "UPDATE pours SET status = ? WHERE client_tx_id = ?", (status, result["client_tx_id"]))
        elif release == "gen8":
            sql(journal, "UPDATE pours SET attempts = attempts + 1 WHERE client_tx_id = ?", (result["client_tx_id"],))
    print(f"synced {len(results)}", flush=True)


def sync_for_ever(journal, release, round_s, first_done):
    known = settings()
    pause = number(known.get("SYNC_INTERVAL_SECONDS"), 15) if release == "gen8" else round_s
    while True:
        one_round(journal, release, known.get("SERVER_URL", "http://192.168.0.10:8000"))
        first_done.set()
        time.sleep(pause)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("journal")
    parser.add_argument("--release", choices=tuple(COLUMNS), default="gen8")
    parser.add_argument("--round", type=float, default=10)
    given = parser.parse_args()
    first_done = threading.Event()
    what = (given.journal, given.release, given.round, first_done)
    threading.Thread(target=sync_for_ever, args=what, daemon=True).start()
    first_done.wait()
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main()
