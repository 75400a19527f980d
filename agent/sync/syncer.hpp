// The loop that brings one journal's pours to central, and the only place that retries.
//
//   open -> hello -> (read -> send -> ack) ... -> idle -> (rows | heartbeat) -> ...
//
// While a batch is on the wire the marks of the one before are written and the next one is read and
// encoded; one request per journal is in flight at a time. Every failure ends the round; what to do
// then is decided in one place (recover, or the answer's advice).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include <boost/asio/awaitable.hpp>

#include "agent/sync/advice.hpp"
#include "agent/sync/client.hpp"
#include "agent/sync/progress.hpp"
#include "agent/sync/signal.hpp"
#include "agent/sync/store.hpp"
#include "agent/sync/sync_status.hpp"
#include "agent/sync/upkeep.hpp"
#include "common/backoff.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"

namespace tapline::sync {

/// How a journal is raised once central is ready for it; all empty: it never is.
struct Raising {
    /// The revision to raise one at `current` to; empty: it stays. Pure.
    std::function<std::string(const std::string& current, const std::string& central)> target;
    /// Keeps for offline verbs what central said; on the storage thread.
    std::function<void(const std::string& central, const std::string& minimum)> remember;
    /// Raises the file, which is closed meanwhile; blocks on `thread`. Throws what migrating
    /// throws.
    std::function<void(const std::string& target)> run;
    boost::asio::any_io_executor thread;
    std::chrono::milliseconds again_after{3'600'000};  ///< when it failed
    std::chrono::milliseconds limit{3'600'000};        ///< the backup of a large file takes long
};

/// What is done about a damaged journal; all empty: it is only reported.
struct Mending {
    /// Salvages the file, which is closed meanwhile; blocks on `thread`. Tells in words what it
    /// did. Throws what salvaging throws.
    std::function<std::string()> run;
    /// Looks for damage beside a journal that is open; blocks on `thread`. Empty: none found. At
    /// once after an unclean stop, else `first_check` after the opening, and every `check_period`:
    /// a card fails under a running agent too, and SQLite tells only of pages that it reads.
    std::function<std::string()> check;
    /// Ends one that runs; nullptr: it can't be. From any thread.
    std::function<void()> stop_check;
    std::chrono::milliseconds first_check{600'000};
    std::chrono::milliseconds check_period{86'400'000};
    boost::asio::any_io_executor thread;
    std::chrono::milliseconds again_after{3'600'000};  ///< when it couldn't be mended
    std::chrono::milliseconds limit{3'600'000};        ///< a large file takes long
};

struct SyncOptions {
    std::string file;  ///< for people; the Store knows how to open it
    std::string controller;
    std::string agent_version;
    std::string fingerprint;
    UpkeepRules upkeep;
    BackoffLimits backoff;
    std::uint64_t seed = 0;  ///< of the jitter
    std::chrono::milliseconds request_deadline{30'000};
    std::chrono::milliseconds reopen_pause{5'000};
    /// Before the first hello: an agent that was restarted often in a row gives central room.
    std::chrono::milliseconds first_pause{};
    /// How often central is asked again while an operator has to act.
    std::chrono::milliseconds slow_poll{60'000};
    /// Central says that this device's certificate has to be renewed first; may be empty.
    std::function<void()> renewal_wanted;
    /// Central's time, UTC milliseconds, with every hello; may be empty.
    std::function<void(std::int64_t)> central_time;
    Raising raising;
    Mending mending;
};

class Syncer {
  public:
    /// What it works with; all outlive it.
    struct Seams {
        Clock& clock;
        Transport& transport;
        Store& store;
    };

    Syncer(SyncOptions options, Seams seams);

    /// Ends after stop(), when what is on the wire has been answered and written down.
    [[nodiscard]] boost::asio::awaitable<void> run();

    // Everything below on run()'s executor.
    void stop();
    /// The journal changed.
    void wake();
    /// The path names another file now.
    void swapped();

    [[nodiscard]] const SyncStatus& status() const noexcept { return status_; }

    /// The loop that hasn't come by in the time that it gave itself, and what it was at; nullptr
    /// while all is well.
    [[nodiscard]] const char* stuck_at() const;

    /// Called after the state or the cursor changed.
    void on_change(std::function<void()> handler) { on_change_ = std::move(handler); }

  private:
    /// A batch is not made smaller than this by 413: below it only the row itself can be cut.
    static constexpr std::int64_t fewest_bytes = std::int64_t{16} * 1024;

    /// A batch as it goes over the wire; its rows are in the body only.
    struct Parcel {
        Seq first_seq = 0;
        Seq last_seq = 0;
        RowHash hash{};
        std::int64_t rows = 0;
        bool full = false;  ///< more rows wait behind it
        std::string body;
    };

    struct Answered {
        std::optional<PoursAnswer> answer;
        std::optional<Error> failure;
    };

    struct Prepared {
        std::optional<Parcel> ahead;
        std::optional<Error> failure;
    };

    struct Position {
        Seq seq = 0;
        RowHash hash{};
    };

    boost::asio::awaitable<void> run_rounds();
    boost::asio::awaitable<void> round();
    boost::asio::awaitable<void> recover(Error failure);
    boost::asio::awaitable<void> open();
    boost::asio::awaitable<void> close();

    boost::asio::awaitable<void> greet();
    [[nodiscard]] boost::asio::awaitable<wire::Hello> compose_hello();
    boost::asio::awaitable<void> take_cursor(wire::HelloReply reply);
    boost::asio::awaitable<void> move_cursor(Position to);
    boost::asio::awaitable<void> write_move();
    boost::asio::awaitable<void> heed(std::string central, std::string minimum);
    boost::asio::awaitable<void> raise(std::string target);
    boost::asio::awaitable<void> note_prunable(Seq through);
    /// Beside the rounds.
    boost::asio::awaitable<void> run_checks();
    boost::asio::awaitable<void> mend(Error damage);
    void take_directives(const wire::Directives& directives);

    /// Asks for an epoch and goes on in it; nullopt: done, hello is due. Else what central
    /// answered.
    [[nodiscard]] boost::asio::awaitable<std::optional<wire::Problem>> repair(std::string reason);
    [[nodiscard]] boost::asio::awaitable<wire::EpochRequest> compose_epoch_request();
    boost::asio::awaitable<void> take_epoch(wire::EpochGrant grant);

    boost::asio::awaitable<void> drain();
    [[nodiscard]] boost::asio::awaitable<std::optional<Parcel>> read_after(Position position);
    [[nodiscard]] boost::asio::awaitable<Answered> send(Parcel parcel);
    [[nodiscard]] boost::asio::awaitable<Prepared> prepare(std::optional<Position> next);
    boost::asio::awaitable<void> write_down();
    void accept(const Parcel& sent, const wire::Ack& ack);
    /// Central repeats a release until it hears that it was written down.
    static void add_released(
        journal::AckRecord& record, const std::vector<wire::Released>& released
    );
    boost::asio::awaitable<void> obey(wire::Problem problem);
    [[nodiscard]] bool split();

    boost::asio::awaitable<void> wait_for_rows();
    boost::asio::awaitable<void> look_at_card();
    boost::asio::awaitable<void> pause(std::chrono::milliseconds duration);
    void enter(SyncState state);
    void complain(SyncState state, const Error& failure);
    void schedule_heartbeat(std::int64_t heartbeat_s);

    SyncOptions options_;
    Clock& clock_;
    Store& store_;
    Client client_;
    SyncStatus status_;
    Progress progress_;
    Upkeep upkeep_;
    Signal rows_;
    Signal stop_;
    Signal check_;
    Backoff backoff_;
    Backoff storage_backoff_;
    std::function<void()> on_change_;

    bool stopping_ = false;
    bool open_ = false;
    bool reopen_ = false;
    bool hello_due_ = true;
    bool salvaged_ = false;  ///< since the epoch began: the next hello is followed by a new one
    bool hold_ = false;
    int resyncs_ = 0;           ///< in a row, without an ack between them
    int repairs_ = 0;           ///< in a row, without an agreement on the cursor between them
    Seq prunable_through_ = 0;  ///< as the file has it
    std::string target_;
    journal::BatchLimits limits_;
    journal::BatchLimits limits_of_central_;
    Position position_;
    std::optional<Parcel> ready_;
    std::optional<Position> unmoved_;  ///< where central says that the cursor is; before unwritten_
    std::optional<journal::AckRecord> unwritten_;
    MonoTime look_at_card_at_;
    bool read_only_ = false;
    MonoTime heartbeat_at_;
    std::optional<MonoTime> raise_not_before_;
    std::optional<MonoTime> mend_not_before_;
    std::optional<Error> mend_failure_;  ///< why it couldn't be mended; said until the next try
    MonoTime check_at_;
    std::string damage_;  ///< what the check found in the file that is open
};

}  // namespace tapline::sync
