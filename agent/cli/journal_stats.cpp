#include "agent/cli/journal_stats.hpp"

#include <memory>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/journal_output.hpp"
#include "agent/cli/settings_flags.hpp"
#include "agent/journal/reading.hpp"
#include "agent/journal/stats.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

using nlohmann::json;

constexpr std::int64_t kib = 1024;

struct Arguments {
    std::string file;
    std::int64_t days = 14;
    bool json = false;
};

json to_json(const journal::Sum& sum) {
    return {{"rows", sum.rows}, {"volume_ml", sum.volume_ml}, {"price_cents", sum.price_cents}};
}

json history_json(const std::vector<journal::LogEntry>& history) {
    json list = json::array();
    for (const auto& entry : history) {
        list.push_back(
            {{"revision", entry.revision},
             {"direction", entry.direction},
             {"found", entry.found},
             {"current_after", entry.current_after},
             {"applied_at", entry.applied_at},
             {"first_seq", entry.first_seq},
             {"agent_version", entry.agent_version}}
        );
    }
    return list;
}

json boots_json(const std::vector<wire::Boot>& boots) {
    json list = json::array();
    for (const auto& boot : boots) {
        json steps = json::array();
        for (const auto& step : boot.steps) {
            steps.push_back({{"after_seq", step.after_seq}, {"delta_ms", step.delta_ms}});
        }
        list.push_back(
            {{"boot_id", boot.boot_id},
             {"first_seq", boot.first_seq},
             {"synchronized", boot.synchronized},
             {"steps", steps}}
        );
    }
    return list;
}

json stats_json(const journal::Stats& stats) {
    json days = json::array();
    for (const auto& day : stats.days) {
        auto one = to_json(day.sum);
        one["day"] = day.day;
        one["tap"] = day.tap;
        days.push_back(std::move(one));
    }
    const auto& identity = stats.identity;
    return {
        {"journal_id", identity.journal_id},
        {"epoch", identity.epoch},
        {"revision", identity.revision},
        {"max_seq", stats.max_seq},
        {"adopted_through", identity.adopted_through},
        {"acked_through", identity.acked_through},
        {"prunable_through", identity.prunable_through},
        {"pruned_through", identity.pruned_through},
        {"statuses", stats.per_status},
        {"unsynced_per_tap", stats.waiting_per_tap},
        {"all", to_json(stats.all)},
        {"waiting", to_json(stats.waiting)},
        {"oldest_recorded_at",
         stats.oldest_recorded_at ? json(*stats.oldest_recorded_at) : json(nullptr)},
        {"days", days},
        {"prunable_rows", stats.prunable_rows},
        {"file_bytes", stats.file_bytes},
        {"wal_bytes", stats.wal_bytes},
        {"free_bytes", stats.free_bytes},
        {"history", history_json(stats.history)},
        {"clock", boots_json(stats.boots)}};
}

std::string price_text(std::int64_t cents) {
    return fmt::format(
        "{}{}.{:02}", cents < 0 ? "-" : "", std::abs(cents) / 100, std::abs(cents) % 100
    );
}

void print_counts(const char* title, const std::map<std::string, std::int64_t>& counts) {
    fmt::print("{}\n", title);
    for (const auto& [name, count] : counts) {
        fmt::print("  {:<14} {:>9}\n", name.empty() ? "(none)" : printable(name, 40), count);
    }
    if (counts.empty()) {
        fmt::print("  none\n");
    }
}

void print(const std::string& file, const journal::Stats& stats) {
    fmt::print(
        "{}: {} pours, {} wait for central{}\n",
        file,
        stats.all.rows,
        stats.waiting.rows,
        stats.waiting.rows > 0 && stats.oldest_recorded_at
            ? ", the oldest of " + printable(*stats.oldest_recorded_at)
            : ""
    );
    print_counts("by status", stats.per_status);
    print_counts("waiting, by tap", stats.waiting_per_tap);
    fmt::print(
        "by day and tap\n  {:<12} {:>5} {:>8} {:>10} {:>12}\n", "DAY", "TAP", "POURS", "ML", "PRICE"
    );
    for (const auto& day : stats.days) {
        fmt::print(
            "  {:<12} {:>5} {:>8} {:>10} {:>12}\n",
            day.day.empty() ? "(no date)" : printable(day.day),
            day.tap.empty() ? "(none)" : printable(day.tap, 20),
            day.sum.rows,
            day.sum.volume_ml,
            price_text(day.sum.price_cents)
        );
    }
    fmt::print(
        "file {} KiB, WAL {} KiB, free {} MiB; {} pours may be pruned\n",
        stats.file_bytes / kib,
        stats.wal_bytes / kib,
        stats.free_bytes / (kib * kib),
        stats.prunable_rows
    );
}

int stats(const Arguments& arguments) {
    auto reading = journal::open_for_reading(arguments.file);
    const auto stats = journal::read_stats(reading, arguments.days);
    if (arguments.json) {
        print_json(stats_json(stats));
    } else {
        print(arguments.file, stats);
    }
    return 0;
}

int schema(const Arguments& arguments) {
    auto reading = journal::open_for_reading(arguments.file);
    json list = json::array();
    for (const auto& object : journal::read_schema(reading.database)) {
        if (arguments.json) {
            list.push_back({{"type", object.type}, {"name", object.name}, {"sql", object.sql}});
        } else if (!object.sql.empty()) {
            fmt::print("{};\n", object.sql);
        }
    }
    if (arguments.json) {
        print_json({{"revision", reading.revision}, {"objects", list}});
    }
    return 0;
}

}  // namespace

void add_journal_stats(CLI::App& journal_verbs, int& exit_code) {
    const auto arguments = std::make_shared<Arguments>();
    auto* verb = journal_verbs.add_subcommand(
        "stats", "Pours by status, what waits for central by tap, sums by day, sizes"
    );
    add_journal_file(*verb, arguments->file);
    verb->add_option("--days", arguments->days, "So many lines of days (default 14)")
        ->check(CLI::Range(std::int64_t{0}, journal::max_day_sums));
    verb->add_flag(
        "--json", arguments->json, "One JSON object; with the log and the clock's notes"
    );
    verb->footer(
        "Only reads; works beside the agent. Sums are of the journal's own columns; what isn't a "
        "whole\nnumber adds 0. Example:\n  tapline-agent journal stats local_journal.db"
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return stats(*arguments); });
    });

    const auto schema_arguments = std::make_shared<Arguments>();
    verb = journal_verbs.add_subcommand("schema", "The SQL of everything in the file");
    add_journal_file(*verb, schema_arguments->file);
    verb->add_flag("--json", schema_arguments->json, "Print one JSON object");
    verb->footer("Only reads. Example:\n  tapline-agent journal schema local_journal.db");
    verb->callback([schema_arguments, &exit_code] {
        exit_code = run_verb(schema_arguments->json, [&] { return schema(*schema_arguments); });
    });
}

}  // namespace tapline::cli
