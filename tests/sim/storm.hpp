// A fleet in a storm: agents over real files and a real PostgreSQL, in virtual time, and from one
// seed everything that can go wrong with clocks, network, cards, power, and central itself.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/sim/ledger.hpp"
#include "tests/sim/storm_central.hpp"
#include "tests/sim/storm_device.hpp"

namespace tapline::test {

struct StormSize {
    int devices = 10;
    int pours = 600;  ///< of all devices; some don't come about
    std::chrono::minutes length{60};
    bool full = true;  ///< false: the taps' programs don't sync what they promise
};

class Storm {
  public:
    Storm(std::uint64_t seed, StormSize size);
    ~Storm();
    Storm(const Storm&) = delete;
    Storm& operator=(const Storm&) = delete;

    /// The storm, the calm after it, and the agents' end. Throws std::runtime_error when something
    /// doesn't come to its end.
    void run();

    /// What the oracle finds wrong; empty: nothing.
    [[nodiscard]] std::vector<std::string> wrong() const;

    /// Everything that happened.
    [[nodiscard]] const StormLog& log() const noexcept { return log_; }

    [[nodiscard]] const Ledger& ledger() const noexcept { return ledger_; }

    /// Figures in one line.
    [[nodiscard]] std::string words() const;

    [[nodiscard]] pg::Session connect() const { return central_.connect(); }

  private:
    using Event = std::function<void()>;

    /// At the n-th handler from now the agent of that device dies.
    struct Doom {
        int device = 0;
        std::int64_t step = 0;
    };

    [[nodiscard]] std::int64_t between(std::int64_t least, std::int64_t most);
    [[nodiscard]] std::chrono::milliseconds any_time(
        std::chrono::milliseconds least, std::chrono::milliseconds most
    );
    void after(std::chrono::milliseconds time, Event event);
    /// Time goes on until then, or until done.
    void go_on(std::chrono::milliseconds time, const std::function<bool()>& done = {});
    void settle_down();
    void kill_doomed();
    void look_at_power();
    void lose_power(Device& device, const char* kind);
    void look_at_loops();

    // storm_plan.cpp: what happens when.
    void plan();
    void plan_pours();
    void plan_clocks(Device& device);
    void plan_power(Device& device);
    void plan_card(Device& device);
    void plan_agent(Device& device);
    void plan_network();
    void plan_central();
    void at_any_time(int times, const Event& event);

    // What happens.
    void pour(Device& device);
    void start_agent(Device& device);
    void kill_agent(Device& device);
    void power_back(Device& device);
    void restart_central(const std::function<void()>& meanwhile);
    void calm_down();
    [[nodiscard]] bool all_drained() const;

    std::uint64_t seed_;
    StormSize size_;
    std::mt19937_64 random_;
    std::mt19937_64 net_dice_;
    TempDir directory_;
    boost::asio::io_context io_;
    SimClock clock_;
    StormLog log_{clock_};
    Ledger ledger_;
    StormCentral central_;
    StormNet net_;
    StormMachine machine_;
    std::vector<std::unique_ptr<Device>> devices_;
    std::multimap<MonoTime, Event> agenda_;
    std::int64_t steps_ = 0;
    std::vector<Doom> doomed_;
    std::vector<Device*> cuts_due_;  ///< their cards are armed to lose power
    std::vector<int> poured_;        ///< by device
    int slowness_ = 1;               ///< of central
};

}  // namespace tapline::test
