#include "central/metrics/fleet_numbers.hpp"

#include <spdlog/spdlog.h>

#include "common/error.hpp"
#include "common/log.hpp"
#include "common/run_on.hpp"

namespace asio = boost::asio;

namespace tapline::metrics {

namespace {

constexpr std::chrono::milliseconds lock_patience{500};
constexpr std::chrono::milliseconds statement_patience{2'000};

constexpr pg::Statement journals_sql{
    "metrics_journals",
    "SELECT count(*), "
    "count(*) FILTER (WHERE coalesce(reported_at, created_at) < now() - interval '10 minutes'), "
    // Each depth is what a device says, up to the largest number there is.
    "least(coalesce(sum(depth), 0), 9223372036854775807)::bigint, coalesce(max(depth), 0), "
    "tapline.hold_reason() IS NOT NULL FROM tapline.journal"};
constexpr pg::Statement controllers_sql{
    "metrics_controllers", "SELECT status, count(*) FROM tapline.controller GROUP BY status"};
constexpr pg::Statement quarantine_sql{
    "metrics_quarantine",
    "SELECT code, count(*) FROM tapline.quarantine WHERE state = 'waiting' GROUP BY code "
    "ORDER BY 2 DESC LIMIT 100"};

std::map<std::string, std::int64_t> counts(const pg::Result& rows) {
    std::map<std::string, std::int64_t> found;
    for (const pg::Row row : rows) {
        found.emplace(row.text(0), row.integer(1));
    }
    return found;
}

}  // namespace

FleetView read_fleet(pg::Session& session) {
    pg::Transaction transaction(session);
    session.set_local_timeouts(lock_patience, statement_patience);
    FleetView view;
    const pg::Result journals = session.exec(journals_sql);
    view.journals = journals[0].integer(0);
    view.silent_journals = journals[0].integer(1);
    view.depth_pours = journals[0].integer(2);
    view.max_depth_pours = journals[0].integer(3);
    view.hold_open = journals[0].boolean(4);
    view.controllers = counts(session.exec(controllers_sql));
    view.quarantine = counts(session.exec(quarantine_sql));
    transaction.commit();
    view.reached = true;
    return view;
}

FleetNumbers::FleetNumbers(std::string database_url) : database_url_(std::move(database_url)) {}

FleetNumbers::~FleetNumbers() {
    thread_.join();
}

asio::awaitable<FleetView> FleetNumbers::get() {
    const bool fresh = last_ && clock_.now_mono() - last_->at < lifetime;
    if (fresh || asking_) {
        co_return last_.value_or(FleetView{});
    }
    asking_ = true;
    auto job = [this] { return ask(); };
    auto running = run_on(thread_.get_executor(), std::move(job));
    last_ = co_await std::move(running);
    asking_ = false;
    co_return *last_;
}

FleetView FleetNumbers::ask() {
    FleetView view;
    try {
        if (!session_ || !session_->is_open()) {
            pg::ConnectOptions options;
            options.url = database_url_;
            options.application_name = "tapline metrics";
            session_.emplace(options);
        }
        view = read_fleet(*session_);
    } catch (const Error& failure) {
        session_.reset();
        spdlog::warn("metrics: no numbers of the fleet: {}", printable(failure.what()));
    }
    view.at = clock_.now_mono();
    return view;
}

}  // namespace tapline::metrics
