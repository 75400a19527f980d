"""What must stand in PostgreSQL, computed from the writers' own printed lines and nothing of ours."""

import collections
import sqlite3

from .bar import normalise_card

# kind of a planted row -> code of its quarantine
CODE_OF_KIND = {
    "null-id": "id_missing",
    "empty-id": "id_empty",
    "long-id": "id_too_long",
    "blob-id": "id_not_text",
    "negative": "volume_negative",
    "huge-volume": "volume_too_large",
    "int64-volume": "volume_too_large",
    "text-volume": "volume_not_integer",
    "real-volume": "volume_not_integer",
    "null-volume": "volume_missing",
    "unknown-card": "unknown_card",
    "null-card": "card_missing",
    "long-card": "card_too_long",
    "unknown-tap": "unknown_tap",
    "null-tap": "tap_missing",
    "text-tap": "tap_not_integer",
    "bad-time": "timestamp_invalid",
    "invalid-utf8": "invalid_utf8",
    "nul": "nul_byte",
    "huge-price": "price_too_large",
    "text-price": "price_not_integer",
    "negative-price": "price_negative",
    "huge-tail": "tail_out_of_range",
    "negative-duration": "duration_invalid",
}
LEGACY_CODE = {"confirmed": "legacy_confirmed_missing"}

SELECT_POURS = (
    "SELECT client_tx_id, guest_id::text, keg_id::text, volume_ml, (amount_charged * 100)::bigint, pour_id::text"
    " FROM pours"
)
SELECT_RECEIPTS = "SELECT pour_id::text, journal_id::text, epoch, seq FROM tapline.receipt"
SELECT_QUARANTINE = "SELECT journal_id::text, epoch, seq, code FROM tapline.quarantine"
SELECT_GUESTS = "SELECT guest_id::text, (balance * 100)::bigint FROM guests"
SELECT_KEGS = "SELECT keg_id::text, current_volume_ml FROM kegs"

Expected = collections.namedtuple("Expected", "guest keg volume_ml amount_cents")


class Oracle:
    def __init__(self, bar):
        self.bar = bar
        self.written = 0
        self.printed = set()
        self.pours = {}
        self.quarantine = collections.Counter()
        self.elsewhere = set()  # ids that another program put into pours, and charged

    def add_lines(self, lines, legacy=None):
        """legacy: id -> status that the row had at adoption; only 'new' is charged without an operator."""
        for line in lines:
            self.written += 1
            self.printed.add(line["id"])
            status = (legacy or {}).get(line["id"], "new")
            if status != "new":
                self.quarantine[LEGACY_CODE.get(status, "legacy_unpaid")] += 1
            elif line["kind"] != "good":
                self.quarantine[CODE_OF_KIND[line["kind"]]] += 1
            else:
                self.expect_pour(line["id"], line["card"], line["tap"], line["volume_ml"])

    def expect_pour(self, pour_id, card, tap, volume_ml):
        if pour_id in self.pours:
            raise RuntimeError(f"two writers printed {pour_id}: give them different seeds")
        keg = self.bar.taps[tap]
        amount = self.bar.amount_cents(tap, volume_ml)
        self.pours[pour_id] = Expected(self.bar.guest_of(card), keg, volume_ml, amount)

    def add_unprinted(self, journal, most):
        """A writer killed between COMMIT and its print leaves at most one such row per kill."""
        rows = read_rows(journal)
        missing = [row for row in rows if row[0] is not None and self._unknown_good(row)]
        if len(missing) > most:
            raise RuntimeError(f"{journal} holds {len(missing)} rows that nobody printed, at most {most} can be")
        for pour_id, card, tap, volume_ml in missing:
            self.written += 1
            self.printed.add(pour_id)  # known now; it stays in the journal
            self.expect_pour(pour_id, card, tap, volume_ml)
        return len(missing)

    def _unknown_good(self, row):
        pour_id, card, tap, volume_ml = row
        sound = isinstance(card, str) and normalise_card(card) in self.bar.cards and tap in self.bar.taps
        return sound and pour_id not in self.printed and isinstance(volume_ml, int) and 0 <= volume_ml <= 10_000

    def expect_quarantine(self, code, count=1):
        self.written += count
        self.quarantine[code] += count

    def settled_elsewhere(self, pour_ids):
        """Pours that another program inserted and charged: they carry no receipt of ours."""
        self.elsewhere.update(pour_ids)

    @property
    def rows(self):
        return len(self.pours) + sum(self.quarantine.values())

    def compare(self, connection):
        """The verdict as a dict; `ok` when everything is as expected, else `problems` says what isn't."""
        with connection.cursor() as cursor:
            pours = fetch(cursor, SELECT_POURS)
            receipts = fetch(cursor, SELECT_RECEIPTS)
            quarantine = fetch(cursor, SELECT_QUARANTINE)
            guests = dict(fetch(cursor, SELECT_GUESTS))
            kegs = dict(fetch(cursor, SELECT_KEGS))
        problems = []
        in_quarantine = collections.Counter(row[3] for row in quarantine)
        lost = self._compare_pours(pours, problems)
        lost += self._compare_quarantine(in_quarantine, problems)
        doubled = self._doubled(pours, receipts, quarantine, in_quarantine, problems)
        difference_cents = self._difference(guests, self._balances(), "guest", problems)
        difference_ml = self._difference(kegs, self._volumes(), "keg", problems)
        return {
            "ok": not problems and lost == doubled == difference_cents == difference_ml == 0,
            "written": self.written,
            "in_pours": len(pours),
            "in_quarantine": dict(sorted(in_quarantine.items())),
            "expected_quarantine": dict(sorted(self.quarantine.items())),
            "lost": lost,
            "doubled": doubled,
            "difference": difference_cents + difference_ml,
            "difference_cents": difference_cents,
            "difference_ml": difference_ml,
            "problems": problems[:20],
        }

    def _compare_pours(self, pours, problems):
        found = {row[0]: Expected(*row[1:5]) for row in pours}
        for pour_id, expected in self.pours.items():
            if pour_id in found and found[pour_id] != expected:
                problems.append(f"pour {pour_id}: expected {expected}, found {found[pour_id]}")
        for pour_id in found.keys() - self.pours.keys():
            problems.append(f"pour {pour_id} was never printed by a writer")
        missing = self.pours.keys() - found.keys()
        problems.extend(f"pour {pour_id} isn't in pours" for pour_id in sorted(missing)[:5])
        return len(missing)

    def _compare_quarantine(self, found, problems):
        lost = 0
        for code in sorted(self.quarantine.keys() | found.keys()):
            if found[code] != self.quarantine[code]:
                problems.append(f"quarantine {code}: expected {self.quarantine[code]}, found {found[code]}")
            lost += max(0, self.quarantine[code] - found[code])
        return lost

    def _doubled(self, pours, receipts, quarantine, in_quarantine, problems):
        """An id twice in pours, two receipts of one pour or one row, a row in pours and in quarantine."""
        ids = collections.Counter(row[0] for row in pours)
        of_pour = collections.Counter(row[0] for row in receipts)
        of_row = collections.Counter(tuple(row[1:4]) for row in receipts)
        of_row.update(tuple(row[0:3]) for row in quarantine)
        twice = sum(n - 1 for counter in (ids, of_pour, of_row) for n in counter.values())
        if twice:
            problems.append(f"{twice} rows doubled among pours, receipts and quarantine")
        without = {row[5] for row in pours if row[0] not in self.elsewhere} - of_pour.keys()
        if without:
            problems.append(f"{len(without)} pours without a receipt")
        extra = sum(max(0, in_quarantine[code] - self.quarantine[code]) for code in in_quarantine)
        return twice + (extra if sum(in_quarantine.values()) > sum(self.quarantine.values()) else 0)

    def _balances(self):
        balances = dict(self.bar.balances)
        for expected in self.pours.values():
            balances[expected.guest] -= expected.amount_cents
        return balances

    def _volumes(self):
        volumes = dict(self.bar.volumes)
        for expected in self.pours.values():
            volumes[expected.keg] -= expected.volume_ml
        return volumes

    @staticmethod
    def _difference(found, expected, what, problems):
        off = {key: found.get(key, 0) - value for key, value in expected.items() if found.get(key, 0) != value}
        problems.extend(f"{what} {key} is off by {value}" for key, value in list(off.items())[:5])
        return sum(abs(value) for value in off.values())


def fetch(cursor, sql):
    cursor.execute(sql)
    return cursor.fetchall()


def read_rows(journal):
    connection = sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=5)
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        return connection.execute("SELECT client_tx_id, card_uid, tap_id, volume_ml FROM pours").fetchall()
    finally:
        connection.close()
