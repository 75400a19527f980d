// When what goes wrong in a storm. All of it is drawn before the storm begins.
#include <algorithm>
#include <utility>

#include "tests/sim/storm.hpp"

using namespace std::chrono_literals;

namespace tapline::test {

namespace {

constexpr std::chrono::milliseconds a_year = 365 * 24h;
/// A cut that meets no operation of the disk comes all the same.
constexpr std::chrono::milliseconds longest_wait_for_cut = 2min;
constexpr std::int64_t operations_ahead = 60;
constexpr std::int64_t steps_ahead = 80;

}  // namespace

void Storm::at_any_time(int times, const Event& event) {
    for (int i = 0; i < times; ++i) {
        after(any_time(1s, size_.length), event);
    }
}

void Storm::plan() {
    plan_pours();
    for (const auto& device : devices_) {
        plan_clocks(*device);
        plan_power(*device);
        plan_card(*device);
        plan_agent(*device);
    }
    plan_network();
    plan_central();
    after(1min, [this] { look_at_loops(); });
}

void Storm::plan_pours() {
    for (int i = 0; i < size_.pours; ++i) {
        auto& device = *devices_[static_cast<std::size_t>(i % size_.devices)];
        at_any_time(1, [this, &device] { pour(device); });
    }
}

void Storm::plan_clocks(Device& device) {
    at_any_time(2, [this, &device] {
        const std::array<std::chrono::milliseconds, 6> steps{
            10 * a_year,
            -10 * a_year,
            any_time(2s, 2h),
            -any_time(2s, 2h),
            device.clock.to_1970(),
            -30 * a_year};
        log_.fault(device.number(), "wall clock stepped");
        device.clock.step(steps.at(static_cast<std::size_t>(between(0, 5))));
        after(any_time(1ms, 250ms), [&device] { device.wake(); });
        after(any_time(10s, 30min), [this, &device] {
            log_.fault(device.number(), "NTP step");
            device.clock.set_right();
            device.wake();
        });
    });
}

void Storm::plan_power(Device& device) {
    at_any_time(static_cast<int>(between(1, 2)), [this, &device] {
        const auto already = std::find(cuts_due_.begin(), cuts_due_.end(), &device);
        if (!device.has_power() || already != cuts_due_.end()) {
            return;
        }
        ++device.card_round;
        device.card.strike(Fault::power_cut, between(1, operations_ahead));
        cuts_due_.push_back(&device);
        after(longest_wait_for_cut, [this, &device, round = device.card_round] {
            const auto due = std::find(cuts_due_.begin(), cuts_due_.end(), &device);
            if (due != cuts_due_.end() && device.card_round == round) {
                cuts_due_.erase(due);
                lose_power(device, "power cut while idle");
            }
        });
    });
}

void Storm::plan_card(Device& device) {
    const auto strike = [this, &device](Fault fault, std::chrono::milliseconds mended) {
        if (!device.has_power() || device.card.fault() != Fault::none) {
            return;
        }
        device.card.strike(fault, between(1, operations_ahead));
        after(mended, [this, &device, fault, round = ++device.card_round] {
            if (device.card_round != round) {
                return;  // the power was cut meanwhile
            }
            if (device.card.reached()) {
                log_.fault(device.number(), name_of(fault));
            }
            device.card.disarm();
        });
    };
    at_any_time(2, [this, strike] { strike(Fault::io_error_once, any_time(10s, 2min)); });
    at_any_time(1, [this, strike] { strike(Fault::io_error_from, any_time(10s, 5min)); });
    at_any_time(1, [this, strike] { strike(Fault::torn_write, any_time(10s, 2min)); });
    at_any_time(1, [this, strike] { strike(Fault::full_from, any_time(1min, 20min)); });
}

void Storm::plan_agent(Device& device) {
    at_any_time(3, [this, &device] {
        doomed_.push_back({device.number(), steps_ + between(1, steps_ahead)});
        device.wake();
    });
    at_any_time(1, [this, &device] {
        if (device.agent_runs()) {
            log_.fault(device.number(), "agent stopped");
            device.stop_agent();
            after(45s, [this, &device] { start_agent(device); });
        }
    });
    at_any_time(2, [this, &device] {
        log_.fault(device.number(), "link down");
        device.link_up = false;
        after(any_time(5s, 20min), [&device] { device.link_up = true; });
    });
}

void Storm::plan_network() {
    NetOdds odds;
    odds.lost_request = static_cast<int>(between(0, 50));
    odds.lost_answer = static_cast<int>(between(0, 50));
    odds.doubled = static_cast<int>(between(0, 50));
    odds.late = static_cast<int>(between(0, 20));
    odds.cut = static_cast<int>(between(0, 30));
    net_.odds = odds;
    at_any_time(2, [this] {
        log_.fault(0, "network down");
        net_.up = false;
        after(any_time(1min, size_.length / 12), [this] { net_.up = true; });
    });
}

void Storm::plan_central() {
    at_any_time(4, [this] { restart_central([this] { log_.fault(0, "central restarted"); }); });
    at_any_time(3, [this] {
        restart_central([this] {
            log_.fault(0, "backup");
            central_.back_up();
        });
    });
    at_any_time(2, [this] {
        if (central_.has_backup()) {
            restart_central([this] {
                log_.fault(0, "central restored");
                central_.restore();
            });
        }
    });
    at_any_time(1, [this] {
        restart_central([this] {
            log_.fault(0, "PostgreSQL killed");
            central_.crash_postgres();
        });
    });
    at_any_time(4, [this] {
        if (central_.runs()) {
            log_.fault(0, "session ended");
            central_.end_session();
        }
    });
    at_any_time(2, [this] {
        if (central_.hold_on()) {
            log_.fault(0, "hold");
            after(any_time(1min, 15min), [this] { central_.hold_off(); });
        }
    });
    at_any_time(2, [this] {
        log_.fault(0, "central slow");
        const auto set = [this](int factor) {
            slowness_ = factor;
            if (central_.runs()) {
                central_.slow_down(factor);
            }
        };
        set(static_cast<int>(between(5, 400)));
        after(any_time(1min, 10min), [set] { set(1); });
    });
}

}  // namespace tapline::test
