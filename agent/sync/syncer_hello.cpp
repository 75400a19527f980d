// The part of the syncer that says hello and agrees with central on the cursor.
#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/sync/hello_of.hpp"
#include "agent/sync/syncer.hpp"

namespace asio = boost::asio;

namespace tapline::sync {

asio::awaitable<wire::Hello> Syncer::compose_hello() {
    const Position position = position_;
    auto work = [position](journal::Journal& journal) {
        return hello_of(journal, position.seq, position.hash);
    };
    auto asking = store_.with(work);
    wire::Hello hello = co_await std::move(asking);
    hello.agent_version = options_.agent_version;
    hello.controller = options_.controller;
    hello.fingerprint = options_.fingerprint;
    hello.clock.utc_ms = clock_.now_utc().time_since_epoch().count();
    hello.clock.boot_id = options_.upkeep.boot.id();
    co_return hello;
}

asio::awaitable<void> Syncer::greet() {
    progress_.step("hello", options_.request_deadline + disk_limit);
    auto composing = compose_hello();
    wire::Hello hello = co_await std::move(composing);
    status_.max_seq = hello.max_seq;
    status_.depth = hello.depth;
    status_.free_bytes = hello.free_bytes;
    auto calling = client_.hello(std::move(hello), options_.request_deadline);
    HelloAnswer answer = co_await std::move(calling);
    if (auto* problem = std::get_if<wire::Problem>(&answer)) {
        if (!problem->central_revision.empty()) {
            auto heeding = heed(problem->central_revision, problem->journal_minimum);
            co_await std::move(heeding);
        }
        if (!open_) {
            co_return;  // it was raised: as what it is now it may be served
        }
        auto obeying = obey(std::move(*problem));
        co_await std::move(obeying);
        co_return;
    }
    if (salvaged_) {
        // Its rows may differ from what central got, and numbers may be missing: docs/salvage.md.
        wire::Problem due;
        due.status = own_finding;
        due.code = "salvaged";
        due.action = "fork";
        due.detail = "this journal was salvaged and goes on in a new epoch";
        auto obeying = obey(std::move(due));
        co_await std::move(obeying);
        co_return;
    }
    auto taking = take_cursor(std::get<wire::HelloReply>(std::move(answer)));
    co_await std::move(taking);
}

asio::awaitable<void> Syncer::take_cursor(wire::HelloReply reply) {
    progress_.step("agree on the cursor", disk_limit);
    const Seq cursor = reply.cursor;
    auto work = [cursor](journal::Journal& journal) {
        return cursor == 0 ? std::optional<RowHash>(RowHash{}) : journal.hash_at(cursor);
    };
    auto looking = store_.with(work);
    const std::optional<RowHash> ours = co_await std::move(looking);
    if (!ours || *ours != reply.hash_at_cursor) {
        const std::string reason =
            ours ? "the row hashes there differ"
                 : fmt::format(
                       "this journal ends at {} or has pruned the rows before it", status_.max_seq
                   );
        wire::Problem fork;
        fork.status = own_finding;
        fork.code = "fork";
        fork.action = "fork";
        fork.detail =
            fmt::format("central has settled this journal through {}, but {}", cursor, reason);
        auto obeying = obey(std::move(fork));
        co_await std::move(obeying);
        co_return;
    }
    limits_of_central_.rows = std::clamp<std::int64_t>(reply.batch_rows, 1, wire::max_batch_rows);
    limits_of_central_.bytes =
        std::clamp<std::int64_t>(reply.batch_bytes, fewest_bytes, wire::max_batch_bytes);
    limits_ = limits_of_central_;
    // The answer to a batch was lost: sending the same batch again also brings back what became of
    // each row, which the cursor alone doesn't tell.
    const bool answer_lost = ready_ && cursor >= position_.seq && cursor <= ready_->last_seq;
    if (cursor != position_.seq && !answer_lost) {
        spdlog::info("{}: cursor {} -> {}, as central says", options_.file, position_.seq, cursor);
        ready_.reset();
        auto moving = move_cursor(Position{cursor, *ours});
        co_await std::move(moving);
    }
    if (!reply.released.empty()) {
        journal::AckRecord record = unwritten_.value_or(journal::AckRecord{
            position_.seq + 1, position_.seq, position_.hash, {}, {}, reply.prunable_through});
        add_released(record, reply.released);
        unwritten_ = std::move(record);
    }
    if (options_.central_time) {
        options_.central_time(reply.server_utc_ms);
    }
    auto noting = note_prunable(reply.prunable_through);
    co_await std::move(noting);
    hello_due_ = false;
    repairs_ = 0;
    status_.last_error.clear();
    status_.hint.clear();
    schedule_heartbeat(reply.directives.heartbeat_s);
    take_directives(reply.directives);
    auto heeding = heed(std::move(reply.central_revision), std::move(reply.journal_minimum));
    co_await std::move(heeding);
}

/// An idle journal hears of a verified backup by hello only.
asio::awaitable<void> Syncer::note_prunable(Seq through) {
    const Seq allowed = std::min(through, position_.seq);
    if (allowed == prunable_through_) {
        co_return;
    }
    auto work = [allowed](journal::Journal& journal) { journal.note_prunable(allowed); };
    try {
        auto noting = store_.with(work);
        co_await std::move(noting);
        upkeep_.wrote();
        prunable_through_ = allowed;
    } catch (const Error& failure) {
        // Nothing hangs on it: pruning waits, and the next hello says it again.
        if (failure.kind() != ErrorKind::storage_full) {
            throw;
        }
    }
}

asio::awaitable<void> Syncer::move_cursor(Position to) {
    unmoved_ = to;
    position_ = to;
    status_.acked_through = to.seq;
    auto writing = write_move();
    co_await std::move(writing);
}

asio::awaitable<void> Syncer::write_move() {
    const Position to = *unmoved_;
    auto work = [to](journal::Journal& journal) { journal.move_cursor(to.seq, to.hash); };
    try {
        auto moving = store_.with(work);
        co_await std::move(moving);
        upkeep_.wrote();
    } catch (const Error& failure) {
        if (failure.kind() != ErrorKind::storage_full) {
            throw;
        }
        // Sending what can still be read is the best that can be done for a full disk.
        complain(SyncState::storage_error, failure);
        co_return;
    }
    unmoved_.reset();
}

}  // namespace tapline::sync
