#include "tests/sim/storm_central.hpp"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include "central/hold/hold.hpp"
#include "tests/sim/sim_bar.hpp"

namespace asio = boost::asio;

namespace tapline::test {

namespace {

constexpr const char* sql_age_sides =
    "UPDATE tapline.journal_side SET since = since - $2::bigint * interval '1 microsecond',"
    " last_seen = last_seen - $2::bigint * interval '1 microsecond' WHERE journal_id = $1::uuid";

pg::Session administrator() {
    return PgCluster::shared().connect("postgres");
}

}  // namespace

StormCentral::Instance::Instance(
    const std::string& url, Clock& clock, asio::io_context& io, gateway::RouteRules rules
)
    : backend(url, clock, io.get_executor()), routes(backend, io.get_executor(), rules, clock) {}

StormCentral::StormCentral(asio::io_context& io, Clock& clock, gateway::RouteRules rules, int taps)
    : io_(io), clock_(clock), rules_(rules) {
    set_up_database();
    auto session = database_.connect();
    furnish_fleet(session, taps);
}

StormCentral::~StormCentral() {
    if (!backup_.empty()) {
        administrator().run(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", backup_));
    }
}

/// What hellos write may be lost with the server where commits aren't waited for; which of them is
/// a matter of real time, and a seed couldn't repeat it.
void StormCentral::set_up_database() {
    administrator().run(
        fmt::format("ALTER DATABASE {} SET synchronous_commit = on", database_.name())
    );
}

asio::awaitable<std::optional<http::Response>> StormCentral::handle(http::Request request) {
    const auto instance = instance_;
    if (!instance) {
        co_return std::nullopt;
    }
    auto handling = instance->routes.handle(std::move(request));
    http::Response response = co_await std::move(handling);
    if (!instance->alive) {
        co_return std::nullopt;
    }
    co_return response;
}

asio::awaitable<void> StormCentral::work(std::shared_ptr<Instance> instance) {
    auto running = instance->backend.run();
    co_await std::move(running);
}

void StormCentral::start() {
    instance_ = std::make_shared<Instance>(database_.url(), clock_, io_, rules_);
    instance_->backend.before_hello([this](pg::Session& session, const std::string& journal_id) {
        age_sides(session, journal_id);
    });
    auto working = work(instance_);
    asio::co_spawn(io_, std::move(working), [](std::exception_ptr failure) {
        if (failure) {
            std::rethrow_exception(failure);
        }
    });
}

void StormCentral::age_sides(pg::Session& session, const std::string& journal_id) {
    const Both now{clock_.now_mono(), std::chrono::steady_clock::now()};
    const auto known = sides_right_.find(journal_id);
    if (known != sides_right_.end()) {
        const auto simulated = now.simulated - known->second.simulated;
        const auto real = now.real - known->second.real;
        const auto older = std::chrono::duration_cast<std::chrono::microseconds>(simulated - real);
        session.query(sql_age_sides, journal_id, older.count());
    }
    sides_right_[journal_id] = now;
}

void StormCentral::crash(bool settles) {
    instance_->backend.crash(settles);
    instance_->alive = false;
    instance_.reset();
}

void StormCentral::back_up() {
    const auto name = database_.name() + "_backup";
    administrator().run(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", name));
    administrator().run(fmt::format("CREATE DATABASE {} TEMPLATE {}", name, database_.name()));
    backup_ = name;
    sides_right_at_backup_ = sides_right_;
}

void StormCentral::restore() {
    administrator().run(fmt::format("DROP DATABASE {} WITH (FORCE)", database_.name()));
    administrator().run(fmt::format("CREATE DATABASE {} TEMPLATE {}", database_.name(), backup_));
    sides_right_ = sides_right_at_backup_;
    set_up_database();
}

void StormCentral::crash_postgres() {
    PgCluster::shared().crash_and_restart();
}

void StormCentral::end_session() {
    administrator().query(
        "SELECT pg_terminate_backend($1::int, 5000)", instance_->backend.backend_pid()
    );
}

bool StormCentral::hold_on() {
    auto session = database_.connect();
    if (hold::current(session)) {
        return false;
    }
    hold::OpenOptions options;
    options.reason = "a storm";
    options.length = hold::longest;
    options.spread = {};  // waves go by the database's clock, which isn't the simulation's
    options.despite_space = true;
    options.who = "simulation";
    static_cast<void>(hold::open(session, options));
    return true;
}

void StormCentral::hold_off() {
    auto session = database_.connect();
    if (hold::current(session)) {
        static_cast<void>(hold::close(session, "simulation"));
    }
}

void StormCentral::slow_down(int factor) {
    SimCosts costs;
    costs.hello *= factor;
    costs.group *= factor;
    costs.rows_per_ms = std::max<std::int64_t>(1, costs.rows_per_ms / factor);
    instance_->backend.costs(costs);
}

}  // namespace tapline::test
