// Settling: insert the pour, charge the guest, draw down the keg, in one transaction of PostgreSQL.
//
// One settle session per instance commits many controllers' batches together (group commit). A
// second, slow lane takes the batches that made a group fail, so that nobody waits behind them.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <variant>

#include <boost/asio/awaitable.hpp>

#include "common/wire.hpp"

namespace tapline::settle {

/// The answer to one batch: an ack is given only after the COMMIT that holds it.
using Outcome = std::variant<wire::Ack, wire::Problem>;

struct SettleOptions {
    std::string database_url;
    std::chrono::milliseconds group_lock_timeout{300};
    std::chrono::milliseconds slow_lock_timeout{1'000};
    std::int64_t max_group_rows = 4'000;
    std::size_t max_queue = 1'000;    ///< batches waiting; one more gets 503 `overloaded`
    bool price_from_journal = false;  ///< settle.price = "journal": charge price_cents
};

class Settler {
  public:
    /// Starts the lanes; they connect by themselves and again after a lost connection.
    explicit Settler(SettleOptions options);
    ~Settler();
    Settler(const Settler&) = delete;
    Settler& operator=(const Settler&) = delete;

    /// `controller` is who the connection says it is. Never throws for anything PostgreSQL or the
    /// batch did: the answer is a Problem then (gap, fork, resync, hash_mismatch, not_yours,
    /// unknown_journal, retry, overloaded, …) and nothing of the batch has been done.
    [[nodiscard]] boost::asio::awaitable<Outcome> settle(std::string controller, wire::Batch batch);

    /// True while both lanes have a working connection.
    [[nodiscard]] bool ready() const noexcept;

    /// Batches that wait to be settled or are being settled.
    [[nodiscard]] std::size_t waiting() const noexcept;

    /// Finishes what is in flight and refuses the rest with 503; blocks until then.
    void stop();

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace tapline::settle
