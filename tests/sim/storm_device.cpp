#include "tests/sim/storm_device.hpp"

#include <fstream>
#include <stdexcept>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>
#include <sqlite3.h>

#include "agent/journal/adopt.hpp"
#include "agent/service/mending.hpp"
#include "tests/pg/settle/bar.hpp"
#include "tests/sim/sim_fleet.hpp"

namespace asio = boost::asio;
namespace fs = std::filesystem;
using namespace std::chrono_literals;

namespace tapline::test {

namespace {

using Note = std::function<void(const std::string& what)>;

sync::SyncOptions options_of(
    const Device& device, asio::any_io_executor io, std::uint64_t seed, Note note
) {
    sync::SyncOptions options;
    options.file = device.file().string();
    options.controller = sim_controller(device.number());
    options.agent_version = "simulation";
    options.fingerprint = fmt::format("device {}", device.number());
    options.seed = seed;
    options.upkeep.boot = device.clock.this_boot();
    options.mending = service::mending_of(device.file().string(), std::move(io));
    options.mending.run = [run = options.mending.run, note] {
        const auto done = run();
        note(done);
        return done;
    };
    return options;
}

}  // namespace

void StormMachine::insert(const fs::path& file, FaultyCard& card) {
    cards_[file.parent_path().string()] = &card;
}

void StormMachine::reseed() {
    sqlite3_randomness(0, nullptr);
}

Disk* StormMachine::disk_of(const char* path) {
    const std::string_view name(path);
    const auto found = cards_.find(name.substr(0, name.rfind('/')));
    return found != cards_.end() && found->second->counts(path) ? found->second : nullptr;
}

Device::Run::Run(Device& device, std::uint64_t seed)
    : transport(device.parts_.net, device.clock, device.number_, device.link_up),
      store(
          device.parts_.io.get_executor(),
          [file = device.file_] { return journal::Journal::open(file); }
      ),
      syncer(
          options_of(
              device,
              device.parts_.io.get_executor(),
              seed,
              [&device](const std::string& done) {
                  device.parts_.log.fault(device.number_, "salvage");
                  device.parts_.log.note(device.number_, done.substr(0, done.find(" The damaged")));
              }
          ),
          sync::Syncer::Seams{device.clock, transport, store}
      ) {}

Device::Device(Parts parts, int number, fs::path file, StormTap::Habit habit)
    : card(file),
      clock(parts.clock, number),
      parts_(parts),
      number_(number),
      file_(std::move(file)),
      journal_id_(test::journal_id(number)),
      tap_(file_, habit) {
    card.arm(Fault::none, 0, static_cast<std::uint32_t>(number));
    parts_.machine.insert(file_, card);
}

void Device::start_agent(std::uint64_t seed) {
    check_dead();
    run_ = std::make_unique<Run>(*this, seed);
    auto token = asio::bind_cancellation_slot(
        run_->kill.slot(), [this](std::exception_ptr failure) { ended(failure); }
    );
    asio::co_spawn(parts_.io, run_->syncer.run(), std::move(token));
}

/// A killed agent's loops are interrupted, one or all of them; anything else is a mistake.
void Device::ended(std::exception_ptr failure) {
    run_->ended = true;
    if (!failure) {
        return;
    }
    try {
        try {
            std::rethrow_exception(failure);
        } catch (const asio::multiple_exceptions& several) {
            std::rethrow_exception(several.first_exception());
        }
    } catch (const boost::system::system_error& error) {
        if (!run_->killed || error.code() != asio::error::operation_aborted) {
            throw;
        }
    }
}

/// Whatever it waits for wakes it, and the next thing that it waits for throws.
void Device::kill_agent() {
    run_->killed = true;
    run_->kill.emit(asio::cancellation_type::terminal);
    run_->transport.abandon();
    run_->syncer.wake();
    run_->syncer.stop();
}

void Device::stop_agent() {
    run_->syncer.stop();
}

void Device::bury() {
    const bool killed = run_->killed;
    run_.reset();
    if (killed) {
        leave_mark();
    }
}

void Device::check_dead() const {
    if (run_) {
        throw std::runtime_error(fmt::format("the agent of device {} doesn't die", number_));
    }
}

/// A killed process leaves its number in the lock's file; ours has emptied it on the way out.
void Device::leave_mark() const {
    std::ofstream(file_.string() + ".tapline.lock") << "4711";
}

bool Device::drained() const {
    return agent_runs() && run_->syncer.status().state == sync::SyncState::idle;
}

const char* Device::stuck_at() const {
    return agent_runs() ? run_->syncer.stuck_at() : nullptr;
}

void Device::wake() {
    if (agent_runs()) {
        run_->syncer.wake();
    }
}

void Device::pour(const PourTry& pour) {
    parts_.ledger.tried(pour);
    parts_.machine.runs_on(&clock);
    const bool promised = tap_.pour(pour, clock.now_utc());
    parts_.machine.runs_on(nullptr);
    parts_.log.note(number_, fmt::format("pour {} {}", pour.id, promised ? "there" : "failed"));
    if (promised) {
        parts_.ledger.promised(pour.id);
    }
}

bool Device::begin_pour(const PourTry& pour) {
    parts_.ledger.tried(pour);
    parts_.machine.runs_on(&clock);
    const bool holds = tap_.begin(pour, clock.now_utc());
    parts_.machine.runs_on(nullptr);
    parts_.log.note(number_, fmt::format("pour {} {}", pour.id, holds ? "begun" : "failed"));
    pouring_ = holds ? pour.id : "";
    return holds;
}

void Device::end_pour() {
    if (!tap_.in_transaction()) {
        return;  // its machine lost power meanwhile
    }
    const bool promised = tap_.end();
    parts_.log.note(number_, fmt::format("pour {} {}", pouring_, promised ? "there" : "failed"));
    if (promised) {
        parts_.ledger.promised(pouring_);
    }
}

void Device::power_off() {
    powered_ = false;
    tap_.kill();
}

void Device::power_on(std::chrono::milliseconds clock_ahead, bool synchronized) {
    check_dead();
    card.power_up();
    clock.boot(clock_ahead, synchronized);
    powered_ = true;
}

JournalTemplates::JournalTemplates(const fs::path& directory) : directory_(directory) {
    for (const auto* name : {"gen4", "gen5", "gen6", "gen7", "gen8"}) {
        const auto made = directory_ / fmt::format("{}-made.db", name);
        make_journal(made, name, 0);
        static_cast<void>(journal::adopt(made));
        Plain(made).exec(fmt::format("VACUUM INTO '{}/{}.db'", directory_.string(), name));
        Plain(directory_ / fmt::format("{}.db", name)).exec("PRAGMA journal_mode=WAL");
    }
}

void JournalTemplates::copy(
    std::string_view release, const fs::path& to, const std::string& journal_id
) const {
    fs::create_directories(to.parent_path());
    fs::copy_file(directory_ / fmt::format("{}.db", release), to);
    Plain(to).exec(fmt::format("UPDATE tapline_journal SET journal_id = '{}'", journal_id));
}

}  // namespace tapline::test
