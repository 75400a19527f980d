// The part of the syncer that asks for a new epoch when the journal and central tell different
// histories (docs/forks.md), and goes on in it.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/sync/syncer.hpp"
#include "common/test_hook.hpp"

namespace asio = boost::asio;

namespace tapline::sync {

namespace {

constexpr std::int64_t points_to_send = 200;

}  // namespace

asio::awaitable<wire::EpochRequest> Syncer::compose_epoch_request() {
    const Position position = position_;
    auto work = [position](journal::Journal& journal) {
        const journal::Identity identity = journal.identity();
        const journal::Counts counts = journal.counts();
        wire::EpochRequest request;
        request.epoch = identity.epoch;
        request.last_common_seq = position.seq;
        request.hash = position.hash;
        request.points = journal.chain_points(points_to_send);
        request.max_seq = counts.max_seq;
        request.depth = counts.depth;
        return request;
    };
    auto asking = store_.with(work);
    wire::EpochRequest request = co_await std::move(asking);
    request.fingerprint = options_.fingerprint;
    request.clock.utc_ms = clock_.now_utc().time_since_epoch().count();
    request.clock.boot_id = options_.upkeep.boot.id();
    co_return request;
}

asio::awaitable<std::optional<wire::Problem>> Syncer::repair(std::string reason) {
    // What central has acked belongs to the old epoch.
    auto writing = write_down();
    co_await std::move(writing);
    progress_.step("epoch", options_.request_deadline + disk_limit);
    auto composing = compose_epoch_request();
    wire::EpochRequest request = co_await std::move(composing);
    request.reason = std::move(reason);
    std::string journal_id = status_.journal_id;
    auto calling =
        client_.epoch(std::move(journal_id), std::move(request), options_.request_deadline);
    EpochAnswer answer = co_await std::move(calling);
    if (auto* problem = std::get_if<wire::Problem>(&answer)) {
        co_return std::move(*problem);
    }
    auto taking = take_epoch(std::get<wire::EpochGrant>(answer));
    co_await std::move(taking);
    co_return std::nullopt;
}

asio::awaitable<void> Syncer::take_epoch(wire::EpochGrant grant) {
    test_stop_at("epoch.answered");
    auto work = [grant](journal::Journal& journal) {
        const auto ours =
            grant.cursor == 0 ? std::optional<RowHash>(RowHash{}) : journal.hash_at(grant.cursor);
        const bool same = ours && *ours == grant.hash;
        if (same) {
            journal.start_epoch(grant);
        }
        return same;
    };
    auto starting = store_.with(work);
    const bool same = co_await std::move(starting);
    if (!same) {
        throw Error(
            ErrorKind::protocol,
            "bad_grant",
            fmt::format(
                "central granted epoch {} from pour {}, where this journal's chain is another one",
                grant.epoch,
                grant.cursor
            ),
            "keep the journal and call the operator"
        );
    }
    test_stop_at("epoch.written");
    spdlog::warn(
        "{}: epoch {} -> {}: pours up to {} are central's already, later ones are sent again",
        options_.file,
        status_.epoch,
        grant.epoch,
        grant.cursor
    );
    ready_.reset();
    unmoved_.reset();
    unwritten_.reset();
    salvaged_ = false;
    position_ = Position{grant.cursor, grant.hash};
    prunable_through_ = std::min(grant.prunable_through, grant.cursor);
    target_ = pours_target(status_.journal_id, grant.epoch);
    status_.epoch = grant.epoch;
    status_.acked_through = grant.cursor;
    hello_due_ = true;
    upkeep_.wrote();
}

}  // namespace tapline::sync
