#include "central/reconcile/read_accounts.hpp"

#include "common/error.hpp"

namespace tapline::reconcile {

namespace {

constexpr std::string_view has_balances_sql =
    "SELECT to_regclass('tapline.balance_change') IS NOT NULL";

// $1 guest_id or NULL. A pour of ours is one with a receipt; where it stands now doesn't matter.
constexpr std::string_view guests_sql = R"sql(
WITH opening AS (
    SELECT DISTINCT ON (b.subject_id) b.subject_id, b.new_value, b.began_at
    FROM tapline.balance_change b
    WHERE b.subject = 'guest' AND b.kind = 'opening'
    AND ($1::uuid IS NULL OR b.subject_id = $1::uuid)
    ORDER BY b.subject_id, b.change_id DESC),
top_up AS (
    SELECT t.guest_id, sum(t.amount) AS amount, count(*) AS many
    FROM transactions t JOIN opening o ON o.subject_id = t.guest_id
    WHERE t.created_at > o.began_at GROUP BY t.guest_id),
charged AS (
    SELECT r.guest_id, sum(r.amount) AS amount, count(*) AS many
    FROM tapline.receipt r JOIN opening o ON o.subject_id = r.guest_id
    WHERE r.settled_at > o.began_at GROUP BY r.guest_id),
own AS (
    SELECT p.guest_id, sum(p.amount_charged) AS amount, count(*) AS many
    FROM pours p JOIN opening o ON o.subject_id = p.guest_id
    WHERE p.created_at > o.began_at
    AND NOT EXISTS (SELECT FROM tapline.receipt r WHERE r.pour_id = p.pour_id)
    GROUP BY p.guest_id)
SELECT g.guest_id, g.last_name || ' ' || g.first_name, (o.new_value * 100)::bigint,
    to_char(o.began_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    coalesce(t.amount * 100, 0)::bigint, coalesce(t.many, 0),
    coalesce(c.amount * 100, 0)::bigint, coalesce(c.many, 0),
    coalesce(w.amount * 100, 0)::bigint, coalesce(w.many, 0), (g.balance * 100)::bigint
FROM guests g
LEFT JOIN opening o ON o.subject_id = g.guest_id
LEFT JOIN top_up t ON t.guest_id = g.guest_id
LEFT JOIN charged c ON c.guest_id = g.guest_id
LEFT JOIN own w ON w.guest_id = g.guest_id
WHERE $1::uuid IS NULL OR g.guest_id = $1::uuid
ORDER BY g.guest_id
)sql";

// $1 keg_id or NULL
constexpr std::string_view kegs_sql = R"sql(
WITH opening AS (
    SELECT DISTINCT ON (b.subject_id) b.subject_id, b.new_value, b.began_at
    FROM tapline.balance_change b
    WHERE b.subject = 'keg' AND b.kind = 'opening'
    AND ($1::uuid IS NULL OR b.subject_id = $1::uuid)
    ORDER BY b.subject_id, b.change_id DESC),
drawn AS (
    SELECT r.keg_id, sum(r.volume_ml) AS ml, count(*) AS many
    FROM tapline.receipt r JOIN opening o ON o.subject_id = r.keg_id
    WHERE r.settled_at > o.began_at GROUP BY r.keg_id),
own AS (
    SELECT p.keg_id, sum(p.volume_ml) AS ml, count(*) AS many
    FROM pours p JOIN opening o ON o.subject_id = p.keg_id
    WHERE p.created_at > o.began_at
    AND NOT EXISTS (SELECT FROM tapline.receipt r WHERE r.pour_id = p.pour_id)
    GROUP BY p.keg_id)
SELECT k.keg_id, b.name, o.new_value::bigint,
    to_char(o.began_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    0, 0, coalesce(d.ml, 0)::bigint, coalesce(d.many, 0),
    coalesce(w.ml, 0)::bigint, coalesce(w.many, 0), k.current_volume_ml
FROM kegs k
JOIN beverages b ON b.beverage_id = k.beverage_id
LEFT JOIN opening o ON o.subject_id = k.keg_id
LEFT JOIN drawn d ON d.keg_id = k.keg_id
LEFT JOIN own w ON w.keg_id = k.keg_id
WHERE $1::uuid IS NULL OR k.keg_id = $1::uuid
ORDER BY k.keg_id
)sql";

// $1 subject_id, $2 factor: cents of a balance, millilitres as they are
constexpr std::string_view updates_sql = R"sql(
SELECT b.change_id, to_char(b.began_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(b.changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    b.role, b.application, (b.old_value * $2::int)::bigint, (b.new_value * $2::int)::bigint
FROM tapline.balance_change b
WHERE b.subject_id = $1::uuid AND b.kind = 'update' AND b.change_id > (
    SELECT max(o.change_id) FROM tapline.balance_change o
    WHERE o.subject_id = $1::uuid AND o.kind = 'opening')
ORDER BY b.change_id
)sql";

// $1 guest_id, $2 the opening
constexpr std::string_view guest_documents_sql = R"sql(
SELECT d.id, d.kind, to_char(d.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    (d.effect * 100)::bigint
FROM (
    SELECT t.transaction_id AS id, t.type AS kind, t.created_at, t.amount AS effect
    FROM transactions t WHERE t.guest_id = $1::uuid
    UNION ALL
    SELECT p.pour_id, 'pour', p.created_at, -p.amount_charged FROM pours p
    WHERE p.guest_id = $1::uuid
    AND NOT EXISTS (SELECT FROM tapline.receipt r WHERE r.pour_id = p.pour_id)) AS d
WHERE d.created_at > $2::timestamptz ORDER BY d.created_at, d.id
)sql";

// $1 keg_id, $2 the opening
constexpr std::string_view keg_documents_sql = R"sql(
SELECT p.pour_id, 'pour',
    to_char(p.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), -p.volume_ml
FROM pours p
WHERE p.keg_id = $1::uuid AND p.created_at > $2::timestamptz
AND NOT EXISTS (SELECT FROM tapline.receipt r WHERE r.pour_id = p.pour_id)
ORDER BY p.created_at, p.pour_id
)sql";

// $1 guest_id or NULL, $2 keg_id or NULL, $3 the opening
constexpr std::string_view receipts_sql = R"sql(
SELECT r.pour_id, r.journal_id, r.epoch, r.seq,
    to_char(r.settled_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    CASE WHEN $1::uuid IS NULL THEN r.volume_ml ELSE (r.amount * 100)::bigint END
FROM tapline.receipt r
WHERE (r.guest_id = $1::uuid OR r.keg_id = $2::uuid) AND r.settled_at > $3::timestamptz
ORDER BY r.settled_at, r.journal_id, r.epoch, r.seq
)sql";

Account read_account(Subject subject, const pg::Row& row) {
    Account account;
    account.subject = subject;
    account.id = row.text(0);
    account.name = row.text(1);
    account.opening = row.optional_integer(2);
    account.opened_at = row.text(3);
    account.top_ups = row.integer(4);
    account.top_up_count = row.integer(5);
    account.receipts = row.integer(6);
    account.receipt_count = row.integer(7);
    account.own_pours = row.integer(8);
    account.own_pour_count = row.integer(9);
    account.actual = row.integer(10);
    return account;
}

}  // namespace

void must_have_balances(pg::Session& session) {
    if (!session.run(has_balances_sql)[0].boolean(0)) {
        throw Error(
            ErrorKind::refused,
            "behind_head",
            "this database keeps no record of balances: schema tapline is behind t0003",
            "check which database DATABASE_URL names; if it is the right one, run "
            "`tapline-central upgrade`"
        );
    }
}

std::vector<Account> read_accounts(
    pg::Session& session, Subject subject, const std::optional<std::string>& id
) {
    std::vector<Account> accounts;
    const auto sql = subject == Subject::guest ? guests_sql : kegs_sql;
    for (const pg::Row row : session.query(sql, id)) {
        accounts.push_back(read_account(subject, row));
    }
    return accounts;
}

Trail read_trail(pg::Session& session, const Account& account) {
    Trail trail;
    const bool guest = account.subject == Subject::guest;
    for (const pg::Row row : session.query(updates_sql, account.id, guest ? 100 : 1)) {
        Update update;
        update.change_id = row.integer(0);
        update.began_at = row.text(1);
        update.changed_at = row.text(2);
        update.role = row.text(3);
        update.application = row.text(4);
        update.old_value = row.integer(5);
        update.new_value = row.integer(6);
        trail.updates.push_back(std::move(update));
    }
    const auto documents = guest ? guest_documents_sql : keg_documents_sql;
    for (const pg::Row row : session.query(documents, account.id, account.opened_at)) {
        trail.documents.push_back(
            {std::string(row.text(0)),
             std::string(row.text(1)),
             std::string(row.text(2)),
             row.integer(3)}
        );
    }
    std::optional<std::string> guest_id;
    std::optional<std::string> keg_id;
    (guest ? guest_id : keg_id) = account.id;
    for (const pg::Row row : session.query(receipts_sql, guest_id, keg_id, account.opened_at)) {
        trail.receipts.push_back(
            {std::string(row.text(0)),
             std::string(row.text(1)),
             row.integer(2),
             row.integer(3),
             std::string(row.text(4)),
             row.integer(5)}
        );
    }
    return trail;
}

}  // namespace tapline::reconcile
