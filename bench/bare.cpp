#include "bench/bare.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <vector>

#include <sys/resource.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/lab/bar.hpp"
#include "bench/lab/postgres.hpp"
#include "bench/lab/process.hpp"
#include "bench/lab/statistics.hpp"
#include "central/pg/array.hpp"
#include "central/settle/statements.hpp"
#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace sql = settle::sql;
using Clock = std::chrono::steady_clock;
using Parameters = std::vector<std::string>;

constexpr const char* lock_timeout = "300ms";
constexpr const char* revision = "j0001";
constexpr std::int64_t first_pour_us = 1'790'000'000'000'000;  // September 2026
constexpr std::size_t hash_bytes = 32;

constexpr const char* insert_controller =
    "INSERT INTO tapline.controller (name, status) VALUES ('bare', 'loopback')";
constexpr const char* insert_journal =
    "INSERT INTO tapline.journal (journal_id, controller) VALUES ($1::uuid, 'bare')";
constexpr const char* insert_cursor =
    "INSERT INTO tapline.cursor (journal_id, epoch) VALUES ($1::uuid, 1)";

/// In the order in which central's settling runs them.
constexpr std::array statements{
    sql::begin,
    sql::lock_cursors,
    sql::find_facts,
    sql::insert_pours,
    sql::insert_receipts,
    sql::lock_kegs,
    sql::draw_kegs,
    sql::lock_guests,
    sql::charge_guests,
    sql::move_cursors,
};

struct Call {
    std::string name;
    Parameters parameters;
};

using Transaction = std::vector<Call>;

struct Row {
    std::string journal_id;
    std::int64_t seq = 0;
    BenchPour pour;
    std::string pour_id;
    std::string hash;
    std::int64_t at_us = 0;
};

/// Rows of one journal per transaction. A journal is cut evenly: a small rest per journal would
/// make transactions that central never makes.
std::int64_t batch_rows(const BareOptions& options) {
    const std::int64_t rows_each = options.rows / options.journals;
    const std::int64_t wanted =
        std::max<std::int64_t>(options.transaction_rows / options.transaction_journals, 1);
    const std::int64_t batches = std::max<std::int64_t>((rows_each + wanted / 2) / wanted, 1);
    return (rows_each + batches - 1) / batches;
}

std::string cents_text(std::int64_t cents) {
    return fmt::format("{}.{:02}", cents / 100, cents % 100);
}

/// Version 7 as central makes them: a time first, so that the primary keys grow at one end.
std::string uuid7(std::int64_t utc_ms, std::mt19937_64& random) {
    const std::string tail = uuid4(random);
    const std::string time = fmt::format("{:012x}", utc_ms);
    return time.substr(0, 8) + "-" + time.substr(8) + "-7" + tail.substr(15);
}

/// The journals' pours, cut into one batch per journal and transaction, in turns.
class Backlog {
  public:
    explicit Backlog(const BareOptions& options)
        : options_(options), batch_rows_(batch_rows(options)), random_(4'711) {
        for (int number = 0; number < options.journals; ++number) {
            journal_ids_.push_back(uuid4(random_));
            sources_.emplace_back(static_cast<std::uint64_t>(number) + 1, number % taps + 1);
            written_.push_back(0);
        }
    }

    [[nodiscard]] const std::vector<std::string>& journal_ids() const { return journal_ids_; }

    /// Empty at the end.
    [[nodiscard]] std::vector<Row> next_transaction() {
        const std::int64_t rows_each = options_.rows / options_.journals;
        std::vector<Row> rows;
        ++transactions_;
        const std::int64_t turns = std::min<std::int64_t>(
            options_.transaction_journals, static_cast<std::int64_t>(journal_ids_.size())
        );
        for (std::int64_t turn = 0; turn < turns; ++turn) {
            const std::size_t journal = next_journal_++ % journal_ids_.size();
            const std::int64_t until = std::min(rows_each, written_[journal] + batch_rows_);
            while (written_[journal] < until) {
                rows.push_back(make_row(journal));
            }
        }
        return rows;
    }

  private:
    Row make_row(std::size_t journal) {
        Row row;
        row.journal_id = journal_ids_[journal];
        row.seq = ++written_[journal];
        row.pour = sources_[journal].next();
        row.at_us = first_pour_us + row.seq * 1'000;
        // Transactions of central lie some 100 ms apart under load.
        row.pour_id = uuid7(first_pour_us / 1'000 + transactions_ * 100, random_);
        for (std::size_t at = 0; at < hash_bytes; ++at) {
            row.hash += static_cast<char>(random_() & 0xffU);
        }
        return row;
    }

    const BareOptions& options_;
    std::int64_t batch_rows_;
    std::mt19937_64 random_;
    std::vector<std::string> journal_ids_;
    std::vector<PourSource> sources_;
    std::vector<std::int64_t> written_;
    std::size_t next_journal_ = 0;
    std::int64_t transactions_ = 0;
};

template <typename... Builders>
Parameters literals(Builders&... builders) {
    return {builders.literal()...};
}

void add_facts(const std::vector<Row>& rows, Transaction& calls) {
    pg::ArrayBuilder ids, cards, tap_ids, times;
    for (const Row& row : rows) {
        ids.text(row.pour.client_tx_id);
        cards.text(card_uid(row.pour.guest));
        tap_ids.integer(row.pour.tap);
        times.timestamp_us(row.at_us);
    }
    calls.push_back({std::string(sql::find_facts.name), literals(ids, cards, tap_ids, times)});
}

void add_pours(const std::vector<Row>& rows, Transaction& calls) {
    pg::ArrayBuilder pour_ids, ids, guest_ids, cards, tap_ids, kegs, volumes, amounts, prices,
        times;
    for (const Row& row : rows) {
        pour_ids.plain(row.pour_id);
        ids.text(row.pour.client_tx_id);
        guest_ids.plain(guest_id(row.pour.guest));
        cards.text(card_uid(row.pour.guest));
        tap_ids.integer(row.pour.tap);
        kegs.plain(keg_id(row.pour.tap));
        volumes.integer(row.pour.volume_ml);
        amounts.text(cents_text(row.pour.amount_cents));
        prices.text(std::string_view("0.4500"));
        times.timestamp_us(row.at_us);
    }
    calls.push_back(
        {std::string(sql::insert_pours.name),
         literals(pour_ids, ids, guest_ids, cards, tap_ids, kegs, volumes, amounts, prices, times)}
    );
}

void add_receipts(const std::vector<Row>& rows, Transaction& calls) {
    pg::ArrayBuilder pour_ids, journals, epochs, seqs, revisions, hashes, guest_ids, kegs, volumes;
    pg::ArrayBuilder amounts, prices, flags, qualities, recorded, corrected;
    for (const Row& row : rows) {
        pour_ids.plain(row.pour_id);
        journals.plain(row.journal_id);
        epochs.integer(std::int64_t{1});
        seqs.integer(row.seq);
        revisions.text(std::string_view(revision));
        hashes.bytes(row.hash);
        guest_ids.plain(guest_id(row.pour.guest));
        kegs.plain(keg_id(row.pour.tap));
        volumes.integer(row.pour.volume_ml);
        amounts.text(cents_text(row.pour.amount_cents));
        prices.text(cents_text(price_cents_per_liter));
        flags.integer(std::int64_t{0});
        qualities.text(std::string_view("exact"));
        recorded.timestamp_us(row.at_us);
        corrected.timestamp_us(row.at_us);
    }
    calls.push_back(
        {std::string(sql::insert_receipts.name),
         literals(
             pour_ids,
             journals,
             epochs,
             seqs,
             revisions,
             hashes,
             guest_ids,
             kegs,
             volumes,
             amounts,
             prices,
             flags,
             qualities,
             recorded,
             corrected
         )}
    );
}

void add_draws(const std::vector<Row>& rows, Transaction& calls) {
    struct Draw {
        std::int64_t volume_ml = 0;
        std::int64_t last_us = 0;
    };

    std::map<std::string, Draw> draws;
    for (const Row& row : rows) {
        Draw& draw = draws[keg_id(row.pour.tap)];
        draw.volume_ml += row.pour.volume_ml;
        draw.last_us = std::max(draw.last_us, row.at_us);
    }
    pg::ArrayBuilder kegs, volumes, times;
    for (const auto& [keg, draw] : draws) {
        kegs.plain(keg);
        volumes.integer(draw.volume_ml);
        times.timestamp_us(draw.last_us);
    }
    calls.push_back({std::string(sql::lock_kegs.name), literals(kegs)});
    calls.push_back({std::string(sql::draw_kegs.name), literals(kegs, volumes, times)});
}

void add_charges(const std::vector<Row>& rows, Transaction& calls) {
    std::map<std::string, std::int64_t> sums_cents;
    for (const Row& row : rows) {
        sums_cents[guest_id(row.pour.guest)] += row.pour.amount_cents;
    }
    pg::ArrayBuilder guest_ids, amounts;
    for (const auto& [guest, cents] : sums_cents) {
        guest_ids.plain(guest);
        amounts.text(cents_text(cents));
    }
    calls.push_back({std::string(sql::lock_guests.name), literals(guest_ids)});
    calls.push_back({std::string(sql::charge_guests.name), literals(guest_ids, amounts)});
}

struct Position {
    std::int64_t seq = 0;
    std::string hash;
};

Transaction encode(std::vector<Row> rows) {
    std::map<std::string, Position> last;
    for (const Row& row : rows) {
        last[row.journal_id] = {row.seq, row.hash};
    }
    pg::ArrayBuilder journals, epochs, cursors, hashes, revisions;
    for (const auto& [journal_id, position] : last) {
        journals.plain(journal_id);
        epochs.integer(std::int64_t{1});
        cursors.integer(position.seq);
        hashes.bytes(position.hash);
        revisions.text(std::string_view(revision));
    }
    Transaction calls;
    calls.push_back({std::string(sql::begin.name), {lock_timeout}});
    calls.push_back({std::string(sql::lock_cursors.name), literals(journals, epochs)});
    add_facts(rows, calls);
    std::stable_sort(rows.begin(), rows.end(), [](const Row& left, const Row& right) {
        return left.pour.client_tx_id < right.pour.client_tx_id;
    });
    add_pours(rows, calls);
    add_receipts(rows, calls);
    add_draws(rows, calls);
    add_charges(rows, calls);
    calls.push_back(
        {std::string(sql::move_cursors.name),
         literals(journals, epochs, cursors, hashes, revisions)}
    );
    return calls;
}

void register_journals(PgConnection& connection, const std::vector<std::string>& journal_ids) {
    connection.exec("BEGIN");
    connection.exec(insert_controller);
    for (const std::string& journal_id : journal_ids) {
        connection.exec(insert_journal, {journal_id});
        connection.exec(insert_cursor, {journal_id});
    }
    connection.exec("COMMIT");
}

double own_cpu_seconds() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void check_options(const BareOptions& options) {
    if (options.journals < 1 || options.rows % options.journals != 0) {
        throw Error(ErrorKind::usage, "rows", "--rows must be a multiple of --journals");
    }
    if (options.transaction_journals < 1 || options.transaction_rows < 1) {
        throw Error(ErrorKind::usage, "rows", "a transaction needs rows of at least one journal");
    }
}

}  // namespace

nlohmann::ordered_json run_bare(const std::string& database_url, const BareOptions& options) {
    check_options(options);
    Backlog backlog(options);
    std::vector<Transaction> transactions;
    for (std::vector<Row> rows = backlog.next_transaction(); !rows.empty();
         rows = backlog.next_transaction()) {
        transactions.push_back(encode(std::move(rows)));
        throw_if_interrupted();
    }
    PgConnection connection(database_url);
    register_journals(connection, backlog.journal_ids());
    for (const pg::Statement& statement : statements) {
        connection.prepare(std::string(statement.name), std::string(statement.sql));
    }
    const double cpu_before = own_cpu_seconds();
    const Clock::time_point start = Clock::now();
    for (const Transaction& transaction : transactions) {
        connection.exec("BEGIN");
        for (const Call& call : transaction) {
            connection.run(call.name, call.parameters);
        }
        connection.exec("COMMIT");
        throw_if_interrupted();
    }
    const std::chrono::duration<double> spent = Clock::now() - start;
    nlohmann::ordered_json report;
    report["rows"] = options.rows;
    report["transactions"] = transactions.size();
    report["seconds"] = rounded(spent.count(), 6);
    report["cpu_s"] = rounded(own_cpu_seconds() - cpu_before, 3);
    return report;
}

}  // namespace tapline::bench
