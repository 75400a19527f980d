#include "tests/sim/sim_bar.hpp"

#include <fmt/format.h>

#include "tests/pg/settle/bar.hpp"

namespace tapline::test {

void furnish_fleet(pg::Session& session, int taps) {
    session.query(
        "INSERT INTO beverages (beverage_id, name, sell_price_per_liter)"
        " VALUES ($1::uuid, 'beer', 4.50)",
        uuid(3, 1)
    );
    session.query(
        "INSERT INTO kegs (keg_id, beverage_id, initial_volume_ml, current_volume_ml,"
        " purchase_price, status) SELECT ('00000000-0000-4000-8002-' || lpad(to_hex(n), 12, '0'))"
        "::uuid, $1::uuid, $2::int, $2::int, 100, 'in_use' FROM generate_series(1, $3::int) n",
        uuid(3, 1),
        start_volume_ml,
        taps
    );
    session.query(
        "INSERT INTO taps (tap_id, keg_id, display_name, status) SELECT n,"
        " ('00000000-0000-4000-8002-' || lpad(to_hex(n), 12, '0'))::uuid, 'tap ' || n, 'active'"
        " FROM generate_series(1, $1::int) n",
        taps
    );
    Bar bar(session);
    for (int g = 1; g <= guests; ++g) {
        bar.guest(g, start_balance_cents);
        bar.card(fmt::format("card{}", g), g);
    }
}

}  // namespace tapline::test
