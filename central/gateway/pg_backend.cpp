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

PgBackend::PgBackend(settle::Settler& settler, PgBackendOptions options)
    : settler_(settler), options_(std::move(options)), threads_(options_.hello_sessions) {}

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

asio::awaitable<std::optional<wire::Problem>> PgBackend::obstacle() {
    if (!settler_.ready() || waiting_ >= max_waiting_hellos) {
        co_return not_ready();
    }
    const Waiting waiting(waiting_);
    auto job = [this] { return look_at_schema(); };
    auto running = run_on(threads_.get_executor(), std::move(job));
    co_return co_await std::move(running);
}

std::optional<wire::Problem> PgBackend::look_at_schema() {
    if (!options_.schema_check) {
        return std::nullopt;
    }
    try {
        auto session = take_session();
        const auto why = options_.schema_check(*session);
        give_back(std::move(session));
        return why ? std::optional(wrong_schema(*why)) : std::nullopt;
    } catch (const Error& failure) {
        if (failure.kind() != ErrorKind::unreachable && failure.kind() != ErrorKind::pg) {
            throw;
        }
        const std::lock_guard lock(mutex_);
        sessions_.clear();
        return not_ready();
    }
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
    options.url = options_.database_url;
    options.application_name = "tapline hello";
    return std::make_unique<pg::Session>(options);
}

void PgBackend::give_back(std::unique_ptr<pg::Session> session) {
    const std::lock_guard lock(mutex_);
    sessions_.push_back(std::move(session));
}

}  // namespace tapline::gateway
