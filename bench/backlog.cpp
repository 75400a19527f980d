#include "bench/backlog.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/drain.hpp"
#include "bench/lab/journals.hpp"
#include "bench/lab/postgres.hpp"
#include "bench/lab/proc_stat.hpp"
#include "bench/lab/statistics.hpp"
#include "common/error.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

constexpr std::chrono::milliseconds sample_pause{20};
/// The first batch is waited for more closely.
constexpr std::chrono::milliseconds close_pause{2};
constexpr int parts = 10;

double since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

double load_now() {
    std::array<double, 1> load{};
    return getloadavg(load.data(), 1) == 1 ? load[0] : 0;
}

class Peak {
  public:
    explicit Peak(pid_t pid) : pid_(pid) {}

    void look() {
        const Memory now = memory_of(pid_);
        most_.rss_kib = std::max(most_.rss_kib, now.rss_kib);
        most_.anonymous_kib = std::max(most_.anonymous_kib, now.anonymous_kib);
        most_.highest_kib = std::max(most_.highest_kib, now.highest_kib);
    }

    /// highest: the kernel's own word (VmHWM), which misses nothing between two looks.
    [[nodiscard]] Json describe() const {
        return {
            {"rss_mib_highest", rounded(static_cast<double>(most_.highest_kib) / 1024, 1)},
            {"rss_anon_mib_highest_seen",
             rounded(static_cast<double>(most_.anonymous_kib) / 1024, 1)},
        };
    }

  private:
    pid_t pid_;
    Memory most_;
};

class Backlog {
  public:
    Backlog(const Lab& lab, const BacklogOptions& options) : lab_(lab), options_(options) {}

    [[nodiscard]] Json away(const std::vector<fs::path>& masters) const;
    /// One journal, one agent.
    [[nodiscard]] Json drain(
        const std::vector<fs::path>& masters, const std::string& name, std::int64_t rows
    ) const;

    [[nodiscard]] std::vector<fs::path> make(const std::string& name, std::int64_t rows) const {
        say(fmt::format("making a journal with {} pours", rows));
        return make_backlog(
            lab_.programs(), lab_.directory() / ("backlog-master-" + name), 1, rows
        );
    }

  private:
    [[nodiscard]] std::unique_ptr<Child> start(
        const fs::path& journal, const std::string& central_url, const std::string& name
    ) const;

    const Lab& lab_;
    const BacklogOptions& options_;
};

std::unique_ptr<Child> Backlog::start(
    const fs::path& journal, const std::string& central_url, const std::string& name
) const {
    AgentOptions options;
    options.name = "controller-backlog";
    options.central_url = central_url;
    options.journals = {journal};
    return start_agent(lab_.programs(), options, lab_.log("backlog-" + name));
}

Json Backlog::away(const std::vector<fs::path>& masters) const {
    const auto journals = copy_journals(masters, lab_.directory() / "backlog-away");
    say(fmt::format("central is away for {} s", options_.away_s));
    const double load = load_now();
    const auto agent =
        start(journals.front(), fmt::format("http://127.0.0.1:{}", free_port()), "away");
    Peak peak(agent->pid());
    const auto begin = Clock::now();
    while (since(begin) < options_.away_s) {
        peak.look();
        pause_for(sample_pause);
    }
    Json json = peak.describe();
    json["seconds"] = options_.away_s;
    json["cpu_s"] = rounded(cpu_seconds(agent->pid()), 2);
    json["agent_bytes"] = written_bytes(agent->pid());
    json["load"] = rounded(load, 2);
    agent->stop();
    return json;
}

Json Backlog::drain(
    const std::vector<fs::path>& masters, const std::string& name, std::int64_t rows
) const {
    const auto journals = copy_journals(masters, lab_.directory() / ("backlog-" + name));
    const Database database = lab_.fresh_database("backlog_" + name);
    const Central central(
        lab_.programs(), database.url(), lab_.log(fmt::format("backlog-{}-central", name))
    );
    PgConnection watcher(database.url());
    say(fmt::format("draining {} pours of one journal", rows));
    const double load = load_now();
    const double postgresql_before = cpu_seconds_with_children(lab_.cluster().postmaster());
    const double central_before = cpu_seconds(central.pid());
    const auto begin = Clock::now();
    const auto agent = start(journals.front(), central.url(), name);
    Peak peak(agent->pid());
    std::int64_t moved = 0;
    const auto moved_more_than = [&](std::int64_t least) {
        return [&, least] {
            peak.look();
            moved = moved_rows(watcher);
            return moved > least;
        };
    };
    wait_until(moved_more_than(0), lab_.options().limit, "the first batch is settled", close_pause);
    Json json;
    json["rows"] = rows;
    json["start_to_first_batch_settled_s"] = rounded(since(begin));
    Json speeds = Json::array();
    for (int part = 1; part <= parts; ++part) {
        const auto from = moved;
        const auto part_begin = Clock::now();
        const auto least = rows * part / parts - 1;
        wait_until(moved_more_than(least), lab_.options().limit, "a part is settled", sample_pause);
        speeds.push_back(rounded(static_cast<double>(moved - from) / since(part_begin), 0));
    }
    const double seconds = since(begin);
    json["seconds"] = rounded(seconds, 1);
    json["rows_per_s"] = rounded(static_cast<double>(rows) / seconds, 0);
    json["rows_per_s_of_each_tenth"] = speeds;
    const auto us_per_pour = [rows](double cpu_s) {
        return rounded(cpu_s * 1e6 / static_cast<double>(rows), 1);
    };
    json["postgresql_cpu_us_per_pour"] =
        us_per_pour(cpu_seconds_with_children(lab_.cluster().postmaster()) - postgresql_before);
    json["central_cpu_us_per_pour"] = us_per_pour(cpu_seconds(central.pid()) - central_before);
    json["agent_cpu_us_per_pour"] = us_per_pour(cpu_seconds(agent->pid()));
    json.update(peak.describe());
    json["load"] = rounded(load, 2);
    return json;
}

double speed_of(const Json& drained) {
    return drained.at("rows_per_s").get<double>();
}

}  // namespace

Json measure_backlog(const Lab& lab, const BacklogOptions& options) {
    const Backlog backlog(lab, options);
    const auto many = backlog.make("long", options.rows);
    const auto few = backlog.make("short", options.short_rows);
    DrainOptions fleet;
    fleet.rows = options.fleet_rows;
    Json result;
    result["away"] = backlog.away(many);
    const double fleet_before = drain_once(lab, fleet, 101);
    result["short_before"] = backlog.drain(few, "short_before", options.short_rows);
    result["long"] = backlog.drain(many, "long", options.rows);
    result["short_after"] = backlog.drain(few, "short_after", options.short_rows);
    const double fleet_after = drain_once(lab, fleet, 102);
    const double speed = speed_of(result["long"]);
    const double short_mean =
        (speed_of(result["short_before"]) + speed_of(result["short_after"])) / 2;
    result["fleet_rows_per_s"] = {rounded(fleet_before, 0), rounded(fleet_after, 0)};
    result["ratio_to_short"] = rounded(speed / short_mean);
    result["ratio_to_fleet"] = rounded(speed / ((fleet_before + fleet_after) / 2));
    return result;
}

}  // namespace tapline::bench
