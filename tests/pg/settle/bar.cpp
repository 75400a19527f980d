#include "tests/pg/settle/bar.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "central/settle/decide.hpp"

namespace tapline::test {

namespace asio = boost::asio;

std::string uuid(int kind, int number) {
    return fmt::format("00000000-0000-4000-8{:03x}-{:012x}", kind, number);
}

std::string guest_id(int number) {
    return uuid(1, number);
}

std::string keg_id(int number) {
    return uuid(2, number);
}

std::string journal_id(int number) {
    return uuid(4, number);
}

void Bar::guest(int number, std::int64_t balance_cents, bool active) {
    session_.query(
        "INSERT INTO guests (guest_id, last_name, first_name, phone_number, date_of_birth,"
        " id_document, balance, is_active) VALUES ($1::uuid, 'Guest', $2, $2, '1980-01-01', 'x',"
        " $3::numeric, $4::boolean)",
        guest_id(number),
        std::to_string(number),
        settle::money_text(balance_cents),
        active
    );
}

void Bar::card(const std::string& card_uid, std::optional<int> guest, const std::string& status) {
    std::optional<std::string> holder;
    if (guest) {
        holder = guest_id(*guest);
    }
    session_.query(
        "INSERT INTO cards (card_uid, guest_id, status) VALUES ($1, $2::uuid, $3)",
        card_uid,
        holder,
        status
    );
}

void Bar::keg(int number, std::int64_t volume_ml, std::int64_t price_cents_per_liter) {
    session_.query(
        "INSERT INTO beverages (beverage_id, name, sell_price_per_liter)"
        " VALUES ($1::uuid, $2, $3::numeric)",
        uuid(3, number),
        fmt::format("beer {}", number),
        settle::money_text(price_cents_per_liter)
    );
    session_.query(
        "INSERT INTO kegs (keg_id, beverage_id, initial_volume_ml, current_volume_ml,"
        " purchase_price, status) VALUES ($1::uuid, $2::uuid, 50000, $3::int, 100, 'in_use')",
        keg_id(number),
        uuid(3, number),
        volume_ml
    );
}

void Bar::tap(int tap_id, std::optional<int> keg, const std::string& status) {
    std::optional<std::string> held;
    if (keg) {
        held = keg_id(*keg);
    }
    session_.query(
        "INSERT INTO taps (tap_id, keg_id, display_name, status)"
        " VALUES ($1::int, $2::uuid, $3, $4)",
        tap_id,
        held,
        fmt::format("tap {}", tap_id),
        status
    );
}

std::int64_t Bar::balance_cents(int guest) {
    return number(fmt::format(
        "SELECT (balance * 100)::bigint FROM guests WHERE guest_id = '{}'", guest_id(guest)
    ));
}

std::int64_t Bar::keg_volume_ml(int keg) {
    return number(fmt::format("SELECT current_volume_ml FROM kegs WHERE keg_id = '{}'", keg_id(keg))
    );
}

std::int64_t Bar::number(const std::string& sql) {
    const auto result = session_.query(sql);
    return result.empty() ? 0 : result[0].optional_integer(0).value_or(0);
}

std::string Bar::text(const std::string& sql) {
    const auto result = session_.query(sql);
    return result.empty() ? std::string() : std::string(result[0].text(0));
}

std::string Bar::quarantined_code() {
    const auto result = session_.query("SELECT code FROM tapline.quarantine ORDER BY seq");
    REQUIRE(result.rows() <= 1);
    return result.empty() ? std::string() : std::string(result[0].text(0));
}

void furnish(Bar& bar) {
    bar.guest(1, 10'000);
    bar.card("8c5efc0c", 1);
    bar.keg(1, 50'000, 450);
    bar.tap(1, 1);
}

RawPour pour(Seq seq, const std::string& id, std::int64_t volume_ml) {
    RawPour row;
    row.seq = seq;
    row.columns = {
        {"card_uid", Text{"8c5efc0c"}},
        {"client_tx_id", Text{id}},
        {"duration_ms", std::int64_t{4'000}},
        {"price_cents", (volume_ml * 450 + 500) / 1'000},
        {"recorded_at", Text{"2026-11-20T18:00:04.000Z"}},
        {"tail_volume_ml", std::int64_t{0}},
        {"tap_id", std::int64_t{1}},
        {"volume_ml", volume_ml},
    };
    return row;
}

void set(RawPour& row, const std::string& column, Value value) {
    std::erase_if(row.columns, [&](const Column& have) { return have.name == column; });
    if (std::holds_alternative<std::monostate>(value)) {
        return;
    }
    const auto place =
        std::find_if(row.columns.begin(), row.columns.end(), [&](const Column& have) {
            return have.name > column;
        });
    row.columns.insert(place, Column{column, std::move(value)});
}

FakeJournal::FakeJournal(int number, std::string controller)
    : id_(journal_id(number)), controller_(std::move(controller)) {}

wire::Hello FakeJournal::hello_message() const {
    wire::Hello message;
    message.agent_version = "test";
    message.controller = controller_;
    message.journal_id = id_;
    message.revision = "j0001";
    message.max_seq = rows_.empty() ? 0 : rows_.back().seq;
    return message;
}

void FakeJournal::hello(pg::Session& session) {
    const auto outcome = fleet::hello(session, controller_, hello_message());
    REQUIRE(std::holds_alternative<wire::HelloReply>(outcome));
}

RowHash FakeJournal::hash_at(Seq seq) const {
    RowHash hash{};
    for (const auto& row : rows_) {
        if (row.seq <= seq) {
            hash = next_hash(hash, row);
        }
    }
    return hash;
}

wire::Batch FakeJournal::batch(Seq first, Seq last) const {
    wire::Batch made;
    made.journal_id = id_;
    made.revision = "j0001";
    made.first_seq = first;
    made.prev_hash = hash_at(first - 1);
    Seq next = first;
    for (const auto& row : rows_) {
        if (row.seq < first || row.seq > last) {
            continue;
        }
        if (row.seq > next) {
            made.absent.push_back({next, row.seq - 1});
        }
        next = row.seq + 1;
        made.rows.push_back(row);
    }
    made.last_seq = made.rows.empty() ? first : made.rows.back().seq;
    made.boots.push_back({"boot", 1, true, {}});
    made.clock.boot_id = "boot";
    rehash(made);
    return made;
}

wire::Batch FakeJournal::all() const {
    return batch(1, rows_.back().seq);
}

void rehash(wire::Batch& batch) {
    batch.hash = batch.prev_hash;
    for (const auto& row : batch.rows) {
        batch.hash = next_hash(batch.hash, row);
    }
}

settle::SettleOptions options_for(const std::string& url) {
    settle::SettleOptions options;
    options.database_url = url;
    return options;
}

void wait_ready(const settle::Settler& settler) {
    for (int i = 0; i < 1'000 && !settler.ready(); ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    REQUIRE(settler.ready());
}

std::vector<settle::Outcome> send_all(
    settle::Settler& settler, const std::vector<std::pair<std::string, wire::Batch>>& batches
) {
    asio::io_context io;
    std::vector<settle::Outcome> outcomes(batches.size());
    std::size_t answered = 0;
    for (std::size_t i = 0; i < batches.size(); ++i) {
        asio::co_spawn(
            io,
            settler.settle(batches[i].first, batches[i].second),
            [&, i](std::exception_ptr failure, settle::Outcome outcome) {
                if (failure) {
                    std::rethrow_exception(failure);
                }
                outcomes[i] = std::move(outcome);
                ++answered;
            }
        );
    }
    io.run();
    REQUIRE(answered == batches.size());
    return outcomes;
}

settle::Outcome send(settle::Settler& settler, const std::string& controller, wire::Batch batch) {
    return send_all(settler, {{controller, std::move(batch)}}).front();
}

wire::Ack ack(const settle::Outcome& outcome) {
    if (const auto* refused = std::get_if<wire::Problem>(&outcome)) {
        FAIL("refused: " << refused->status << ' ' << refused->code << ' ' << refused->detail);
    }
    return std::get<wire::Ack>(outcome);
}

wire::Problem problem(const settle::Outcome& outcome) {
    REQUIRE(std::holds_alternative<wire::Problem>(outcome));
    return std::get<wire::Problem>(outcome);
}

}  // namespace tapline::test
