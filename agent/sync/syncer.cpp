#include "agent/sync/syncer.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/journal/mount.hpp"
#include "common/log.hpp"
#include "common/test_hook.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace tapline::sync {

namespace {

constexpr BackoffLimits storage_backoff{1s, 60s, 1s};
constexpr std::chrono::milliseconds busy_pause = 50ms;
/// How soon an ack that didn't fit on the disk is tried again.
constexpr std::chrono::milliseconds full_disk_retry = 30s;
constexpr std::chrono::milliseconds card_look_period = 60s;
constexpr std::int64_t shortest_heartbeat_s = 5;
constexpr std::int64_t longest_heartbeat_s = 3'600;

SyncState state_without_journal(const Error& failure) {
    if (failure.code() == "not_adopted") {
        return SyncState::not_adopted;
    }
    if (failure.kind() == ErrorKind::unreachable) {
        return SyncState::missing;
    }
    const bool refused = failure.kind() == ErrorKind::refused ||
                         failure.kind() == ErrorKind::usage ||
                         failure.kind() == ErrorKind::storage_busy;
    return refused ? SyncState::refused : SyncState::storage_error;
}

struct Opened {
    journal::Identity identity;
    bool left_behind = false;
};

/// Of the file itself; a shape that isn't known is another matter.
bool is_damage(const Error& failure) {
    return failure.kind() == ErrorKind::storage_corrupt &&
           (failure.code() == "damaged" || failure.code() == "not_a_database");
}

}  // namespace

Syncer::Syncer(SyncOptions options, Seams seams)
    : options_(std::move(options)),
      clock_(seams.clock),
      store_(seams.store),
      client_(seams.transport, options_.controller, options_.agent_version),
      progress_(seams.clock),
      upkeep_(options_.upkeep, seams.clock, seams.store, status_),
      rows_(seams.clock),
      stop_(seams.clock),
      check_(seams.clock),
      backoff_(options_.backoff, options_.seed),
      storage_backoff_(storage_backoff, options_.seed + 1) {
    status_.file = options_.file;
    upkeep_.on_failure([this](const Error& failure) {
        complain(status_.state, failure);
        if (is_damage(failure)) {
            damage_ = failure.what();
            rows_.notify();
        }
    });
    upkeep_.on_counted([this] {
        if (on_change_) {
            on_change_();
        }
    });
}

asio::awaitable<void> Syncer::run() {
    using asio::experimental::awaitable_operators::operator&&;
    auto rounds = run_rounds();
    auto upkeep = upkeep_.run();
    auto checks = run_checks();
    auto all = std::move(rounds) && std::move(upkeep) && std::move(checks);
    co_await std::move(all);
    auto closing = store_.close();
    co_await std::move(closing);
    progress_.ended();
}

const char* Syncer::stuck_at() const {
    if (progress_.late()) {
        return progress_.at();
    }
    return upkeep_.progress().late() ? upkeep_.progress().at() : nullptr;
}

void Syncer::stop() {
    stopping_ = true;
    rows_.notify();
    stop_.notify();
    check_.notify();
    if (options_.mending.stop_check) {
        options_.mending.stop_check();
    }
}

void Syncer::wake() {
    upkeep_.changed();
    rows_.notify();
}

void Syncer::swapped() {
    reopen_ = true;
    rows_.notify();
}

asio::awaitable<void> Syncer::run_rounds() {
    while (!stopping_) {
        std::optional<Error> failure;
        progress_.step("turn", 0ms);
        if (test_hangs_at("turn")) {
            auto hanging = clock_.sleep(24h);
            co_await std::move(hanging);
        }
        try {
            auto going = round();
            co_await std::move(going);
        } catch (const Error& caught) {
            failure = caught;
        }
        // The way out of one failure may meet another: the ack that is written down before a pause
        // finds a card that fails, too.
        while (failure && !stopping_) {
            Error met = *std::exchange(failure, std::nullopt);
            try {
                auto recovering = recover(std::move(met));
                co_await std::move(recovering);
            } catch (const Error& caught) {
                failure = caught;
            }
        }
    }
    upkeep_.stop();
    if (open_) {
        auto closing = close();
        co_await std::move(closing);
    }
}

asio::awaitable<void> Syncer::round() {
    if (reopen_ && open_) {
        spdlog::warn("{}: it, or its -wal, is another file now; opening it", options_.file);
        open_ = false;
        unwritten_.reset();
        upkeep_.closed();
    }
    if (!open_) {
        progress_.step("open", disk_limit);
        auto opening = open();
        co_await std::move(opening);
    }
    if (options_.first_pause.count() > 0) {
        const auto rest = std::exchange(options_.first_pause, {});
        upkeep_.expect_ack(false);
        auto resting = pause(rest);
        co_await std::move(resting);
        co_return;
    }
    if (!damage_.empty()) {
        throw Error(ErrorKind::storage_corrupt, "damaged", options_.file + ": " + damage_, "");
    }
    if (hello_due_) {
        auto greeting = greet();
        co_await std::move(greeting);
    }
    if (hello_due_) {
        co_return;
    }
    auto draining = drain();
    co_await std::move(draining);
    if (!hello_due_ && damage_.empty()) {
        auto waiting = wait_for_rows();
        co_await std::move(waiting);
    }
}

asio::awaitable<void> Syncer::recover(Error failure) {
    if (stopping_) {
        co_return;
    }
    if (is_damage(failure)) {
        auto mending = mend(std::move(failure));
        co_await std::move(mending);
        co_return;
    }
    if (!open_) {
        complain(state_without_journal(failure), failure);
        auto resting = pause(options_.reopen_pause);
        co_await std::move(resting);
        co_return;
    }
    if (failure.code() == "journal_closed") {
        open_ = false;
        co_return;
    }
    if (failure.kind() == ErrorKind::storage_busy) {
        auto resting = pause(busy_pause);
        co_await std::move(resting);
        co_return;
    }
    const bool wire =
        failure.kind() == ErrorKind::unreachable || failure.kind() == ErrorKind::protocol;
    if (wire) {
        hello_due_ = true;
        complain(SyncState::away, failure);
        upkeep_.expect_ack(false);
        auto writing = write_down();
        co_await std::move(writing);
        auto resting = pause(backoff_.next());
        co_await std::move(resting);
        co_return;
    }
    complain(SyncState::storage_error, failure);
    open_ = false;
    unwritten_.reset();
    upkeep_.closed();
    auto closing = store_.close();
    co_await std::move(closing);
    auto resting = pause(storage_backoff_.next());
    co_await std::move(resting);
}

asio::awaitable<void> Syncer::open() {
    auto opening = store_.open();
    co_await std::move(opening);
    auto work = [](journal::Journal& journal) {
        return Opened{journal.identity(), journal.left_behind()};
    };
    auto asking = store_.with(work);
    const Opened opened = co_await std::move(asking);
    const journal::Identity& identity = opened.identity;
    open_ = true;
    damage_.clear();
    check_at_ = clock_.now_mono();
    if (!opened.left_behind) {
        check_at_ += options_.mending.first_check;
    }
    check_.notify();
    reopen_ = false;
    hello_due_ = true;
    position_ = Position{identity.acked_through, identity.acked_hash};
    ready_.reset();
    unmoved_.reset();
    unwritten_.reset();
    salvaged_ = identity.salvaged;
    prunable_through_ = identity.prunable_through;
    target_ = pours_target(identity.journal_id, identity.epoch);
    status_.journal_id = identity.journal_id;
    status_.epoch = identity.epoch;
    status_.revision = identity.revision;
    status_.acked_through = identity.acked_through;
    status_.pruned_through = identity.pruned_through;
    spdlog::info(
        "{}: journal {} epoch {} at {}, acked through {}",
        options_.file,
        identity.journal_id,
        identity.epoch,
        identity.revision,
        identity.acked_through
    );
    enter(SyncState::starting);
    upkeep_.opened();
}

/// The last act before the process ends: nothing may be left for the writer's own checkpoint.
asio::awaitable<void> Syncer::close() {
    progress_.step("close", disk_limit);
    try {
        auto writing = write_down();
        co_await std::move(writing);
        const auto running = upkeep_.running();
        auto work = [running](journal::Journal& journal) {
            journal.note_running(running);
            return journal.checkpoint();
        };
        auto checkpointing = store_.with(work);
        static_cast<void>(co_await std::move(checkpointing));
    } catch (const Error& failure) {
        complain(SyncState::storage_error, failure);
    }
}

/// What can be read is sent all the same; only an agent with nothing to write looks here.
asio::awaitable<void> Syncer::look_at_card() {
    progress_.step("look at the card", disk_limit);
    auto work = [](journal::Journal& journal) { return journal.read_only(); };
    auto asking = store_.with(work);
    read_only_ = co_await std::move(asking);
    look_at_card_at_ = clock_.now_mono() + card_look_period;
    if (read_only_) {
        const std::string directory = std::filesystem::path(options_.file).parent_path();
        const Error stopped =
            journal::read_only_error(directory, "its file system can't be written");
        complain(SyncState::storage_error, stopped);
    }
}

asio::awaitable<void> Syncer::wait_for_rows() {
    if (clock_.now_mono() >= look_at_card_at_) {
        auto looking = look_at_card();
        co_await std::move(looking);
    }
    const auto now = clock_.now_mono();
    if (now >= heartbeat_at_) {
        hello_due_ = true;
        co_return;
    }
    if (!stopping_ && !reopen_) {
        // Acks that don't fit on the disk are a matter for the technician, though all is sent.
        const bool trouble = unmoved_ || unwritten_ || read_only_;
        const SyncState rest = trouble ? SyncState::storage_error : SyncState::idle;
        enter(hold_ ? SyncState::held : rest);
    }
    auto limit = std::chrono::milliseconds(std::min(heartbeat_at_, look_at_card_at_) - now);
    if (unmoved_ || unwritten_) {
        limit = std::min<std::chrono::milliseconds>(limit, full_disk_retry);
    }
    progress_.step("wait for pours", limit);
    auto waiting = rows_.wait(limit);
    static_cast<void>(co_await std::move(waiting));
}

asio::awaitable<void> Syncer::pause(std::chrono::milliseconds duration) {
    progress_.step("pause", duration);
    const auto until = clock_.now_mono() + duration;
    status_.next_try = clock_.now_utc() + duration;
    if (on_change_) {
        on_change_();
    }
    while (!stopping_ && clock_.now_mono() < until) {
        auto waiting = stop_.wait(until - clock_.now_mono());
        static_cast<void>(co_await std::move(waiting));
    }
    status_.next_try.reset();
}

void Syncer::enter(SyncState state) {
    const bool routine = state == SyncState::sending || state == SyncState::idle;
    const bool was_routine =
        status_.state == SyncState::sending || status_.state == SyncState::idle;
    if (status_.state != state && !(routine && was_routine)) {
        spdlog::info("{}: {}", options_.file, name_of(state));
    }
    status_.state = state;
    if (state == SyncState::idle) {
        status_.depth = 0;
        status_.oldest_recorded_at.reset();
    }
    if (on_change_) {
        on_change_();
    }
}

void Syncer::complain(SyncState state, const Error& failure) {
    const std::string text = printable(failure.what());
    if (status_.state != state || status_.last_error != text) {
        spdlog::warn(
            "{}: {}: {} ({})", options_.file, name_of(state), text, printable(failure.hint())
        );
    }
    status_.state = state;
    status_.last_error = text;
    status_.hint = failure.hint();
    status_.last_error_at = clock_.now_utc();
    if (on_change_) {
        on_change_();
    }
}

/// Every journal has its own phase, so that a fleet started by one switch doesn't beat as one.
void Syncer::schedule_heartbeat(std::int64_t heartbeat_s) {
    const std::int64_t period =
        std::clamp(heartbeat_s, shortest_heartbeat_s, longest_heartbeat_s) * 1'000;
    const auto hash = static_cast<std::int64_t>(std::hash<std::string>{}(status_.journal_id) >> 1U);
    const auto now = clock_.now_mono();
    const std::int64_t since = (now.time_since_epoch().count() + hash % period) % period;
    heartbeat_at_ = now + std::chrono::milliseconds(period - since);
}

}  // namespace tapline::sync
