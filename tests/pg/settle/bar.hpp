// A small bar in the baseline schema, and journals that talk to a Settler as an agent would.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "central/fleet/hello.hpp"
#include "central/pg/session.hpp"
#include "central/settle/settler.hpp"
#include "common/wire.hpp"

namespace tapline::test {

/// "00000000-0000-4000-8000-0000000000NN": guests, kegs, beverages and journals by number.
[[nodiscard]] std::string uuid(int kind, int number);
[[nodiscard]] std::string guest_id(int number);
[[nodiscard]] std::string keg_id(int number);
[[nodiscard]] std::string journal_id(int number);

class Bar {
  public:
    explicit Bar(pg::Session& session) : session_(session) {}

    void guest(int number, std::int64_t balance_cents, bool active = true);
    void card(
        const std::string& card_uid, std::optional<int> guest, const std::string& status = "active"
    );
    void keg(int number, std::int64_t volume_ml, std::int64_t price_cents_per_liter);
    void tap(int tap_id, std::optional<int> keg, const std::string& status = "active");

    [[nodiscard]] std::int64_t balance_cents(int guest);
    [[nodiscard]] std::int64_t keg_volume_ml(int keg);
    /// One integer; NULL and no row are 0.
    [[nodiscard]] std::int64_t number(const std::string& sql);
    [[nodiscard]] std::string text(const std::string& sql);
    /// code of the only row in quarantine, or "" when it is empty; fails when there are several.
    [[nodiscard]] std::string quarantined_code();

  private:
    pg::Session& session_;
};

/// Guest 1 with 100.00 and card 8c5efc0c, keg 1 with 50 l at 4.50 a litre on tap 1.
void furnish(Bar& bar);

/// Columns of a row as gen8's INSERT fills them.
[[nodiscard]] RawPour pour(Seq seq, const std::string& id, std::int64_t volume_ml);
/// Sets (or, with monostate, removes) a column, keeping name order.
void set(RawPour& row, const std::string& column, Value value);

class FakeJournal {
  public:
    explicit FakeJournal(int number, std::string controller = "tap-1");

    void hello(pg::Session& session);

    void add(RawPour row) { rows_.push_back(std::move(row)); }

    /// Rows with first <= seq <= last, chained.
    [[nodiscard]] wire::Batch batch(Seq first, Seq last) const;
    [[nodiscard]] wire::Batch all() const;

    [[nodiscard]] const std::string& id() const noexcept { return id_; }

    [[nodiscard]] const std::string& controller() const noexcept { return controller_; }

    [[nodiscard]] const std::vector<RawPour>& rows() const noexcept { return rows_; }

    [[nodiscard]] wire::Hello hello_message() const;
    [[nodiscard]] RowHash hash_at(Seq seq) const;

  private:
    std::string id_;
    std::string controller_;
    std::vector<RawPour> rows_;
};

/// Recomputes the hash of a batch whose rows were changed.
void rehash(wire::Batch& batch);

/// Waits for both lanes.
void wait_ready(const settle::Settler& settler);
[[nodiscard]] settle::SettleOptions options_for(const std::string& url);

/// One call, run to its end.
[[nodiscard]] settle::Outcome send(
    settle::Settler& settler, const std::string& controller, wire::Batch batch
);
/// All at once.
[[nodiscard]] std::vector<settle::Outcome> send_all(
    settle::Settler& settler, const std::vector<std::pair<std::string, wire::Batch>>& batches
);

/// Fails the test when it is the other one.
[[nodiscard]] wire::Ack ack(const settle::Outcome& outcome);
[[nodiscard]] wire::Problem problem(const settle::Outcome& outcome);

}  // namespace tapline::test
