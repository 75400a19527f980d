#include "bench/writer.hpp"

#include <algorithm>
#include <array>
#include <fstream>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/lab/journals.hpp"
#include "bench/lab/postgres.hpp"
#include "bench/lab/statistics.hpp"
#include "bench/lab/tap.hpp"

namespace tapline::bench {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr double paced_rate = 5;
constexpr std::array percentiles{"p50", "p99", "p99_9", "max"};

struct Kind {
    std::string name;
    bool persistent = false;
    double rate = 0;
};

class Writer {
  public:
    Writer(const Lab& lab, const WriterOptions& options)
        : lab_(lab),
          options_(options),
          database_(lab.fresh_database("writer")),
          central_(lab.programs(), database_.url(), lab.log("writer-central")),
          connection_(database_.url()) {}

    [[nodiscard]] Json measure(const Kind& kind);

  private:
    [[nodiscard]] Json run(const Kind& kind, bool with_agent);

    const Lab& lab_;
    const WriterOptions& options_;
    Database database_;
    Central central_;
    PgConnection connection_;
    std::int64_t journals_ = 0;
    std::uint64_t runs_ = 0;
};

/// tapline-tap-sim's report of one run.
Json Writer::run(const Kind& kind, bool with_agent) {
    const std::string name = fmt::format("writer-{}", ++runs_);
    const fs::path directory = lab_.directory() / name;
    fs::create_directories(directory);
    const fs::path journal = directory / "journal.db";
    make_journal(lab_.programs(), journal);
    std::unique_ptr<Child> agent;
    if (with_agent) {
        const AgentOptions options{name, central_.url(), {journal}, false};
        agent = start_agent(lab_.programs(), options, lab_.log(name + "-agent"));
        wait_registered(connection_, ++journals_);
    }
    sync();
    TapOptions tap_options;
    tap_options.journal = journal;
    tap_options.persistent = kind.persistent;
    tap_options.rate = kind.rate;
    tap_options.seconds = options_.seconds;
    tap_options.report = directory / "latency.json";
    tap_options.seed = runs_;
    Command command = tap_command(lab_, tap_options);
    command.output = "/dev/null";
    command.log = lab_.log(name + "-tap");
    Child(command).require_success(std::chrono::seconds(options_.seconds + 90));
    std::ifstream report(tap_options.report);
    return Json::parse(report);
}

/// Medians of a latency over the runs; the maximum is the highest of all.
Json merge_latency(const std::vector<Json>& reports, const std::string& which) {
    Json merged;
    for (const std::string percentile : percentiles) {
        std::vector<double> values_ms;
        for (const Json& report : reports) {
            values_ms.push_back(report.at(which).at(percentile + "_us").get<double>() / 1'000);
        }
        merged[percentile] = rounded(
            percentile == "max" ? *std::max_element(values_ms.begin(), values_ms.end())
                                : median(values_ms)
        );
    }
    return merged;
}

Json merge(const std::vector<Json>& reports) {
    Json merged;
    std::int64_t pours = 0;
    std::int64_t busy = 0;
    for (const Json& report : reports) {
        pours += report.at("pours").get<std::int64_t>();
        busy += report.at("busy").get<std::int64_t>();
    }
    merged["pours"] = pours;
    merged["busy"] = busy;
    merged["commit_ms"] = merge_latency(reports, "commit");
    merged["store_ms"] = merge_latency(reports, "store");
    merged["operation_ms"] = merge_latency(reports, "operation");
    return merged;
}

double added(const Json& with_agent, const Json& alone, const std::string& which) {
    const auto value = [&which](const Json& side) {
        return side.at("commit_ms").at(which).get<double>();
    };
    return rounded(value(with_agent) - value(alone));
}

Json Writer::measure(const Kind& kind) {
    std::vector<Json> with_agent;
    std::vector<Json> alone;
    for (int round = 0; round < options_.rounds; ++round) {
        const bool agent_first = round % 2 == 1;
        (agent_first ? with_agent : alone).push_back(run(kind, agent_first));
        (agent_first ? alone : with_agent).push_back(run(kind, !agent_first));
        say(fmt::format("writer {}: round {} of {}", kind.name, round + 1, options_.rounds));
    }
    Json json;
    json["alone"] = merge(alone);
    json["with_agent"] = merge(with_agent);
    json["added_commit_p50_ms"] = added(json["with_agent"], json["alone"], "p50");
    json["added_commit_p99_ms"] = added(json["with_agent"], json["alone"], "p99");
    json["added_commit_p99_9_ms"] = added(json["with_agent"], json["alone"], "p99_9");
    return json;
}

}  // namespace

Json measure_writer(const Lab& lab, const WriterOptions& options) {
    const std::array kinds{
        Kind{"persistent_paced", true, paced_rate},
        Kind{"open_close_paced", false, paced_rate},
        Kind{"persistent_full_speed", true, 0},
        Kind{"open_close_full_speed", false, 0},
    };
    Writer writer(lab, options);
    Json result;
    result["seconds_per_run"] = options.seconds;
    result["runs_per_side"] = options.rounds;
    result["paced_rate_per_s"] = paced_rate;
    result["busy_timeout_ms"] = 100;
    for (const Kind& kind : kinds) {
        result[kind.name] = writer.measure(kind);
    }
    return result;
}

}  // namespace tapline::bench
