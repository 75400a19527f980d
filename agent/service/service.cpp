#include "agent/service/service.hpp"

#include <algorithm>
#include <csignal>
#include <random>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <spdlog/spdlog.h>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace tapline::service {

namespace {

// Together less than the 5 s of docs/service.md, which units and scripts count on.
constexpr std::chrono::milliseconds central_may_take = 3s;
constexpr std::chrono::milliseconds all_may_take = 4500ms;

}  // namespace

Service::Service(const LoadSettings& load, const Environment& environment)
    : load_(load),
      settings_(load()),
      notifier_(environment),
      status_file_(StatusFile::open(settings_.status_file, settings_.name, environment)),
      starts_(settings_.status_file, settings_.name, environment),
      trust_(find_trust(settings_, clock_)),
      watch_(storage_.get_executor()),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      status_timer_(io_),
      watchdog_timer_(io_),
      shutdown_timer_(io_),
      settled_timer_(io_) {
    pause_in_a_storm();
}

void Service::pause_in_a_storm() {
    first_pause_ = storm_pause(starts_.in_a_row(), settings_.backoff, std::random_device{}());
    if (first_pause_.count() > 0) {
        spdlog::warn(
            "started {} times in a row; central isn't asked for {} ms",
            starts_.in_a_row(),
            first_pause_.count()
        );
    }
    settled_timer_.expires_after(settled_after);
    settled_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) {
            starts_.settled();
            first_pause_ = {};
        }
    });
}

int Service::run() {
    auto storage_work = asio::make_work_guard(storage_);
    std::thread storage([this] { storage_.run(); });
    watch_.start();
    if (trust_) {
        start_renewing();
    }
    converge();
    listen();
    arm_watchdog();
    notifier_.ready();
    spdlog::info(
        "serving {} journals as {} to {}", served_.size(), settings_.name, settings_.central
    );
    io_.run();
    asio::post(storage_, [this] { watch_.stop(); });
    storage_work.reset();
    storage.join();
    raising_.join();
    write_status();
    if (failure_) {
        std::rethrow_exception(failure_);
    }
    spdlog::info("stopped");
    return 0;
}

void Service::listen() {
    signals_.async_wait([this](const boost::system::error_code& cancelled, int number) {
        if (cancelled) {
            return;
        }
        if (number == SIGHUP) {
            reload();
            listen();
            return;
        }
        stop();
    });
}

void Service::stop() {
    spdlog::info("stopping");
    notifier_.stopping();
    last_resort_.arm(all_may_take);
    starts_.settled();
    stopping_ = true;
    watchdog_timer_.cancel();
    status_timer_.cancel();
    settled_timer_.cancel();
    for (auto& served : served_) {
        served.syncer.stop();
    }
    if (trust_) {
        trust_->renewer.stop();
    }
    shutdown_timer_.expires_after(central_may_take);
    shutdown_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) {
            // What is on the wire may be stored or not: the next start asks central.
            spdlog::warn("central or the disk is silent; stopping without an answer");
            io_.stop();
        }
    });
    ended(nullptr);
}

void Service::ended(const std::exception_ptr& failure) {
    if (failure) {
        // Not one of ours: everything that can be expected is handled in the syncer's round.
        failure_ = failure;
        io_.stop();
        return;
    }
    if (stopping_ && all_ended()) {
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

}  // namespace tapline::service
