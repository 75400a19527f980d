#include "agent/service/run.hpp"

#include <algorithm>
#include <csignal>
#include <deque>
#include <filesystem>
#include <memory>
#include <random>
#include <thread>

#include <malloc.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "agent/identity/central_clock.hpp"
#include "agent/identity/renewer.hpp"
#include "agent/journal/identity.hpp"
#include "agent/service/notify.hpp"
#include "agent/service/raising.hpp"
#include "agent/service/status_file.hpp"
#include "agent/service/status_json.hpp"
#include "agent/sync/https_transport.hpp"
#include "agent/sync/syncer.hpp"
#include "agent/sync/watch.hpp"
#include "common/secret_file.hpp"
#include "common/version.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace tapline::service {

namespace {

constexpr std::chrono::milliseconds status_pause = 500ms;
constexpr std::chrono::milliseconds shutdown_deadline = 5s;
/// A drain of more pours than this leaves memory behind that an idle agent gives back.
constexpr std::int64_t pours_worth_a_trim = 1'000;

/// One journal with all that serves it. Nothing here moves: the parts point at each other.
struct Served {
    Served(
        const std::string& file,
        const sync::CentralAddress& central,
        sync::TransportTrust trust,
        sync::SyncOptions options,
        asio::any_io_executor storage,
        Clock& clock
    )
        : transport(central, {}, std::move(trust)),
          store(std::move(storage), [file] { return journal::Journal::open(file); }),
          syncer(std::move(options), sync::Syncer::Seams{clock, transport, store}) {}

    sync::HttpsTransport transport;
    sync::Store store;
    sync::Syncer syncer;
    bool ended = false;
    std::int64_t trimmed_at = 0;  ///< acked pours when memory was given back last
};

/// This device's certificate and what keeps it alive; its own connection to central.
struct Trust {
    Trust(
        const Settings& settings,
        identity::Identity identity,
        const sync::CentralAddress& central,
        Clock& clock
    )
        : time(clock, &clock_synchronized, std::filesystem::path(settings.state_dir) / "time"),
          renewer(settings.state_dir, std::move(identity), clock, time),
          transport(central, {}, for_transport()) {}

    [[nodiscard]] sync::TransportTrust for_transport() {
        sync::TransportTrust trust;
        trust.credentials = [this] { return renewer.credentials(); };
        trust.dates_count = [this] { return time.dates_count(); };
        return trust;
    }

    identity::CentralClock time;
    identity::Renewer renewer;
    sync::HttpsTransport transport;
    bool ended = false;
};

/// nullptr for plain http. Throws Error{refused, "not_enrolled"} and those of identity::load.
std::unique_ptr<Trust> find_trust(
    const Settings& settings, const sync::CentralAddress& central, Clock& clock
) {
    if (!central.tls) {
        return nullptr;
    }
    auto identity = identity::load(settings.state_dir);
    if (!identity) {
        throw Error(
            ErrorKind::refused,
            "not_enrolled",
            fmt::format("this device has no certificate in {}", settings.state_dir),
            fmt::format("enrol it: tapline-agent enroll {}", settings.central)
        );
    }
    return std::make_unique<Trust>(settings, std::move(*identity), central, clock);
}

class Service {
  public:
    Service(const Settings& settings, const Environment& environment);
    int run();

  private:
    void serve(const std::string& file, const sync::CentralAddress& central, std::uint64_t seed);
    void changed(Served& served);
    void write_status();
    void arm_watchdog();
    void stop();
    void journal_ended(Served& served, const std::exception_ptr& failure);
    void ended(const std::exception_ptr& failure);
    [[nodiscard]] bool all_ended() const;

    const Settings& settings_;
    Notifier notifier_;
    std::optional<StatusFile> status_file_;
    SystemClock clock_;
    // Jobs of the storage thread and coroutines of the I/O thread refer to what is declared below;
    // run() has ended both before anything is destroyed.
    asio::io_context io_{1};
    asio::io_context storage_{1};
    std::unique_ptr<Trust> trust_;
    std::deque<Served> served_;
    sync::Watch watch_;
    asio::signal_set signals_;
    asio::steady_timer status_timer_;
    asio::steady_timer watchdog_timer_;
    asio::steady_timer shutdown_timer_;
    // Apart from the storage thread, which other journals and the watchdog wait for; joined before
    // what its jobs use is destroyed.
    asio::thread_pool raising_{1};
    bool status_due_ = false;
    bool stopping_ = false;
    std::exception_ptr failure_;
    std::string told_systemd_;
};

Service::Service(const Settings& settings, const Environment& environment)
    : settings_(settings),
      notifier_(environment),
      status_file_(StatusFile::open(settings.status_file, settings.name, environment)),
      watch_(storage_.get_executor()),
      signals_(io_, SIGTERM, SIGINT),
      status_timer_(io_),
      watchdog_timer_(io_),
      shutdown_timer_(io_) {
    const auto central = sync::parse_central_url(settings.central);
    std::random_device random;
    trust_ = find_trust(settings, central, clock_);
    for (const auto& file : settings.journals) {
        serve(file, central, random());
    }
}

void Service::serve(
    const std::string& file, const sync::CentralAddress& central, std::uint64_t seed
) {
    sync::SyncOptions options;
    options.file = std::filesystem::absolute(file).string();
    options.controller = trust_ ? trust_->renewer.identity().name : settings_.name;
    options.agent_version = version;
    options.fingerprint = journal::hardware_fingerprint();
    options.upkeep.custody.enabled = settings_.custody;
    options.backoff = settings_.backoff;
    options.seed = seed;
    options.raising = raising_of(file, raising_.get_executor());
    sync::TransportTrust trust;
    if (trust_) {
        trust = trust_->for_transport();
        options.renewal_wanted = [this] { trust_->renewer.wanted(); };
        options.central_time = [this](std::int64_t utc_ms) { trust_->time.heard(utc_ms); };
    }
    auto& served = served_.emplace_back(
        file, central, std::move(trust), std::move(options), storage_.get_executor(), clock_
    );
    served.syncer.on_change([this, &served] { changed(served); });
    sync::Watch::Handlers handlers;
    handlers.changed = [&served] { served.syncer.wake(); };
    handlers.swapped = [&served] { served.syncer.swapped(); };
    watch_.add(served.store, file, io_.get_executor(), std::move(handlers));
}

int Service::run() {
    auto storage_work = asio::make_work_guard(storage_);
    std::thread storage([this] { storage_.run(); });
    watch_.start();
    for (auto& served : served_) {
        asio::co_spawn(io_, served.syncer.run(), [this, &served](std::exception_ptr failure) {
            journal_ended(served, failure);
        });
    }
    if (trust_) {
        auto renewing = trust_->renewer.run(trust_->transport, std::string(version));
        asio::co_spawn(io_, std::move(renewing), [this](std::exception_ptr failure) {
            trust_->ended = true;
            ended(failure);
        });
    }
    signals_.async_wait([this](const boost::system::error_code& cancelled, int) {
        if (!cancelled) {
            stop();
        }
    });
    arm_watchdog();
    notifier_.ready();
    spdlog::info(
        "serving {} journals as {} to {}", served_.size(), settings_.name, settings_.central
    );
    io_.run();
    asio::post(storage_, [this] { watch_.stop(); });
    storage_work.reset();
    storage.join();
    write_status();
    if (failure_) {
        std::rethrow_exception(failure_);
    }
    spdlog::info("stopped");
    return 0;
}

void Service::changed(Served& served) {
    const auto& status = served.syncer.status();
    // After the checkpoint of a quiet journal: SQLite gives its cache back there.
    const bool drained = status.state == sync::SyncState::idle && status.wal_pages == 0;
    if (drained && status.acked_pours - served.trimmed_at >= pours_worth_a_trim) {
        served.trimmed_at = status.acked_pours;
        ::malloc_trim(0);
    }
    if (status_due_ || stopping_) {
        return;
    }
    status_due_ = true;
    status_timer_.expires_after(status_pause);
    status_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        status_due_ = false;
        if (!cancelled) {
            write_status();
        }
    });
}

void Service::write_status() {
    AgentStatus status;
    status.pid = ::getpid();
    status.version = version;
    status.name = trust_ ? trust_->renewer.identity().name : settings_.name;
    status.central = settings_.central;
    status.certificate_until =
        trust_ ? format_utc(trust_->renewer.identity().not_after) : std::string();
    status.written_at = format_utc(clock_.now_utc());
    std::int64_t depth = 0;
    std::string states;
    for (const auto& served : served_) {
        const auto& journal = served.syncer.status();
        status.journals.push_back(journal);
        depth += journal.depth;
        states += fmt::format("{}{}", states.empty() ? "" : ", ", sync::name_of(journal.state));
    }
    if (status_file_) {
        status_file_->write(encode(status));
    }
    const std::string line = fmt::format("{}; {} pours wait", states, depth);
    if (line != told_systemd_) {
        told_systemd_ = line;
        notifier_.status(line);
    }
}

/// Both threads have to be alive for it: the word goes through the storage thread and back.
void Service::arm_watchdog() {
    if (!notifier_.watchdog_period() || stopping_) {
        return;
    }
    watchdog_timer_.expires_after(*notifier_.watchdog_period());
    watchdog_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (cancelled) {
            return;
        }
        asio::post(storage_, [this] {
            asio::post(io_, [this] {
                notifier_.alive();
                arm_watchdog();
            });
        });
    });
}

void Service::stop() {
    spdlog::info("stopping");
    notifier_.stopping();
    stopping_ = true;
    watchdog_timer_.cancel();
    status_timer_.cancel();
    for (auto& served : served_) {
        served.syncer.stop();
    }
    if (trust_) {
        trust_->renewer.stop();
    }
    shutdown_timer_.expires_after(shutdown_deadline);
    shutdown_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) {
            // What is on the wire may be stored or not: the next start asks central.
            spdlog::warn("central is silent; stopping without its answer");
            io_.stop();
        }
    });
    if (all_ended()) {
        shutdown_timer_.cancel();
    }
}

void Service::journal_ended(Served& served, const std::exception_ptr& failure) {
    served.ended = true;
    ended(failure);
}

void Service::ended(const std::exception_ptr& failure) {
    if (failure) {
        // Not one of ours: everything that can be expected is handled in the syncer's round.
        failure_ = failure;
        io_.stop();
        return;
    }
    if (all_ended()) {
        shutdown_timer_.cancel();
        signals_.cancel();
    }
}

bool Service::all_ended() const {
    const bool journals = std::all_of(served_.begin(), served_.end(), [](const Served& served) {
        return served.ended;
    });
    return journals && (!trust_ || trust_->ended);
}

}  // namespace

int run(const Settings& settings, const Environment& environment) {
    forbid_core_dumps();
    // Two threads need no arenas of their own; on a Pi each costs memory for nothing.
    ::mallopt(M_ARENA_MAX, 1);
    Service service(settings, environment);
    return service.run();
}

}  // namespace tapline::service
