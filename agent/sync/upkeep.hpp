// Everything a journal needs beside sending: marks for the waiting tap, checkpoints, counts, clock.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

#include "agent/sync/custody.hpp"
#include "agent/sync/progress.hpp"
#include "agent/sync/signal.hpp"
#include "agent/sync/store.hpp"
#include "agent/sync/sync_status.hpp"
#include "agent/sync/this_boot.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/wire.hpp"

namespace tapline::sync {

struct UpkeepRules {
    CustodyRules custody;
    /// Rows under one lock; the writer's program waits 100 ms at most before it gives up.
    std::int64_t marks_per_lock = 500;
    std::chrono::milliseconds checkpoint_quiet{5'000};
    /// The writer's own checkpoint comes at 1000 pages and must not meet ours.
    std::int64_t checkpoint_pages = 250;
    /// The same where the room that a long WAL takes is what the tap's next pours need.
    std::int64_t checkpoint_pages_in_alarm = 32;
    /// How long acked pours stay on the device (retention.hpp).
    std::chrono::seconds keep_pours{30 * 86'400};
    std::chrono::milliseconds first_prune{60'000};  ///< after the start
    std::chrono::milliseconds prune_period{3'600'000};
    ThisBoot boot;
};

/// Runs beside the sender on the same executor; both give their disk work to the storage thread,
/// where it takes turns. Sleeps without a timer while the journal is quiet.
class Upkeep {
  public:
    Upkeep(UpkeepRules rules, Clock& clock, Store& store, SyncStatus& status);

    [[nodiscard]] boost::asio::awaitable<void> run();
    void stop();

    /// The journal has been opened; notes boot and clock, counts.
    void opened();

    void closed() noexcept { open_ = false; }

    /// Since the journal was opened.
    [[nodiscard]] std::chrono::seconds running() const;

    /// Another program committed to the journal.
    void changed();
    /// We wrote to it ourselves; the WAL has grown.
    void wrote();
    void expect_ack(bool expected);

    [[nodiscard]] Custody& custody() noexcept { return custody_; }

    [[nodiscard]] const Progress& progress() const noexcept { return progress_; }

    /// Called when a task failed; the sender decides what becomes of the journal.
    void on_failure(std::function<void(const Error&)> handler) { on_failure_ = std::move(handler); }

    /// Called after the counts of the status were renewed.
    void on_counted(std::function<void()> handler) { on_counted_ = std::move(handler); }

  private:
    enum class Task { none, clock, mark, checkpoint, count, heal, prune, make_room };

    struct Due {
        Task task = Task::none;
        MonoTime at;
    };

    [[nodiscard]] Due next_due() const;
    [[nodiscard]] boost::asio::awaitable<void> perform(Task task);
    [[nodiscard]] boost::asio::awaitable<void> mark();
    [[nodiscard]] boost::asio::awaitable<void> checkpoint();
    [[nodiscard]] boost::asio::awaitable<void> count();
    [[nodiscard]] boost::asio::awaitable<void> heal();
    [[nodiscard]] boost::asio::awaitable<void> note_clock();
    [[nodiscard]] boost::asio::awaitable<void> prune();
    [[nodiscard]] boost::asio::awaitable<void> make_room();
    [[nodiscard]] bool wal_is_large() const;
    void look_at_room(const journal::Counts& counts);
    [[nodiscard]] bool clock_stepped() const;

    UpkeepRules rules_;
    Clock& clock_;
    Store& store_;
    SyncStatus& status_;
    Signal signal_;
    Progress progress_;
    Custody custody_;
    std::function<void(const Error&)> on_failure_;
    std::function<void()> on_counted_;
    bool stopping_ = false;
    bool open_ = false;

    bool clock_due_ = false;
    bool synchronized_ = false;  ///< as it was noted last
    std::chrono::milliseconds clock_offset_{};

    std::optional<MonoTime> count_at_;
    std::optional<MonoTime> heal_at_;  ///< rows of long ago; nothing hurries
    bool wal_dirty_ = false;
    MonoTime last_activity_;
    std::chrono::milliseconds checkpoint_pause_{};
    MonoTime checkpoint_not_before_;
    MonoTime not_before_;     ///< after a failure
    bool disk_full_ = false;  ///< nothing else gets written before the WAL has been copied back

    MonoTime opened_at_;
    MonoTime prune_at_;
    bool prune_begun_ = false;  ///< few are left, but what was begun is ended
    std::optional<std::int64_t> pours_per_day_;
};

}  // namespace tapline::sync
