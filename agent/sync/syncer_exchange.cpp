// The part of the syncer that sends batches and does what central answers.
#include <algorithm>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/sync/syncer.hpp"
#include "common/log.hpp"
#include "common/test_hook.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace tapline::sync {

namespace {

constexpr int patient_resyncs = 1;
constexpr int patient_repairs = 2;
/// Central may say when to ask again, but not that it be asked all the time.
constexpr std::chrono::milliseconds shortest_wait = 1s;
/// Statuses are for the writer only; a list longer than this is not worth the memory.
constexpr std::size_t max_quarantined_marks = 5'000;

Error error_of(const wire::Problem& problem) {
    if (problem.status == own_finding) {
        return Error(
            ErrorKind::data, problem.code, problem.detail, "keep the journal and call the operator"
        );
    }
    if (advise(problem) == Step::upgrade && !problem.title.empty() && !problem.detail.empty()) {
        // What to install is central's to say; it is what the technician reads.
        return Error(
            ErrorKind::unreachable,
            problem.code,
            fmt::format("central answered {} {}: {}", problem.status, problem.code, problem.title),
            printable(problem.detail)
        );
    }
    const std::string& text = problem.detail.empty() ? problem.title : problem.detail;
    return Error(
        ErrorKind::unreachable,
        problem.code,
        fmt::format("central answered {} {}: {}", problem.status, problem.code, text),
        problem.code == "not_tapline" ? "check the address of central: something else answers there"
                                      : ""
    );
}

}  // namespace

void Syncer::take_directives(const wire::Directives& directives) {
    hold_ = directives.hold;
    status_.hold_reason = printable(directives.hold_reason);
    upkeep_.expect_ack(!hold_);
    if (hold_) {
        enter(SyncState::held);
    }
}

asio::awaitable<void> Syncer::drain() {
    using asio::experimental::awaitable_operators::operator&&;
    while (!stopping_ && !reopen_ && !hello_due_ && !hold_ && damage_.empty()) {
        if (!ready_) {
            const auto before = upkeep_.custody().glance(clock_.now_mono());
            auto reading = read_after(position_);
            ready_ = co_await std::move(reading);
            if (!ready_) {
                upkeep_.custody().nothing_left(before);
                break;
            }
        }
        enter(SyncState::sending);
        progress_.step("batch", options_.request_deadline + disk_limit);
        std::optional<Position> next;
        if (ready_->full) {
            next = Position{ready_->last_seq, ready_->hash};
        }
        auto sending = send(*ready_);
        auto preparing = prepare(next);
        auto both = std::move(sending) && std::move(preparing);
        std::tuple<Answered, Prepared> done = co_await std::move(both);
        Answered& answered = std::get<0>(done);
        Prepared& prepared = std::get<1>(done);
        if (answered.answer && std::holds_alternative<wire::Ack>(*answered.answer)) {
            accept(*ready_, std::get<wire::Ack>(*answered.answer));
            ready_ = std::move(prepared.ahead);
            // A long backlog is no silence: central tells two live copies by who says hello.
            hello_due_ = hello_due_ || clock_.now_mono() >= heartbeat_at_;
        } else if (answered.answer) {
            auto obeying = obey(std::get<wire::Problem>(std::move(*answered.answer)));
            co_await std::move(obeying);
        }
        if (answered.failure) {
            throw Error(*answered.failure);
        }
        if (prepared.failure) {
            throw Error(*prepared.failure);
        }
    }
    auto writing = write_down();
    co_await std::move(writing);
}

asio::awaitable<std::optional<Syncer::Parcel>> Syncer::read_after(Position position) {
    const journal::BatchLimits limits = limits_;
    const wire::ClockSample now{
        clock_.now_utc().time_since_epoch().count(), options_.upkeep.boot.id()};
    auto work = [position, limits, now](journal::Journal& journal) -> std::optional<Parcel> {
        auto batch = journal.next_batch(position.seq, position.hash, limits);
        if (!batch) {
            return std::nullopt;
        }
        batch->clock = now;
        Parcel parcel;
        parcel.first_seq = batch->first_seq;
        parcel.last_seq = batch->last_seq;
        parcel.hash = batch->hash;
        parcel.rows = static_cast<std::int64_t>(batch->rows.size());
        parcel.body = wire::encode(*batch);
        parcel.full = parcel.rows >= limits.rows || batch->truncated ||
                      static_cast<std::int64_t>(parcel.body.size()) > limits.bytes / 4 * 3;
        return parcel;
    };
    auto reading = store_.with(work);
    co_return co_await std::move(reading);
}

// send and prepare run side by side; each keeps its failure, so that neither cancels the other.
asio::awaitable<Syncer::Answered> Syncer::send(Parcel parcel) {
    Answered answered;
    try {
        test_stop_at("send");
        auto calling = client_.pours(target_, std::move(parcel.body), options_.request_deadline);
        answered.answer = co_await std::move(calling);
        test_stop_at("sent");
    } catch (const Error& failure) {
        answered.failure = failure;
    }
    co_return answered;
}

asio::awaitable<Syncer::Prepared> Syncer::prepare(std::optional<Position> next) {
    Prepared prepared;
    try {
        auto writing = write_down();
        co_await std::move(writing);
        if (next) {
            auto reading = read_after(*next);
            prepared.ahead = co_await std::move(reading);
        }
    } catch (const Error& failure) {
        prepared.failure = failure;
    }
    co_return prepared;
}

asio::awaitable<void> Syncer::write_down() {
    if (unmoved_) {
        auto writing = write_move();
        co_await std::move(writing);
    }
    if (!unwritten_ || unmoved_) {
        co_return;
    }
    progress_.step("write an ack down", options_.request_deadline + disk_limit);
    const journal::AckRecord record = *unwritten_;
    auto work = [record](journal::Journal& journal) {
        test_stop_at("mark");
        test_slow_at("mark");
        journal.record_ack(record);
        test_stop_at("marked");
    };
    try {
        auto writing = store_.with(work);
        co_await std::move(writing);
    } catch (const Error& failure) {
        if (failure.kind() != ErrorKind::storage_full) {
            throw;
        }
        // Pours that can still be read are sent on; the ack waits for room on the disk.
        complain(SyncState::storage_error, failure);
        co_return;
    }
    unwritten_.reset();
    upkeep_.wrote();
}

void Syncer::accept(const Parcel& sent, const wire::Ack& ack) {
    if (ack.acked_through < sent.last_seq) {
        throw Error(
            ErrorKind::protocol,
            "bad_ack",
            fmt::format(
                "central acked through {} of a batch that ends at {}",
                ack.acked_through,
                sent.last_seq
            ),
            "upgrade tapline-central"
        );
    }
    journal::AckRecord record = unwritten_.value_or(journal::AckRecord{});
    if (!unwritten_) {
        record.first_seq = sent.first_seq;
    }
    record.acked_through = sent.last_seq;
    record.hash = sent.hash;
    record.prunable_through = ack.prunable_through;
    prunable_through_ = ack.prunable_through;
    for (const auto& row : ack.quarantined) {
        const bool ours = row.seq >= sent.first_seq && row.seq <= sent.last_seq;
        if (ours && record.quarantined.size() < max_quarantined_marks) {
            record.quarantined.push_back(row.seq);
            spdlog::warn(
                "{}: pour {} is in quarantine: {}", options_.file, row.seq, printable(row.code)
            );
        }
    }
    add_released(record, ack.released);
    unwritten_ = std::move(record);
    position_ = Position{sent.last_seq, sent.hash};
    limits_.rows = std::min(limits_.rows * 2, limits_of_central_.rows);
    limits_.bytes = std::min(limits_.bytes * 2, limits_of_central_.bytes);
    resyncs_ = 0;
    backoff_.worked();
    status_.acked_through = sent.last_seq;
    status_.depth = std::max<std::int64_t>(0, status_.depth - sent.rows);
    status_.acked_pours += sent.rows;
    status_.quarantined_pours += static_cast<std::int64_t>(ack.quarantined.size());
    status_.last_ack = clock_.now_utc();
    take_directives(ack.directives);
}

void Syncer::add_released(journal::AckRecord& record, const std::vector<wire::Released>& released) {
    for (const auto& item : released) {
        if (record.released.empty() || record.released.back().id < item.id) {
            record.released.push_back(item);
        }
    }
}

asio::awaitable<void> Syncer::obey(wire::Problem problem) {
    const bool forked = advise(problem) == Step::fork;
    if (forked && ++repairs_ <= patient_repairs) {
        // An epoch that central doesn't know was granted after its backup.
        const std::string_view known = problem.code == "unknown_epoch" ? "restored" : "fork";
        std::string reason(salvaged_ ? "salvage" : known);
        auto repairing = repair(std::move(reason));
        std::optional<wire::Problem> refused = co_await std::move(repairing);
        if (!refused) {
            co_return;
        }
        // An older central doesn't know the call.
        if (refused->status != 404) {
            problem = std::move(*refused);
        }
    }
    repairs_ = repairs_ > patient_repairs ? 0 : repairs_;
    const Error failure = error_of(problem);
    const std::chrono::milliseconds floor = problem.retry_after.value_or(0s);
    const Step step = advise(problem);
    const bool renew = problem.action == "renew" && problem.code != "not_tapline";
    if (renew && options_.renewal_wanted) {
        options_.renewal_wanted();
    }
    std::chrono::milliseconds rest{};
    SyncState state = SyncState::away;
    // "retry" says that nothing was done: the same request again, without a new hello.
    hello_due_ = hello_due_ || step != Step::retry;
    switch (step) {
        case Step::retry:
            rest = backoff_.next(floor);
            break;
        case Step::hold:
            state = SyncState::held;
            rest = backoff_.next(floor);
            break;
        case Step::resync:
            ready_.reset();
            if (++resyncs_ > patient_resyncs) {
                state = SyncState::waiting;
                rest = backoff_.next(floor);
            }
            break;
        case Step::split:
            if (split()) {
                hello_due_ = false;
                co_return;
            }
            state = SyncState::waiting;
            rest = options_.slow_poll;
            break;
        case Step::fork:
            state = SyncState::fork;
            rest = options_.slow_poll;
            break;
        case Step::upgrade:
            state = SyncState::upgrade;
            rest = options_.slow_poll;
            break;
        case Step::wait:
            state = forked ? SyncState::fork : SyncState::waiting;
            // A renewal is a matter of seconds, and of nobody's but the two programs.
            rest = renew ? backoff_.next(floor) : options_.slow_poll;
            if (!renew && problem.retry_after) {
                rest = std::max(shortest_wait, floor);
            }
            break;
    }
    if (step != Step::resync || rest.count() > 0) {
        complain(state, failure);
        upkeep_.expect_ack(false);
    }
    auto writing = write_down();
    co_await std::move(writing);
    auto resting = pause(rest);
    co_await std::move(resting);
}

/// Halves the batch; false when it can't become smaller.
bool Syncer::split() {
    const bool smallest = limits_.rows == 1 && limits_.bytes == fewest_bytes;
    if (smallest || !ready_) {
        return false;
    }
    limits_.rows = std::max<std::int64_t>(1, std::min(limits_.rows, ready_->rows) / 2);
    limits_.bytes = std::max(fewest_bytes, limits_.bytes / 2);
    ready_.reset();
    return true;
}

}  // namespace tapline::sync
