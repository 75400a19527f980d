// A fleet that was cut off comes back. TAPLINE_SIM_AGENTS and TAPLINE_SIM_SEED choose size and
// seed.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "tests/pg/settle/bar.hpp"
#include "tests/sim/sim_bar.hpp"
#include "tests/sim/sim_central.hpp"
#include "tests/sim/sim_fleet.hpp"
#include "tests/support/pg_cluster.hpp"
#include "tests/support/report.hpp"

namespace tapline::test {

using namespace std::chrono_literals;

namespace {

std::int64_t from_environment(const char* name, std::int64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::atoll(text);
}

/// Money and beer as plain integers, row by row.
struct Model {
    std::map<int, std::int64_t> charged_cents;
    std::map<int, std::int64_t> drawn_ml;
    std::int64_t pours = 0;
};

class World {
  public:
    World()
        : fleet(seed, [this](http::Request request) { return routes.handle(std::move(request)); }),
          backend(database.url(), fleet.clock, fleet.io.get_executor()),
          routes(backend, fleet.io.get_executor(), rules, fleet.clock) {
        spdlog::set_level(spdlog::level::err);
        auto session = database.connect();
        furnish_fleet(session, size);
        for (int i = 1; i <= size; ++i) {
            fleet.add(i);
        }
        boost::asio::co_spawn(fleet.io, backend.run(), [](std::exception_ptr failure) {
            CHECK(failure == nullptr);
        });
    }

    ~World() {
        fleet.stop();
        backend.stop();
        fleet.run_for(1min);
    }

    int pick(int low, int high) {
        return std::uniform_int_distribution<int>(low, high)(fleet.random);
    }

    /// The tap's own program writes a row.
    void pour_at(int number) {
        SimAgent& agent = *fleet.agents[static_cast<std::size_t>(number - 1)];
        const Seq seq = agent.last_seq() + 1;
        const int guest = pick(1, guests);
        const std::int64_t volume_ml = pick(0, 900);
        MemoryFile::Row row;
        row.pour = pour(seq, fmt::format("{}-{}", number, seq), volume_ml);
        set(row.pour, "card_uid", Text{fmt::format("card{}", guest)});
        set(row.pour, "tap_id", std::int64_t{number});
        agent.file.rows.push_back(std::move(row));
        ++agent.file.version;
        agent.syncer->wake();
        model.charged_cents[guest] += (volume_ml * price_cents_per_liter + 500) / 1'000;
        model.drawn_ml[number] += volume_ml;
        ++model.pours;
    }

    /// Everybody pours now and then, each about so many times in that time.
    void pour_for(std::chrono::minutes time, int times, const std::function<bool()>& done = {}) {
        const auto until = fleet.clock.now_mono() + time;
        const std::chrono::milliseconds gap =
            std::chrono::milliseconds(time) / (std::int64_t{size} * times);
        while (fleet.clock.now_mono() < until && !(done && done())) {
            fleet.run_for(gap);
            pour_at(pick(1, size));
        }
    }

    void compare() {
        auto session = database.connect();
        Bar bar(session);
        CHECK(bar.number("SELECT count(*) FROM pours") == model.pours);
        CHECK(bar.number("SELECT count(*) FROM tapline.receipt") == model.pours);
        CHECK(bar.number("SELECT count(*) FROM tapline.quarantine") == 0);
        for (const auto& [guest, cents] : model.charged_cents) {
            CHECK(bar.balance_cents(guest) == start_balance_cents - cents);
        }
        for (const auto& [tap, ml] : model.drawn_ml) {
            CHECK(bar.keg_volume_ml(tap) == start_volume_ml - ml);
        }
    }

    const int size = static_cast<int>(from_environment("TAPLINE_SIM_AGENTS", 100));
    const std::uint64_t seed =
        static_cast<std::uint64_t>(from_environment("TAPLINE_SIM_SEED", 20'261'120));
    /// As many seconds' worth of turns as 5,000 agents need at the default.
    const gateway::RouteRules rules{
        .pace = {.per_second = std::max<std::int64_t>(2, size / 100)}, .heartbeat = 60s};
    TestDatabase database;
    Model model;
    SimFleet fleet;
    SimBackend backend;
    gateway::Routes routes;
};

/// The limit for a peak over 10 s; few agents make more noise.
double most_per_second(const World& world) {
    const double factor = world.size < 1'000 ? 2.5 : 1.2;
    return factor * static_cast<double>(world.rules.pace.per_second);
}

/// What a fleet's return looked like.
struct Return {
    std::chrono::seconds took{};
    std::vector<std::int64_t>
        attempts;  ///< hellos of each agent until its backlog was acked, sorted
    Arrivals arrivals;

    [[nodiscard]] std::int64_t attempts_p99() const { return attempts[attempts.size() * 99 / 100]; }
};

/// From now until every pour that is in the journals now is acked; taps pour on meanwhile.
Return watch_return(World& world, const std::function<void()>& begin) {
    auto& fleet = world.fleet;
    Return seen;
    seen.attempts.resize(fleet.agents.size());
    const auto start = fleet.clock.now_mono();
    std::vector<Seq> backlog;
    for (std::size_t i = 0; i < fleet.agents.size(); ++i) {
        backlog.push_back(fleet.agents[i]->last_seq());
        fleet.agents[i]->transport->arrival = [&, i] {
            if (!fleet.agents[i]->drained_through(backlog[i])) {
                ++seen.attempts[i];
                seen.arrivals.add(fleet.clock.now_mono());
            }
        };
    }
    std::size_t waiting_for = 0;
    const auto drained = [&] {
        while (waiting_for < backlog.size() &&
               fleet.agents[waiting_for]->drained_through(backlog[waiting_for])) {
            ++waiting_for;
        }
        return waiting_for == backlog.size();
    };
    begin();
    world.pour_for(60min, 4, drained);
    REQUIRE(drained());
    seen.took = std::chrono::duration_cast<std::chrono::seconds>(fleet.clock.now_mono() - start);
    for (const auto& agent : fleet.agents) {
        agent->transport->arrival = {};
    }
    std::sort(seen.attempts.begin(), seen.attempts.end());
    return seen;
}

std::string words(const World& world, const Return& seen) {
    return fmt::format(
        "{} agents, {} pours, seed {}: drained in {} s; attempts p50 {}, p99 {}, most {}; arrivals "
        "at "
        "most {:.1f}/s over 10 s, let in {:.1f}/s; admission {}/s; {} groups, longest queue "
        "{}",
        world.fleet.agents.size(),
        world.model.pours,
        world.seed,
        seen.took.count(),
        seen.attempts[seen.attempts.size() / 2],
        seen.attempts_p99(),
        seen.attempts.back(),
        seen.arrivals.peak_over(10),
        world.backend.hellos().peak_over(10),
        world.rules.pace.per_second,
        world.backend.groups(),
        world.backend.longest_queue()
    );
}

}  // namespace

TEST_CASE("Fleet.ComesBackAfterAnOutageNoFasterThanCentralTakesItAndNothingIsLostOrDoubled") {
    World world;
    auto& fleet = world.fleet;
    fleet.start();
    world.pour_for(5min, 1);
    fleet.network.up = false;
    world.pour_for(8h, 30);
    const Return seen = watch_return(world, [&] {
        fleet.network = {.up = true, .lost_requests = 5, .lost_answers = 5};
    });
    report("after 8 h without central: " + words(world, seen));
    CHECK(seen.took <= 15min);
    CHECK(seen.attempts_p99() <= 3);
    CHECK(seen.arrivals.peak_over(10) <= most_per_second(world));
    fleet.run_for(20min);
    world.compare();
}

TEST_CASE("Fleet.SwitchedOnAtOnceIsLetInOneAfterTheOther") {
    World world;
    world.pour_for(8h, 30);
    const Return seen = watch_return(world, [&] { world.fleet.start(); });
    report("switched on at one moment: " + words(world, seen));
    CHECK(seen.took <= 15min);
    CHECK(seen.attempts_p99() <= 3);
    CHECK(world.backend.hellos().peak_over(10) <= most_per_second(world));
    world.fleet.run_for(20min);
    world.compare();
}

}  // namespace tapline::test
