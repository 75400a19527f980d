#include "bench/drain.hpp"

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

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

constexpr std::chrono::milliseconds poll_pause{20};

constexpr const char* select_counts =
    "SELECT (SELECT count(*) FROM pours), (SELECT count(*) FROM tapline.receipt),"
    " (SELECT count(*) FROM tapline.quarantine)";

// A transaction that settles stamps all its receipts with its id, so that the rows tell how they
// were grouped, without asking central.
constexpr const char* select_group_shape =
    "SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY t.n),"
    " percentile_disc(0.5) WITHIN GROUP (ORDER BY t.journals), count(*)"
    " FROM (SELECT count(*) AS n, count(DISTINCT journal_id) AS journals"
    "  FROM tapline.receipt GROUP BY xmin::text) AS t";

struct GroupShape {
    std::int64_t rows = 0;
    std::int64_t journals = 0;
    std::int64_t transactions = 0;
};

struct Side {
    double rows_per_s = 0;
    double seconds = 0;
    double postgresql_cpu_s = 0;
    double central_cpu_s = 0;
    double agents_cpu_s = 0;
    double bare_cpu_s = 0;
    GroupShape shape;
};

double since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

GroupShape read_shape(PgConnection& connection) {
    const PgResult result = connection.exec(select_group_shape);
    return {result.integer(0, 0), result.integer(0, 1), result.integer(0, 2)};
}

/// A figure of a run that lost or refused rows means nothing.
void require_all_settled(PgConnection& connection, std::int64_t rows) {
    const PgResult counts = connection.exec(select_counts);
    if (counts.integer(0, 0) == rows && counts.integer(0, 1) == rows && counts.integer(0, 2) == 0) {
        return;
    }
    throw Error(
        ErrorKind::data,
        "rows_differ",
        fmt::format(
            "{} rows went in; {} pours, {} receipts, {} in quarantine",
            rows,
            counts.text(0, 0),
            counts.text(0, 1),
            counts.text(0, 2)
        ),
        "this is a defect of tapline or of the benchmark, not a slow run"
    );
}

class Drain {
  public:
    Drain(const Lab& lab, const DrainOptions& options) : lab_(lab), options_(options) {}

    void make_masters() {
        say(fmt::format("making {} journals with {} pours", options_.journals, options_.rows));
        masters_ = make_backlog(
            lab_.programs(),
            lab_.directory() / "masters",
            options_.journals,
            options_.rows / options_.journals
        );
    }

    [[nodiscard]] Side run_tapline(int round);
    [[nodiscard]] Side run_bare(int round, const GroupShape& shape);

  private:
    [[nodiscard]] std::vector<std::unique_ptr<Child>> start_agents(
        const Central& central, const std::vector<fs::path>& journals, int round
    ) const;

    const Lab& lab_;
    const DrainOptions& options_;
    std::vector<fs::path> masters_;
};

std::vector<std::unique_ptr<Child>> Drain::start_agents(
    const Central& central, const std::vector<fs::path>& journals, int round
) const {
    std::vector<std::unique_ptr<Child>> agents;
    const auto count = static_cast<std::size_t>(options_.agents);
    for (std::size_t agent = 0; agent < count; ++agent) {
        AgentOptions options;
        options.name = fmt::format("controller-{}", agent + 1);
        options.central_url = central.url();
        for (std::size_t journal = agent; journal < journals.size(); journal += count) {
            options.journals.push_back(journals[journal]);
        }
        const std::string name = fmt::format("drain-{}-agent-{}", round, agent + 1);
        agents.push_back(start_agent(lab_.programs(), options, lab_.log(name)));
    }
    return agents;
}

Side Drain::run_tapline(int round) {
    const Database database = lab_.fresh_database(fmt::format("drain_tapline_{}", round));
    const fs::path directory = lab_.directory() / "drain-journals";
    const std::vector<fs::path> journals = copy_journals(masters_, directory);
    const fs::path log = lab_.log(fmt::format("drain-{}-central", round));
    Central central(lab_.programs(), database.url(), log);
    PgConnection watcher(database.url());
    const double postgresql_before = cpu_seconds_with_children(lab_.cluster().postmaster());
    const double central_before = cpu_seconds(central.pid());
    const Clock::time_point start = Clock::now();
    const auto agents = start_agents(central, journals, round);
    const auto drained = [&] {
        for (const auto& agent : agents) {
            if (!agent->running()) {
                agent->require_success(std::chrono::seconds(0));
                throw Error(ErrorKind::data, "failed", "an agent ended in mid-work");
            }
        }
        return moved_rows(watcher) >= options_.rows;
    };
    wait_until(drained, lab_.options().limit, "every pour is settled", poll_pause);
    Side side;
    side.seconds = since(start);
    side.rows_per_s = static_cast<double>(options_.rows) / side.seconds;
    side.postgresql_cpu_s =
        cpu_seconds_with_children(lab_.cluster().postmaster()) - postgresql_before;
    side.central_cpu_s = cpu_seconds(central.pid()) - central_before;
    for (const auto& agent : agents) {
        side.agents_cpu_s += cpu_seconds(agent->pid());
    }
    require_all_settled(watcher, options_.rows);
    side.shape = read_shape(watcher);
    return side;
}

Side Drain::run_bare(int round, const GroupShape& shape) {
    const Database database = lab_.fresh_database(fmt::format("drain_bare_{}", round));
    const double postgresql_before = cpu_seconds_with_children(lab_.cluster().postmaster());
    Command command;
    command.arguments = {fs::read_symlink("/proc/self/exe"), "bare"};
    for (const auto& [option, value] : {
             std::pair<std::string, std::int64_t>{"--rows", options_.rows},
             {"--journals", options_.journals},
             {"--transaction-rows", shape.rows},
             {"--transaction-journals", shape.journals},
         }) {
        command.arguments.insert(command.arguments.end(), {option, std::to_string(value)});
    }
    command.environment["DATABASE_URL"] = database.url();
    command.log = lab_.log(fmt::format("drain-{}-bare", round));
    const Json report = Json::parse(output_of(command, lab_.options().limit));
    Side side;
    side.postgresql_cpu_s =
        cpu_seconds_with_children(lab_.cluster().postmaster()) - postgresql_before;
    side.seconds = report.at("seconds").get<double>();
    side.rows_per_s = static_cast<double>(options_.rows) / side.seconds;
    side.bare_cpu_s = report.at("cpu_s").get<double>();
    PgConnection watcher(database.url());
    require_all_settled(watcher, options_.rows);
    side.shape = read_shape(watcher);
    return side;
}

Json describe(const Side& side) {
    Json json;
    json["rows_per_s"] = rounded(side.rows_per_s, 0);
    json["seconds"] = rounded(side.seconds);
    json["postgresql_cpu_s"] = rounded(side.postgresql_cpu_s, 2);
    if (side.bare_cpu_s > 0) {
        json["bare_cpu_s"] = rounded(side.bare_cpu_s, 2);
    } else {
        json["central_cpu_s"] = rounded(side.central_cpu_s, 2);
        json["agents_cpu_s"] = rounded(side.agents_cpu_s, 2);
    }
    json["transactions"] = side.shape.transactions;
    json["rows_per_transaction"] = side.shape.rows;
    json["journals_per_transaction"] = side.shape.journals;
    return json;
}

double median_of(const std::vector<Side>& sides, double Side::*figure) {
    std::vector<double> values;
    values.reserve(sides.size());
    for (const Side& side : sides) {
        values.push_back(side.*figure);
    }
    return median(values);
}

Json medians(const std::vector<Side>& sides) {
    Json json;
    json["rows_per_s"] = rounded(median_of(sides, &Side::rows_per_s), 0);
    json["postgresql_cpu_s"] = rounded(median_of(sides, &Side::postgresql_cpu_s), 2);
    json["central_cpu_s"] = rounded(median_of(sides, &Side::central_cpu_s), 2);
    json["agents_cpu_s"] = rounded(median_of(sides, &Side::agents_cpu_s), 2);
    json["bare_cpu_s"] = rounded(median_of(sides, &Side::bare_cpu_s), 2);
    return json;
}

}  // namespace

double drain_once(const Lab& lab, const DrainOptions& options, int round) {
    Drain drain(lab, options);
    drain.make_masters();
    return drain.run_tapline(round).rows_per_s;
}

Json measure_drain(const Lab& lab, const DrainOptions& options) {
    Drain drain(lab, options);
    drain.make_masters();
    std::vector<Side> tapline_sides;
    std::vector<Side> bare_sides;
    std::vector<double> ratios;
    Json rounds = Json::array();
    for (int round = 1; round <= options.rounds; ++round) {
        // The first round starts with tapline: the bare side needs its rows per transaction.
        const bool tapline_first = round % 2 == 1;
        GroupShape shape = tapline_first ? GroupShape{} : tapline_sides.back().shape;
        if (tapline_first) {
            tapline_sides.push_back(drain.run_tapline(round));
            shape = tapline_sides.back().shape;
        }
        bare_sides.push_back(drain.run_bare(round, shape));
        if (!tapline_first) {
            tapline_sides.push_back(drain.run_tapline(round));
        }
        const double ratio = tapline_sides.back().rows_per_s / bare_sides.back().rows_per_s;
        ratios.push_back(ratio);
        rounds.push_back({
            {"first", tapline_first ? "tapline" : "bare"},
            {"tapline", describe(tapline_sides.back())},
            {"bare", describe(bare_sides.back())},
            {"ratio", rounded(ratio)},
        });
        say(fmt::format(
            "drain round {}: tapline {:.0f} rows/s, bare {:.0f} rows/s, ratio {:.3f}",
            round,
            tapline_sides.back().rows_per_s,
            bare_sides.back().rows_per_s,
            ratio
        ));
    }
    Json result;
    result["rows"] = options.rows;
    result["journals"] = options.journals;
    result["agents"] = options.agents;
    result["ratio_median"] = rounded(median(ratios));
    result["tapline_median"] = medians(tapline_sides);
    result["bare_median"] = medians(bare_sides);
    result["rounds"] = rounds;
    return result;
}

}  // namespace tapline::bench
