// One controller in a storm: its card, its clock, its tap's program and its agent, which is the
// real one from the syncer down to SQLite's file.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>

#include "agent/sync/syncer.hpp"
#include "tests/faults/faulty_disk.hpp"
#include "tests/sim/device_clock.hpp"
#include "tests/sim/storm_net.hpp"
#include "tests/sim/storm_tap.hpp"

namespace tapline::test {

/// What SQLite has for a system on all devices: the card that a path is on, the clock of the device
/// whose program runs, a seed, and nobody who waits in real time. One at a time.
class StormMachine final : public Machine {
  public:
    StormMachine(const Clock& world, std::uint64_t seed)
        : world_(world), seed_(seed), vfs_(*this) {}

    void insert(const std::filesystem::path& file, FaultyCard& card);

    /// Whose clock SQL's 'now' is; nullptr: the right one.
    void runs_on(const Clock* device) noexcept { device_ = device; }

    [[nodiscard]] Disk* disk_of(const char* path) override;

    [[nodiscard]] std::optional<UtcTime> now() const override {
        return (device_ == nullptr ? world_ : *device_).now_utc();
    }

    [[nodiscard]] std::optional<std::uint64_t> random_seed() override { return ++seed_; }

    [[nodiscard]] bool sleeps() const override { return false; }

    /// SQLite begins its random numbers anew, whatever came before.
    void reseed();

  private:
    const Clock& world_;
    const Clock* device_ = nullptr;
    std::uint64_t seed_;
    std::map<std::string, FaultyCard*, std::less<>> cards_;  ///< by directory
    ShimVfs vfs_;
};

class Device {
  public:
    struct Parts {
        boost::asio::io_context& io;
        SimClock& clock;
        StormMachine& machine;
        StormNet& net;
        StormLog& log;
        Ledger& ledger;
    };

    /// file: an adopted journal of its own, which nobody has open.
    Device(Parts parts, int number, std::filesystem::path file, StormTap::Habit habit);

    // The agent. All of these while no handler of the executor runs.
    void start_agent(std::uint64_t seed);
    /// Dies where it stands: it has ended when the executor comes to rest.
    void kill_agent();
    void stop_agent();
    /// Of one that has ended: its files are closed, and a killed one's lock looks as it would.
    void bury();

    [[nodiscard]] bool agent_runs() const noexcept {
        return run_ != nullptr && !run_->killed && !run_->ended;
    }

    [[nodiscard]] bool agent_ended() const noexcept { return run_ != nullptr && run_->ended; }

    /// All that the file holds is at central, as the agent knows it.
    [[nodiscard]] bool drained() const;
    /// nullptr while all is well: what a loop is late at.
    [[nodiscard]] const char* stuck_at() const;
    /// The watch has seen a commit, or a step of the clock.
    void wake();

    // The tap.
    void pour(const PourTry& pour);
    /// Keeps the write lock until end_pour().
    [[nodiscard]] bool begin_pour(const PourTry& pour);
    void end_pour();

    // The machine.
    /// Holds the write lock.
    [[nodiscard]] bool pouring() const noexcept { return tap_.in_transaction(); }

    [[nodiscard]] bool has_power() const noexcept { return powered_; }

    /// The card lost power: programs and wal-index are gone.
    void power_off();
    /// What the card kept is there; the agent isn't started yet.
    void power_on(std::chrono::milliseconds clock_ahead, bool synchronized);

    [[nodiscard]] int number() const noexcept { return number_; }

    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }

    [[nodiscard]] const std::string& journal_id() const noexcept { return journal_id_; }

    FaultyCard card;
    DeviceClock clock;
    bool link_up = true;
    int card_round = 0;  ///< which fault of the card it is

  private:
    /// One run of the agent's process.
    struct Run {
        Run(Device& device, std::uint64_t seed);

        StormTransport transport;
        sync::Store store;
        sync::Syncer syncer;
        boost::asio::cancellation_signal kill;
        bool killed = false;
        bool ended = false;
    };

    void ended(std::exception_ptr failure);
    void leave_mark() const;
    void check_dead() const;

    Parts parts_;
    int number_;
    std::filesystem::path file_;
    std::string journal_id_;
    StormTap tap_;
    std::string pouring_;  ///< id of the pour that holds the lock
    std::unique_ptr<Run> run_;
    bool powered_ = true;
};

/// Adopted journals, one per release that made them, to copy devices' own from.
class JournalTemplates {
  public:
    explicit JournalTemplates(const std::filesystem::path& directory);
    /// A copy with that id.
    void copy(
        std::string_view release, const std::filesystem::path& to, const std::string& journal_id
    ) const;

  private:
    std::filesystem::path directory_;
};

}  // namespace tapline::test
