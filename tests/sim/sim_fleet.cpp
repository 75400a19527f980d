#include "tests/sim/sim_fleet.hpp"

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include "common/error.hpp"

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace tapline::test {

std::string sim_controller(int number) {
    return fmt::format("controller-{:05}", number);
}

bool SimTransport::happens(int of_a_thousand) {
    return std::uniform_int_distribution<int>(0, 999)(random_) < of_a_thousand;
}

asio::awaitable<http::Response> SimTransport::send(
    http::Request request, std::chrono::milliseconds deadline
) {
    const bool hello = request.target.ends_with("/hello");
    const std::chrono::milliseconds way(std::uniform_int_distribution<int>(10, 60)(random_));
    traffic.hellos += hello ? 1 : 0;
    auto there = clock_.sleep(way);
    co_await std::move(there);
    if (!network_.up || happens(network_.lost_requests)) {
        ++traffic.failed;
        throw Error(ErrorKind::unreachable, "central_unreachable", "no route to central", "wait");
    }
    if (hello && arrival) {
        arrival();
    }
    auto handling = handler_(std::move(request));
    http::Response response = co_await std::move(handling);
    const bool lost = happens(network_.lost_answers);
    auto back = clock_.sleep(lost ? deadline : way);
    co_await std::move(back);
    if (lost) {
        ++traffic.failed;
        throw Error(ErrorKind::unreachable, "central_unreachable", "the answer was lost", "wait");
    }
    traffic.refused += response.status == 200 ? 0 : 1;
    co_return response;
}

SimFleet::SimFleet(std::uint64_t seed, SimTransport::Handler handler)
    : random(seed), handler_(std::move(handler)) {}

SimAgent& SimFleet::add(int number) {
    auto& agent = *agents.emplace_back(std::make_unique<SimAgent>());
    agent.file.identity.journal_id = fmt::format("00000000-0000-4000-8004-{:012x}", number);
    agent.transport = std::make_unique<SimTransport>(clock, network, random, handler_);
    MemoryFile& file = agent.file;
    agent.store = std::make_unique<sync::Store>(
        io.get_executor(),
        [&file]() -> std::unique_ptr<journal::Journal> {
            return std::make_unique<MemoryJournal>(file);
        }
    );
    sync::SyncOptions options;
    options.file = "journal.db";
    options.controller = sim_controller(number);
    options.agent_version = "simulation";
    options.seed = random();
    agent.syncer = std::make_unique<sync::Syncer>(
        std::move(options), sync::Syncer::Seams{clock, *agent.transport, *agent.store}
    );
    return agent;
}

void SimFleet::start() {
    for (const auto& agent : agents) {
        SimAgent& one = *agent;
        asio::co_spawn(io, one.syncer->run(), [&one](std::exception_ptr failure) {
            one.ended = true;
            CHECK(failure == nullptr);
        });
    }
    settle_down();
}

void SimFleet::settle_down() {
    io.restart();
    while (io.poll() > 0) {
        io.restart();
    }
}

void SimFleet::run_for(std::chrono::milliseconds time, const std::function<bool()>& done) {
    const auto until = clock.now_mono() + time;
    while (clock.now_mono() < until && !(done && done())) {
        settle_down();
        const auto next = clock.next();
        clock.go_to(next ? std::min(*next, until) : until);
    }
    settle_down();
}

void SimFleet::stop() {
    for (const auto& agent : agents) {
        agent->syncer->stop();
    }
    run_for(5min);
    for (const auto& agent : agents) {
        CHECK(agent->ended);
    }
}

}  // namespace tapline::test
