"""A bar: guests, cards in every spelling, beverages with awkward prices, kegs, taps."""

import random
import uuid

SPELLINGS = ("upper_spaced", "upper", "lower")


def spell(hex_digits, spelling):
    if spelling == "lower":
        return hex_digits.lower()
    upper = hex_digits.upper()
    if spelling == "upper":
        return upper
    return " ".join(upper[i : i + 2] for i in range(0, len(upper), 2))


def normalise_card(card):
    return card.replace(" ", "").lower()


class Bar:
    """cards: hex -> guest; taps: tap_id -> keg; kegs: keg -> cents per litre. All in integers."""

    def __init__(
        self,
        seed,
        *,
        guests=6,
        taps=4,
        cards_per_guest=2,
        balance_cents=50_000_000,
        keg_ml=1_500_000_000,
        spellings=SPELLINGS,
    ):
        dice = random.Random(seed)
        new_id = lambda: str(uuid.UUID(int=dice.getrandbits(128), version=4))
        self.balances = {new_id(): balance_cents for _ in range(guests)}
        self.cards = {}
        self.card_rows = []
        for guest in self.balances:
            for _ in range(cards_per_guest):
                digits = f"{dice.getrandbits(32):08x}"
                self.cards[digits] = guest
                self.card_rows.append((spell(digits, spellings[len(self.card_rows) % len(spellings)]), guest))
        # 333.33 and 0.07 a litre make halves of a cent; 450.00 is the field's usual price.
        prices = [45_000, 33_333, 7, 12_345]
        self.beverages = {new_id(): prices[i % len(prices)] for i in range(max(2, taps))}
        self.kegs = {}
        self.volumes = {}
        self.taps = {}
        self.keg_beverage = {}
        for number in range(1, taps + 1):
            beverage = list(self.beverages)[(number - 1) % len(self.beverages)]
            keg = new_id()
            self.keg_beverage[keg] = beverage
            self.kegs[keg] = self.beverages[beverage]
            self.volumes[keg] = keg_ml
            self.taps[number] = keg

    def seed(self, connection):
        """Into a database at the baseline. The application fills ids, balances and statuses, not the database."""
        with connection.cursor() as cursor:
            for number, (guest, balance) in enumerate(self.balances.items()):
                cursor.execute(
                    "INSERT INTO guests (guest_id, last_name, first_name, phone_number, date_of_birth, id_document,"
                    " balance, is_active) VALUES (%s, %s, %s, %s, '1990-01-01', %s, %s::numeric / 100, true)",
                    (guest, f"Guest {number}", "A", f"+7900{number:07}", f"doc {number}", balance),
                )
            for card, guest in self.card_rows:
                cursor.execute(
                    "INSERT INTO cards (card_uid, guest_id, status) VALUES (%s, %s, 'active')", (card, guest)
                )
            for number, (beverage, price) in enumerate(self.beverages.items()):
                cursor.execute(
                    "INSERT INTO beverages (beverage_id, name, sell_price_per_liter)"
                    " VALUES (%s, %s, %s::numeric / 100)",
                    (beverage, f"Beer {number}", price),
                )
            for keg, beverage in self.keg_beverage.items():
                cursor.execute(
                    "INSERT INTO kegs (keg_id, beverage_id, initial_volume_ml, current_volume_ml, purchase_price,"
                    " status, tapped_at) VALUES (%s, %s, %s, %s, 100, 'in_use', now())",
                    (keg, beverage, self.volumes[keg], self.volumes[keg]),
                )
            for tap, keg in self.taps.items():
                cursor.execute(
                    "INSERT INTO taps (tap_id, keg_id, display_name, status) VALUES (%s, %s, %s, 'active')",
                    (tap, keg, f"Tap {tap}"),
                )
            cursor.execute("SELECT setval('taps_tap_id_seq', (SELECT max(tap_id) FROM taps))")

    def guest_of(self, card):
        return self.cards.get(normalise_card(card))

    def cards_of(self, guest_number):
        guest = list(self.balances)[guest_number]
        return [card for card, holder in self.cards.items() if holder == guest]

    def amount_cents(self, tap, volume_ml):
        """Half up, on integers: the one formula that the product and this model must share."""
        return (volume_ml * self.kegs[self.taps[tap]] + 500) // 1000
