#include "central/gateway/pg_backend.hpp"

#include <spdlog/spdlog.h>

#include "central/fleet/hello.hpp"
#include "central/gateway/problem.hpp"
#include "common/error.hpp"
#include "common/log.hpp"
#include "common/run_on.hpp"

namespace asio = boost::asio;

namespace tapline::gateway {

namespace {

/// Hellos that may wait for a thread; one more is told to come back.
constexpr int max_waiting_hellos = 1'000;

/// Counts down at the end of a scope.
class Waiting {
  public:
    explicit Waiting(std::atomic<int>& count) : count_(count) { ++count_; }

    ~Waiting() { --count_; }

    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

  private:
    std::atomic<int>& count_;
};

}  // namespace

PgBackend::PgBackend(settle::Settler& settler, std::string database_url, std::size_t hello_sessions)
    : settler_(settler), database_url_(std::move(database_url)), threads_(hello_sessions) {}

PgBackend::~PgBackend() {
    threads_.join();
}

asio::awaitable<settle::Outcome> PgBackend::pours(std::string controller, wire::Batch batch) {
    return settler_.settle(std::move(controller), std::move(batch));
}

asio::awaitable<HelloOutcome> PgBackend::hello(std::string controller, wire::Hello hello) {
    if (waiting_ >= max_waiting_hellos) {
        co_return not_ready();
    }
    const Waiting waiting(waiting_);
    auto job = [this, controller = std::move(controller), hello = std::move(hello)] {
        return say_hello(controller, hello);
    };
    auto running = run_on(threads_.get_executor(), std::move(job));
    co_return co_await std::move(running);
}

bool PgBackend::ready() const noexcept {
    return settler_.ready();
}

HelloOutcome PgBackend::say_hello(const std::string& controller, const wire::Hello& hello) {
    try {
        auto session = take_session();
        HelloOutcome outcome = fleet::hello(*session, controller, hello);
        give_back(std::move(session));
        return outcome;
    } catch (const Error& failure) {
        if (failure.kind() != ErrorKind::unreachable && failure.kind() != ErrorKind::pg) {
            throw;
        }
        // A server that went away took the idle sessions with it; the next hello gets a new one.
        const std::lock_guard lock(mutex_);
        sessions_.clear();
        spdlog::warn("hello of {}: {}", printable(controller), printable(failure.what()));
        return not_ready();
    }
}

std::unique_ptr<pg::Session> PgBackend::take_session() {
    {
        const std::lock_guard lock(mutex_);
        while (!sessions_.empty()) {
            auto session = std::move(sessions_.back());
            sessions_.pop_back();
            if (session->is_open()) {
                return session;
            }
        }
    }
    pg::ConnectOptions options;
    options.url = database_url_;
    options.application_name = "tapline hello";
    return std::make_unique<pg::Session>(options);
}

void PgBackend::give_back(std::unique_ptr<pg::Session> session) {
    const std::lock_guard lock(mutex_);
    sessions_.push_back(std::move(session));
}

}  // namespace tapline::gateway
