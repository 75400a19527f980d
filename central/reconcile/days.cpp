#include "central/reconcile/days.hpp"

#include <map>
#include <variant>

#include <fmt/format.h>

#include "common/error.hpp"
#include "common/log.hpp"
#include "common/wire.hpp"

namespace tapline::reconcile {

namespace {

// $1 day, $2 zone
constexpr std::string_view bounds_sql =
    "SELECT (($1::date)::timestamp AT TIME ZONE $2)::text,"
    " (($1::date + 1)::timestamp AT TIME ZONE $2)::text";

// $1 from, $2 to, $3 tap_id or NULL
constexpr std::string_view sums_sql = R"sql(
SELECT p.tap_id, count(*), sum(p.volume_ml)::bigint, (sum(p.amount_charged) * 100)::bigint,
    count(r.pour_id), coalesce(sum(r.volume_ml), 0)::bigint,
    coalesce(sum(r.amount) * 100, 0)::bigint,
    count(*) FILTER (WHERE r.time_quality NOT IN ('exact', 'corrected')),
    coalesce(sum(p.volume_ml) FILTER (WHERE r.pour_id IS NULL), 0)::bigint,
    coalesce(sum(p.amount_charged) FILTER (WHERE r.pour_id IS NULL) * 100, 0)::bigint
FROM pours p LEFT JOIN tapline.receipt r ON r.pour_id = p.pour_id
WHERE p.poured_at >= $1::timestamptz AND p.poured_at < $2::timestamptz
AND ($3::int IS NULL OR p.tap_id = $3::int)
GROUP BY p.tap_id ORDER BY p.tap_id
)sql";

constexpr std::string_view faults_sql = R"sql(
SELECT p.tap_id, p.pour_id, format('pours has %s ml, %s, guest %s; the receipt %s ml, %s, guest %s',
    p.volume_ml, p.amount_charged, p.guest_id, r.volume_ml, r.amount, r.guest_id)
FROM pours p JOIN tapline.receipt r ON r.pour_id = p.pour_id
WHERE p.poured_at >= $1::timestamptz AND p.poured_at < $2::timestamptz
AND ($3::int IS NULL OR p.tap_id = $3::int)
AND (p.volume_ml, p.amount_charged, p.guest_id) IS DISTINCT FROM (r.volume_ml, r.amount, r.guest_id)
ORDER BY p.poured_at, p.pour_id LIMIT 20
)sql";

constexpr std::string_view waiting_sql = R"sql(
SELECT q.raw FROM tapline.quarantine q
WHERE q.state = 'waiting'
AND coalesce(q.corrected_at, q.recorded_at, q.created_at) >= $1::timestamptz
AND coalesce(q.corrected_at, q.recorded_at, q.created_at) < $2::timestamptz
)sql";

bool is_day(const std::string& day) {
    if (day.size() != 10) {
        return false;
    }
    for (std::size_t i = 0; i < day.size(); ++i) {
        const bool dash = i == 4 || i == 7;
        if (dash ? day[i] != '-' : day[i] < '0' || day[i] > '9') {
            return false;
        }
    }
    return true;
}

struct Bounds {
    std::string from;
    std::string to;
};

Bounds bounds_of(pg::Session& session, const std::string& day, const std::string& zone) {
    if (!is_day(day)) {
        throw Error(
            ErrorKind::usage,
            "bad_day",
            fmt::format("'{}' is no day", printable(day, 40)),
            "write it as 2026-11-20"
        );
    }
    try {
        const auto found = session.query(bounds_sql, day, zone);
        return {std::string(found[0].text(0)), std::string(found[0].text(1))};
    } catch (const Error& error) {
        if (!error.sqlstate().starts_with("22")) {
            throw;
        }
        throw Error(
            ErrorKind::usage,
            error.sqlstate() == "22023" ? "bad_zone" : "bad_day",
            fmt::format("{} in {}: {}", day, printable(zone, 40), error.what()),
            "a day as 2026-11-20; a zone as PostgreSQL names it, for instance Europe/Berlin"
        );
    }
}

/// The tap and volume a quarantined row names, as far as they can be read.
void add_waiting(
    const RawPour& row,
    const std::optional<std::int64_t>& wanted,
    std::map<std::int64_t, TapDay>& days
) {
    const auto* tap = row.find("tap_id");
    const auto* tap_id = tap == nullptr ? nullptr : std::get_if<std::int64_t>(tap);
    if (tap_id == nullptr || (wanted && *wanted != *tap_id)) {
        return;
    }
    TapDay& day = days[*tap_id];
    day.tap_id = *tap_id;
    ++day.waiting;
    const auto* volume = row.find("volume_ml");
    const auto* ml = volume == nullptr ? nullptr : std::get_if<std::int64_t>(volume);
    constexpr std::int64_t most_ml = 1'000'000;
    if (ml != nullptr && *ml >= 0 && *ml <= most_ml) {
        day.waiting_ml += *ml;
    }
}

}  // namespace

std::vector<TapDay> read_days(
    pg::Session& session,
    const std::optional<std::int64_t>& tap_id,
    const std::string& day,
    const std::string& zone
) {
    const auto [from, to] = bounds_of(session, day, zone);
    std::map<std::int64_t, TapDay> days;
    if (tap_id) {
        days[*tap_id].tap_id = *tap_id;
    }
    for (const pg::Row row : session.query(sums_sql, from, to, tap_id)) {
        TapDay& one = days[row.integer(0)];
        one.tap_id = row.integer(0);
        one.rows = row.integer(1);
        one.volume_ml = row.integer(2);
        one.amount_cents = row.integer(3);
        one.receipt_rows = row.integer(4);
        one.receipt_ml = row.integer(5);
        one.receipt_cents = row.integer(6);
        one.uncertain = row.integer(7);
        one.own_rows = one.rows - one.receipt_rows;
        one.own_ml = row.integer(8);
        one.own_cents = row.integer(9);
    }
    for (const pg::Row row : session.query(faults_sql, from, to, tap_id)) {
        days[row.integer(0)].faults.push_back({std::string(row.text(1)), std::string(row.text(2))});
    }
    for (const pg::Row row : session.query(waiting_sql, from, to)) {
        add_waiting(wire::decode_row(row.bytes(0)), tap_id, days);
    }
    std::vector<TapDay> list;
    for (auto& [id, one] : days) {
        list.push_back(std::move(one));
    }
    return list;
}

}  // namespace tapline::reconcile
