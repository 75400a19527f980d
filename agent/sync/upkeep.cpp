#include "agent/sync/upkeep.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/log.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace tapline::sync {

namespace {

constexpr std::chrono::milliseconds forever = 24h;
constexpr std::chrono::milliseconds clock_step_that_counts = 1s;
constexpr std::chrono::milliseconds failure_pause = 1s;
constexpr std::chrono::milliseconds busy_pause = 50ms;
constexpr std::chrono::milliseconds longest_checkpoint_pause = 5min;

/// How long counts may be old while the tap works; a WAL grows by some 4 pages a pour.
constexpr std::chrono::milliseconds count_pause = 50ms;
/// Between two removals: the WAL is copied back meanwhile.
constexpr std::chrono::milliseconds prune_pause = 200ms;

/// Between two looks at old rows: a million of them takes 20 s, and the card is hardly busy.
constexpr std::chrono::milliseconds heal_pause = 100ms;

}  // namespace

Upkeep::Upkeep(UpkeepRules rules, Clock& clock, Store& store, SyncStatus& status)
    : rules_(rules),
      clock_(clock),
      store_(store),
      status_(status),
      signal_(clock),
      progress_(clock),
      custody_(rules.custody) {}

asio::awaitable<void> Upkeep::run() {
    while (!stopping_) {
        const Due due = next_due();
        const auto now = clock_.now_mono();
        if (due.task == Task::none || due.at > now) {
            auto limit = forever;
            if (due.task != Task::none) {
                limit = std::min(forever, due.at - now);
            }
            progress_.step("wait for upkeep", limit);
            auto waiting = signal_.wait(limit);
            static_cast<void>(co_await std::move(waiting));
            continue;
        }
        progress_.step("upkeep", disk_limit);
        try {
            auto performing = perform(due.task);
            co_await std::move(performing);
        } catch (const Error& failure) {
            if (failure.code() == "journal_closed") {
                open_ = false;
            } else if (failure.kind() == ErrorKind::storage_busy) {
                not_before_ = clock_.now_mono() + busy_pause;
            } else {
                not_before_ = clock_.now_mono() + failure_pause;
                disk_full_ =
                    failure.kind() == ErrorKind::storage_full && due.task != Task::make_room;
                if (on_failure_) {
                    on_failure_(failure);
                }
            }
        }
    }
    progress_.ended();
}

void Upkeep::stop() {
    stopping_ = true;
    signal_.notify();
}

void Upkeep::opened() {
    open_ = true;
    opened_at_ = clock_.now_mono();
    prune_at_ = opened_at_ + rules_.first_prune;
    prune_begun_ = false;
    clock_due_ = true;
    clock_offset_ = clock_.now_utc().time_since_epoch() - clock_.now_mono().time_since_epoch();
    wal_dirty_ = true;
    checkpoint_pause_ = {};
    heal_at_ = clock_.now_mono() + heal_pause;
    changed();
}

void Upkeep::changed() {
    const auto now = clock_.now_mono();
    custody_.rows_arrived(now);
    last_activity_ = now;
    wal_dirty_ = true;
    checkpoint_pause_ = {};
    if (!count_at_) {
        count_at_ = now + count_pause;
    }
    if (clock_stepped() || rules_.boot.synchronized() != synchronized_) {
        clock_due_ = true;
    }
    signal_.notify();
}

void Upkeep::wrote() {
    const auto now = clock_.now_mono();
    last_activity_ = now;
    wal_dirty_ = true;
    if (!count_at_) {
        count_at_ = now + count_pause;
    }
    signal_.notify();
}

void Upkeep::expect_ack(bool expected) {
    if (custody_.ack_expected() != expected) {
        custody_.expect_ack(expected);
        signal_.notify();
    }
}

Upkeep::Due Upkeep::next_due() const {
    Due due;
    if (!open_) {
        return due;
    }
    if (disk_full_) {
        return Due{Task::make_room, {}};  // the next time that there is room may be short
    }
    const auto consider = [&](Task task, MonoTime at) {
        at = std::max(at, not_before_);
        if (due.task == Task::none || at < due.at) {
            due = Due{task, at};
        }
    };
    if (clock_due_) {
        consider(Task::clock, not_before_);
    }
    if (const auto mark_at = custody_.due()) {
        consider(Task::mark, *mark_at);
    }
    if (heal_at_) {
        consider(Task::heal, *heal_at_);
    }
    if (count_at_) {
        consider(Task::count, *count_at_);
    }
    if (wal_dirty_) {
        const auto at = wal_is_large() ? last_activity_ : last_activity_ + rules_.checkpoint_quiet;
        consider(Task::checkpoint, std::max(at, checkpoint_not_before_));
    }
    // The writer's time counts more; but a full card would stop it altogether.
    const bool at_once = status_.room >= Room::scarce;
    const auto quiet = last_activity_ + rules_.checkpoint_quiet;
    consider(Task::prune, at_once ? prune_at_ : std::max(prune_at_, quiet));
    return due;
}

asio::awaitable<void> Upkeep::perform(Task task) {
    switch (task) {
        case Task::none:
            co_return;
        case Task::clock: {
            auto noting = note_clock();
            co_await std::move(noting);
            co_return;
        }
        case Task::mark: {
            auto marking = mark();
            co_await std::move(marking);
            co_return;
        }
        case Task::checkpoint: {
            auto checkpointing = checkpoint();
            co_await std::move(checkpointing);
            co_return;
        }
        case Task::prune: {
            auto pruning = prune();
            co_await std::move(pruning);
            co_return;
        }
        case Task::count: {
            auto counting = count();
            co_await std::move(counting);
            co_return;
        }
        case Task::make_room: {
            auto making = make_room();
            co_await std::move(making);
            co_return;
        }
        case Task::heal: {
            auto healing = heal();
            co_await std::move(healing);
            co_return;
        }
    }
}

asio::awaitable<void> Upkeep::mark() {
    const auto before = custody_.glance(clock_.now_mono());
    const auto limit = rules_.marks_per_lock;
    auto work = [limit](journal::Journal& journal) {
        return journal.mark_held(std::numeric_limits<Seq>::max(), limit);
    };
    auto marking = store_.with(work);
    const journal::Marked marked = co_await std::move(marking);
    if (marked.rows > 0) {
        wrote();
    }
    if (!marked.more) {
        custody_.nothing_left(before);
        custody_.marked(clock_.now_mono());
    }
}

asio::awaitable<void> Upkeep::checkpoint() {
    const auto activity = last_activity_;
    auto work = [](journal::Journal& journal) { return journal.checkpoint(); };
    auto running = store_.with(work);
    status_.wal_pages = co_await std::move(running);
    if (on_counted_) {
        on_counted_();
    }
    if (status_.wal_pages == 0) {
        // A commit that came meanwhile has pages of its own in the WAL.
        wal_dirty_ = last_activity_ != activity;
        checkpoint_pause_ = {};
        co_return;
    }
    // A reader or the writer was in the way; a long reader must not make us try for ever.
    const auto least = wal_is_large() ? 100ms : std::chrono::milliseconds(rules_.checkpoint_quiet);
    checkpoint_pause_ = std::clamp(checkpoint_pause_ * 2, least, longest_checkpoint_pause);
    checkpoint_not_before_ = clock_.now_mono() + checkpoint_pause_;
}

/// A WAL that is copied back is written from its beginning again, which takes no room; and what may
/// be pruned can only be once something can be written.
asio::awaitable<void> Upkeep::make_room() {
    auto counting = count();
    co_await std::move(counting);
    auto checkpointing = checkpoint();
    co_await std::move(checkpointing);
    disk_full_ = false;
}

bool Upkeep::wal_is_large() const {
    const bool alarm = status_.room >= Room::alarm;
    return status_.wal_pages > (alarm ? rules_.checkpoint_pages_in_alarm : rules_.checkpoint_pages);
}

asio::awaitable<void> Upkeep::count() {
    count_at_.reset();
    auto work = [](journal::Journal& journal) { return journal.counts(); };
    auto counting = store_.with(work);
    const journal::Counts counts = co_await std::move(counting);
    status_.max_seq = counts.max_seq;
    status_.depth = counts.depth;
    status_.oldest_recorded_at = counts.oldest_recorded_at;
    status_.wal_pages = counts.wal_pages;
    status_.free_bytes = counts.free_bytes;
    look_at_room(counts);
    if (on_counted_) {
        on_counted_();
    }
}

asio::awaitable<void> Upkeep::heal() {
    auto work = [](journal::Journal& journal) { return journal.heal_settled(); };
    auto healing = store_.with(work);
    const journal::Marked healed = co_await std::move(healing);
    heal_at_.reset();
    if (healed.more) {
        heal_at_ = clock_.now_mono() + heal_pause;
    }
    if (healed.rows > 0) {
        wrote();
    }
}

std::chrono::seconds Upkeep::running() const {
    return std::chrono::duration_cast<std::chrono::seconds>(clock_.now_mono() - opened_at_);
}

asio::awaitable<void> Upkeep::prune() {
    journal::PruneOrder order;
    order.running = running();
    order.rows = rules_.marks_per_lock;
    const bool scarce = status_.room >= Room::scarce;
    order.keep = scarce ? std::chrono::seconds(0) : rules_.keep_pours;
    if (scarce || prune_begun_) {
        order.at_least = 1;
    }
    // Set before the job, so that one that fails isn't tried again at once.
    prune_at_ = clock_.now_mono() + rules_.prune_period;
    auto work = [order](journal::Journal& journal) { return journal.prune(order); };
    auto pruning = store_.with(work);
    const journal::Pruned pruned = co_await std::move(pruning);
    status_.pruned_through = pruned.through;
    pours_per_day_ = pruned.pours_per_day;
    prune_begun_ = pruned.more;
    if (pruned.more) {
        prune_at_ = clock_.now_mono() + prune_pause;
    }
    wal_dirty_ = wal_dirty_ || pruned.rows > 0;
    if (!count_at_) {
        count_at_ = clock_.now_mono();  // others fill the card, too
    }
}

void Upkeep::look_at_room(const journal::Counts& counts) {
    const Room before = status_.room;
    status_.days_left = days_left(counts, pours_per_day_);
    status_.room = room_of(counts.free_bytes, status_.days_left, before);
    if (status_.room == before) {
        return;
    }
    const auto level = status_.room > before ? spdlog::level::warn : spdlog::level::info;
    spdlog::log(
        level,
        "{}: room on the card is {}: {} MiB free{} ({})",
        status_.file,
        name_of(status_.room),
        counts.free_bytes >> 20U,
        status_.days_left ? fmt::format(", about {} days of pours", *status_.days_left) : "",
        what_to_do(status_.room)
    );
    if (status_.room >= Room::scarce && before < Room::scarce) {
        prune_at_ = clock_.now_mono();
    }
}

bool Upkeep::clock_stepped() const {
    const auto offset = clock_.now_utc().time_since_epoch() - clock_.now_mono().time_since_epoch();
    return std::chrono::abs(offset - clock_offset_) > clock_step_that_counts;
}

asio::awaitable<void> Upkeep::note_clock() {
    const auto offset = clock_.now_utc().time_since_epoch() - clock_.now_mono().time_since_epoch();
    const auto delta = offset - clock_offset_;
    const bool stepped = std::chrono::abs(delta) > clock_step_that_counts;
    wire::Boot boot;
    boot.boot_id = rules_.boot.id();
    boot.synchronized = rules_.boot.synchronized();
    auto work = [boot, stepped, delta](journal::Journal& journal) {
        wire::Boot noted = boot;
        const Seq last = journal.counts().max_seq;
        // Counts for a boot that the journal doesn't know yet.
        noted.first_seq = last + 1;
        if (stepped) {
            const wire::ClockStep step{last, delta.count()};
            noted.steps.push_back(step);
        }
        journal.note_clock(noted);
    };
    auto noting = store_.with(work);
    co_await std::move(noting);
    if (stepped) {
        clock_offset_ = offset;
    }
    synchronized_ = boot.synchronized;
    clock_due_ = false;
}

}  // namespace tapline::sync
