#include "agent/cli/doctor_bench.hpp"

#include <memory>
#include <optional>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/journal_output.hpp"
#include "agent/cli/settings_flags.hpp"
#include "agent/doctor/card_bench.hpp"
#include "agent/service/settings.hpp"
#include "common/error.hpp"

namespace tapline::cli {

namespace {

using nlohmann::json;

constexpr std::int64_t longest_s = 120;
constexpr std::int64_t mib = std::int64_t{1024} * 1024;
constexpr int stalling = 1;

struct Arguments {
    service::Flags flags;
    std::string directory;
    std::int64_t seconds = doctor::usual_bench_time.count();
    bool json = false;
};

std::string directory_of(const Arguments& arguments) {
    if (!arguments.directory.empty()) {
        return arguments.directory;
    }
    const auto settings = settings_with_warnings(arguments.flags);
    if (settings.journals.empty()) {
        throw Error(
            ErrorKind::usage,
            "no_directory",
            "neither a directory nor a journal is named",
            "tapline-agent doctor bench DIR, with a directory on the card"
        );
    }
    return std::filesystem::absolute(settings.journals.front()).parent_path().string();
}

json spread_json(const doctor::Spread& spread) {
    return {
        {"count", spread.count},
        {"p50_us", spread.p50_us},
        {"p99_us", spread.p99_us},
        {"max_us", spread.max_us}};
}

json figures_json(const doctor::CardFigures& figures) {
    auto commit = spread_json(figures.commit);
    commit["per_s"] = figures.commits_per_s;
    return {
        {"directory", figures.directory.string()},
        {"file_system", figures.file_system},
        {"card", figures.card},
        {"fsync_4k", spread_json(figures.sync)},
        {"sequential",
         {{"bytes", figures.sequential_bytes}, {"kib_per_s", figures.sequential_kib_per_s}}},
        {"commit", commit},
        {"written_bytes", figures.written_bytes ? json(*figures.written_bytes) : json(nullptr)},
        {"bytes_at_most", doctor::bench_most_bytes},
        {"took_ms", figures.took.count()},
        {"verdict", doctor::name_of(doctor::judge(figures))},
        {"what_it_means", doctor::in_words(figures)}};
}

void print_spread(const char* name, const doctor::Spread& spread) {
    fmt::print(
        "  {:<26} p50 {:>7.1f} ms   p99 {:>7.1f} ms   max {:>7.1f} ms   of {}\n",
        name,
        static_cast<double>(spread.p50_us) / 1000,
        static_cast<double>(spread.p99_us) / 1000,
        static_cast<double>(spread.max_us) / 1000,
        spread.count
    );
}

void print(const doctor::CardFigures& figures) {
    fmt::print(
        "{}: {}{}{}\n",
        figures.directory.string(),
        figures.file_system,
        figures.card.empty() ? "" : ", card ",
        figures.card
    );
    print_spread("fsync of 4 KiB", figures.sync);
    fmt::print(
        "  {:<26} {:.1f} MiB/s   of {} MiB\n",
        "writing in sequence",
        static_cast<double>(figures.sequential_kib_per_s) / 1024,
        figures.sequential_bytes / mib
    );
    print_spread("commit of one pour", figures.commit);
    fmt::print("  {:<26} {} a second\n", "commits", figures.commits_per_s);
    for (const auto& sentence : doctor::in_words(figures)) {
        fmt::print("{}\n", sentence);
    }
}

int bench(const Arguments& arguments) {
    const auto figures =
        doctor::bench_card(directory_of(arguments), std::chrono::seconds(arguments.seconds));
    if (arguments.json) {
        print_json(figures_json(figures));
    } else {
        print(figures);
    }
    return doctor::judge(figures) == doctor::CardVerdict::stalls ? stalling : 0;
}

}  // namespace

void add_doctor_bench(CLI::App& doctor, int& exit_code) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb = doctor.add_subcommand("bench", "How fast is this card, and what does a pour wait");
    verb->add_option(
        "directory", arguments->directory, "A directory on the card (default: the journal's)"
    );
    verb->add_option(
        "--config", arguments->flags.config, "Settings (default /etc/tapline/agent.toml)"
    );
    verb->add_option("--seconds", arguments->seconds, "At most so long (default 15)")
        ->check(CLI::Range(std::int64_t{1}, longest_s));
    verb->add_flag("--json", arguments->json, "Print one JSON object");
    verb->footer(fmt::format(
        "Writes at most {} MiB into DIR/.tapline-bench and removes it; what a run that was killed "
        "left,\nthe next one removes. While it works the tap's own pours wait for the same card.\n"
        "Example:\n  sudo tapline-agent doctor bench /var/lib/tap\n"
        "Exit codes: 0 measured, 1 this card stalls, 2 usage, 3 another run is at work, 5 the "
        "disk.",
        doctor::bench_most_bytes / mib
    ));
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return bench(*arguments); });
    });
}

}  // namespace tapline::cli
