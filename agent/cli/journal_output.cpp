#include "agent/cli/journal_output.hpp"

#include <cstdio>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tapline::cli {

namespace {

using nlohmann::json;

json optional_text(const std::optional<std::string>& text) {
    return text ? json(*text) : json(nullptr);
}

int report(bool as_json, const Error& error, const std::vector<journal::Difference>& differences) {
    if (as_json) {
        json body{{"kind", error.code()}, {"message", error.what()}, {"hint", error.hint()}};
        if (!differences.empty()) {
            body["differences"] = to_json(differences);
        }
        print_json({{"error", body}});
    } else {
        std::fflush(stdout);
        fmt::print(stderr, "{}", render_error("tapline-agent", error));
        print_differences(differences);
    }
    return exit_code(error.kind());
}

}  // namespace

void print_json(const json& value) {
    fmt::print("{}\n", value.dump(-1, ' ', false, json::error_handler_t::replace));
}

json to_json(const std::vector<journal::Difference>& differences) {
    json list = json::array();
    for (const auto& difference : differences) {
        list.push_back(
            {{"object", difference.object},
             {"kind", difference.kind},
             {"expected", optional_text(difference.expected)},
             {"found", optional_text(difference.found)}}
        );
    }
    return list;
}

json to_json(const std::vector<journal::Extra>& extras) {
    json list = json::array();
    for (const auto& extra : extras) {
        list.push_back(
            {{"type", extra.type},
             {"name", extra.name},
             {"table", extra.table},
             {"works", extra.works}}
        );
    }
    return list;
}

void print_differences(const std::vector<journal::Difference>& differences) {
    for (const auto& difference : differences) {
        fmt::print(
            stderr,
            "  {} {}: expected {}, found {}\n",
            difference.object,
            difference.kind,
            difference.expected.value_or("nothing"),
            difference.found.value_or("nothing")
        );
    }
}

void print_extras(const std::vector<journal::Extra>& extras) {
    for (const auto& extra : extras) {
        fmt::print(
            "  kept: {} {} (added by hand){}\n",
            extra.type,
            extra.name,
            extra.works ? "" : ", broken before us too"
        );
    }
}

void print_locks(std::int64_t steps, std::chrono::milliseconds longest_lock) {
    if (steps == 0) {
        fmt::print("  in one transaction");
    } else {
        fmt::print("  in {} steps", steps);
    }
    fmt::print("; the tap's program was kept waiting {} ms at most\n", longest_lock.count());
}

std::function<void(std::string_view)> progress_printer(bool as_json) {
    if (as_json || ::isatty(STDERR_FILENO) == 0) {
        return {};
    }
    return [](std::string_view stage) { fmt::print(stderr, "  … {}\n", stage); };
}

int report_usage(bool as_json, const std::string& what) {
    return report(as_json, {ErrorKind::usage, "usage", what, "See --help of the verb."}, {});
}

int run_verb(bool as_json, const std::function<int()>& verb) {
    try {
        return verb();
    } catch (const journal::FileError& error) {
        return report(as_json, error, error.differences());
    } catch (const Error& error) {
        return report(as_json, error, {});
    }
}

}  // namespace tapline::cli
