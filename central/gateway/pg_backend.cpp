#include "central/gateway/pg_backend.hpp"

#include <spdlog/spdlog.h>

#include "central/fleet/admission.hpp"
#include "central/fleet/epochs.hpp"
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
/// A revoked device is refused this much later at the most; hello always asks.
constexpr std::chrono::milliseconds standing_lifetime{5'000};
constexpr std::size_t max_standings = 20'000;

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

template <typename Outcome, typename Work>
asio::awaitable<Outcome> PgBackend::ask(std::string what, Work work) {
    if (waiting_ >= max_waiting_hellos) {
        co_return not_ready();
    }
    const Waiting waiting(waiting_);
    auto job = [this, what = std::move(what), work = std::move(work)]() mutable {
        return with_session<Outcome>(what, work);
    };
    auto running = run_on(threads_.get_executor(), std::move(job));
    co_return co_await std::move(running);
}

template <typename Outcome, typename Work>
Outcome PgBackend::with_session(const std::string& what, Work& work) {
    try {
        auto session = take_session();
        Outcome outcome = work(*session);
        give_back(std::move(session));
        return outcome;
    } catch (const Error& failure) {
        if (failure.kind() != ErrorKind::unreachable && failure.kind() != ErrorKind::pg) {
            throw;
        }
        // A server that went away took the idle sessions with it; the next request gets a new one.
        const std::lock_guard lock(mutex_);
        sessions_.clear();
        spdlog::warn("{}: {}", printable(what), printable(failure.what()));
        return not_ready();
    }
}

asio::awaitable<HelloOutcome> PgBackend::hello(std::string controller, wire::Hello hello) {
    const std::string what = "hello of " + controller;
    auto work = [controller = std::move(controller), hello = std::move(hello)](pg::Session& session
                ) -> HelloOutcome { return fleet::hello(session, controller, hello); };
    auto asking = ask<HelloOutcome>(what, std::move(work));
    co_return co_await std::move(asking);
}

asio::awaitable<EpochOutcome> PgBackend::epoch(
    std::string controller, std::string journal_id, wire::EpochRequest request
) {
    const std::string what = "epoch for " + controller;
    auto work = [controller = std::move(controller),
                 journal_id = std::move(journal_id),
                 request = std::move(request)](pg::Session& session) -> EpochOutcome {
        return fleet::ask_epoch(session, controller, journal_id, request);
    };
    auto asking = ask<EpochOutcome>(what, std::move(work));
    co_return co_await std::move(asking);
}

asio::awaitable<AdmitOutcome> PgBackend::admit(fleet::Caller caller, bool fresh) {
    const auto known = fresh ? std::nullopt : remembered(caller);
    if (known) {
        co_return *known;
    }
    auto work = [this, caller](pg::Session& session) -> AdmitOutcome {
        const auto standing = fleet::admit(session, caller);
        remember(caller, standing);
        return standing;
    };
    auto asking = ask<AdmitOutcome>("standing of " + caller.name, std::move(work));
    co_return co_await std::move(asking);
}

asio::awaitable<EnrollOutcome> PgBackend::enroll(wire::EnrollRequest request, std::string address) {
    const auto by = issuer();
    if (!by) {
        co_return no_authority();
    }
    const std::string what = "enrolling from " + address;
    auto work = [by, request = std::move(request), address = std::move(address)](
                    pg::Session& session
                ) -> EnrollOutcome { return fleet::enroll(session, *by, request, address); };
    auto asking = ask<EnrollOutcome>(what, std::move(work));
    co_return co_await std::move(asking);
}

asio::awaitable<EnrollOutcome> PgBackend::renew(fleet::Caller caller, wire::RenewRequest request) {
    const auto by = issuer();
    if (!by) {
        co_return no_authority();
    }
    const std::string what = "renewal of " + caller.name;
    auto work = [by, caller = std::move(caller), request = std::move(request)](pg::Session& session
                ) -> EnrollOutcome { return fleet::renew(session, *by, caller, request); };
    auto asking = ask<EnrollOutcome>(what, std::move(work));
    co_return co_await std::move(asking);
}

void PgBackend::use(std::shared_ptr<const fleet::Issuer> issuer) {
    const std::lock_guard lock(mutex_);
    options_.issuer = std::move(issuer);
}

std::shared_ptr<const fleet::Issuer> PgBackend::issuer() {
    const std::lock_guard lock(mutex_);
    return options_.issuer;
}

std::optional<fleet::Standing> PgBackend::remembered(const fleet::Caller& caller) {
    const std::lock_guard lock(mutex_);
    const auto found = standings_.find(caller.fingerprint);
    const bool good = found != standings_.end() && found->second.until > clock_.now_mono();
    return good ? std::optional(found->second.standing) : std::nullopt;
}

void PgBackend::remember(const fleet::Caller& caller, fleet::Standing standing) {
    const std::lock_guard lock(mutex_);
    if (standings_.size() >= max_standings) {
        standings_.clear();
    }
    const Remembered entry{standing, clock_.now_mono() + standing_lifetime};
    standings_.insert_or_assign(caller.fingerprint, entry);
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
