#include "tests/sim/storm.hpp"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

#include "tests/pg/settle/bar.hpp"
#include "tests/sim/sim_bar.hpp"

using namespace std::chrono_literals;

namespace tapline::test {

namespace {

constexpr std::array<std::string_view, 5> releases_of_taps{"gen8", "gen7", "gen6", "gen5", "gen4"};
constexpr std::chrono::milliseconds watch_period = 250ms;
constexpr std::chrono::minutes calm_limit{360};
/// A duplicate of a request comes at most ten minutes after it.
constexpr std::chrono::minutes last_duplicate{11};
/// Of a thousand pours: ones whose program holds the write lock for a moment, as a slow card does.
constexpr std::int64_t slow_commits = 30;

gateway::RouteRules rules_for(int devices) {
    gateway::RouteRules rules;
    rules.pace.per_second = std::max(2, devices / 20);
    rules.heartbeat = 60s;
    return rules;
}

}  // namespace

Storm::Storm(std::uint64_t seed, StormSize size)
    : seed_(seed),
      size_(size),
      random_(seed),
      net_dice_(random_()),
      central_(io_, clock_, rules_for(size.devices), size.devices),
      net_(
          {io_, clock_, net_dice_, log_},
          [this](http::Request request) { return central_.handle(std::move(request)); }
      ),
      machine_(clock_, random_()),
      poured_(static_cast<std::size_t>(size.devices), 0) {
    const JournalTemplates templates(directory_.path());
    machine_.reseed();
    for (int number = 1; number <= size_.devices; ++number) {
        // Most taps have the newest release.
        const auto pick = static_cast<std::size_t>(between(0, 9));
        StormTap::Habit habit;
        habit.release = releases_of_taps.at(pick < releases_of_taps.size() ? pick : 0);
        habit.persistent = between(0, 1) == 1;
        habit.full = size_.full;
        const auto file = directory_ / fmt::format("{}", number) / "local_journal.db";
        templates.copy(habit.release, file, journal_id(number));
        devices_.push_back(std::make_unique<Device>(
            Device::Parts{io_, clock_, machine_, net_, log_, ledger_}, number, file, habit
        ));
    }
}

Storm::~Storm() {
    agenda_.clear();
    doomed_.clear();
    for (const auto& device : devices_) {
        if (device->agent_runs()) {
            device->kill_agent();
        }
    }
    if (central_.runs()) {
        central_.crash(false);
    }
    go_on(last_duplicate);
}

std::int64_t Storm::between(std::int64_t least, std::int64_t most) {
    return std::uniform_int_distribution<std::int64_t>(least, most)(random_);
}

std::chrono::milliseconds Storm::any_time(
    std::chrono::milliseconds least, std::chrono::milliseconds most
) {
    return std::chrono::milliseconds(between(least.count(), most.count()));
}

void Storm::after(std::chrono::milliseconds time, Event event) {
    agenda_.emplace(clock_.now_mono() + time, std::move(event));
}

void Storm::settle_down() {
    io_.restart();
    while (io_.poll_one() > 0) {
        ++steps_;
        kill_doomed();
    }
    for (const auto& device : devices_) {
        if (device->agent_ended()) {
            device->bury();
        }
    }
}

void Storm::kill_doomed() {
    for (auto doom = doomed_.begin(); doom != doomed_.end();) {
        if (doom->step > steps_) {
            ++doom;
            continue;
        }
        auto& device = *devices_[static_cast<std::size_t>(doom->device - 1)];
        doom = doomed_.erase(doom);
        kill_agent(device);
    }
}

/// A card whose power went off takes its programs with it.
void Storm::look_at_power() {
    for (auto at = cuts_due_.begin(); at != cuts_due_.end();) {
        Device& device = **at;
        if (!device.card.is_off()) {
            ++at;
            continue;
        }
        at = cuts_due_.erase(at);
        lose_power(device, "power cut");
    }
}

void Storm::lose_power(Device& device, const char* kind) {
    log_.fault(device.number(), kind);
    device.power_off();
    if (device.agent_runs()) {
        device.kill_agent();
        settle_down();
    }
    after(any_time(1s, 10min), [this, &device] { power_back(device); });
}

void Storm::go_on(std::chrono::milliseconds time, const std::function<bool()>& done) {
    const auto until = clock_.now_mono() + time;
    const auto rest = [this] {
        settle_down();
        look_at_power();
    };
    rest();
    while (clock_.now_mono() < until && !(done && done())) {
        auto next = std::min(until, clock_.next().value_or(until));
        if (!agenda_.empty()) {
            next = std::min(next, agenda_.begin()->first);
        }
        clock_.go_to(next);
        rest();
        while (!agenda_.empty() && agenda_.begin()->first <= clock_.now_mono()) {
            const auto event = agenda_.extract(agenda_.begin());
            event.mapped()();
            rest();
        }
    }
}

void Storm::run() {
    central_.start();
    for (const auto& device : devices_) {
        start_agent(*device);
    }
    plan();
    go_on(size_.length);
    calm_down();
    for (const auto& device : devices_) {
        device->stop_agent();
    }
    go_on(last_duplicate);
    for (const auto& device : devices_) {
        if (device->agent_runs()) {
            throw std::runtime_error(fmt::format("agent {} doesn't stop", device->number()));
        }
    }
    central_.crash(true);
    go_on(1min);
    if (net_.mistakes() != 0) {
        throw std::runtime_error("central threw at a request");
    }
}

void Storm::calm_down() {
    log_.note(0, "calm");
    agenda_.clear();
    doomed_.clear();
    cuts_due_.clear();
    net_.odds = {};
    net_.up = true;
    if (!central_.runs()) {
        central_.start();
    }
    central_.slow_down(1);
    central_.hold_off();
    for (const auto& device : devices_) {
        device->end_pour();
        device->link_up = true;
        device->card.disarm();
        if (!device->has_power()) {
            device->power_on({}, true);
        }
        device->clock.set_right();
        device->wake();
    }
    go_on(2min);  // agents that were told to stop
    for (const auto& device : devices_) {
        start_agent(*device);
    }
    after(1min, [this] { look_at_loops(); });
    const auto began = clock_.now_mono();
    while (!all_drained()) {
        if (clock_.now_mono() - began > calm_limit) {
            log_.note(0, "never drained");
            return;  // the oracle says what is missing
        }
        go_on(10s);
    }
}

bool Storm::all_drained() const {
    return std::all_of(devices_.begin(), devices_.end(), [](const auto& device) {
        return device->drained();
    });
}

void Storm::look_at_loops() {
    for (const auto& device : devices_) {
        if (const char* at = device->stuck_at()) {
            throw std::runtime_error(
                fmt::format("device {}: a loop is stuck at: {}", device->number(), at)
            );
        }
    }
    after(1min, [this] { look_at_loops(); });
}

void Storm::pour(Device& device) {
    if (!device.has_power() || device.pouring()) {
        return;
    }
    PourTry pour;
    const int count = ++poured_[static_cast<std::size_t>(device.number() - 1)];
    pour.id = id_of(device.number() * 100'000 + count);
    pour.device = device.number();
    pour.guest = static_cast<int>(between(1, guests));
    pour.volume_ml = between(0, 900);
    const bool slow = between(0, 999) < slow_commits;
    const auto noticed = any_time(1ms, watch_period);
    if (!slow) {
        device.pour(pour);
        after(noticed, [&device] { device.wake(); });
    } else if (device.begin_pour(pour)) {
        after(any_time(20ms, 400ms), [this, &device, noticed] {
            device.end_pour();
            after(noticed, [&device] { device.wake(); });
        });
    }
}

void Storm::start_agent(Device& device) {
    if (!device.has_power() || device.agent_runs()) {
        return;
    }
    device.start_agent(random_());
    log_.note(device.number(), "agent starts");
}

/// systemd starts it again.
void Storm::kill_agent(Device& device) {
    if (!device.agent_runs()) {
        return;
    }
    log_.fault(device.number(), "agent killed");
    device.kill_agent();
    after(any_time(1s, 2min), [this, &device] { start_agent(device); });
}

void Storm::power_back(Device& device) {
    const auto boot = between(0, 3);
    const bool right = boot == 0;
    std::chrono::milliseconds ahead{};
    if (boot == 1) {
        ahead = -any_time(1min, 2h);  // fake-hwclock: the time of the last stop
    } else if (!right) {
        ahead = device.clock.to_1970();
    }
    device.power_on(ahead, right);
    log_.note(device.number(), "power is back");
    after(any_time(100ms, 30s), [this, &device] { start_agent(device); });
    if (!right) {
        after(any_time(20s, 30min), [this, &device] {
            log_.fault(device.number(), "clock set after boot");
            device.clock.set_right();
            device.wake();
        });
    }
}

void Storm::restart_central(const std::function<void()>& meanwhile) {
    if (!central_.runs()) {
        return;
    }
    central_.crash(between(0, 1) == 1);
    settle_down();
    meanwhile();
    after(any_time(1s, 2min), [this] {
        if (!central_.runs()) {
            central_.start();
            central_.slow_down(slowness_);
        }
    });
}

std::vector<std::string> Storm::wrong() const {
    auto session = central_.connect();
    auto found = ledger_.wrong_at_central(session);
    for (const auto& device : devices_) {
        const auto more =
            ledger_.wrong_in({device->number(), device->journal_id(), device->file()}, session);
        found.insert(found.end(), more.begin(), more.end());
    }
    return found;
}

std::string Storm::words() const {
    std::string faults;
    for (const auto& [kind, count] : log_.faults()) {
        faults += fmt::format("{}{} {}", faults.empty() ? "" : ", ", kind, count);
    }
    return fmt::format(
        "seed {}: {} agents, {} pours of {} tried, {:.1f} h of virtual time, {} events, digest "
        "{:016x}; "
        "{}",
        seed_,
        devices_.size(),
        ledger_.promises(),
        ledger_.tries(),
        std::chrono::duration<double, std::ratio<3'600>>(log_.elapsed()).count(),
        log_.lines(),
        log_.digest(),
        faults
    );
}

}  // namespace tapline::test
