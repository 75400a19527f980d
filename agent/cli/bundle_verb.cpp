#include "agent/cli/bundle_verb.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/bundle_parts.hpp"
#include "agent/cli/journal_output.hpp"
#include "agent/cli/settings_flags.hpp"
#include "agent/cli/tar_writer.hpp"
#include "agent/cli/whole_file.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/version.hpp"

namespace tapline::cli {

namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds verb_limit = 20s;
constexpr std::chrono::milliseconds doctor_limit = 70s;
constexpr std::int64_t longest_s = 3'600;
constexpr std::size_t max_logs = 8;
constexpr const char* newest_pours = "50";
constexpr const char* newest_lines = "5000";

struct Arguments {
    service::Flags flags;
    std::string output;
    std::vector<std::string> logs;
    std::int64_t time_limit_s = 180;
    bool json = false;
};

std::vector<Part> parts_of(
    const Arguments& arguments, const service::Settings& settings, bool settings_whole
) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(arguments.time_limit_s);
    const PartMaker maker(arguments.flags, settings, end);
    const auto given = maker.given_flags();
    const auto with_given = [&given](std::vector<std::string> words) {
        words.insert(words.end(), given.begin(), given.end());
        return words;
    };
    std::vector<Part> parts{
        maker.settings_part(),
        maker.identity_part(),
        maker.system_part(),
        maker.kernel_part(),
        maker.verb("doctor.json", with_given({"doctor", "--json"}), doctor_limit)};
    if (!settings_whole) {
        parts.front().note = "as far as they can be read: see doctor.json, settings";
    }
    std::vector<std::string> asked{"status", "--json"};
    for (const auto& journal : settings.journals) {
        asked.insert(asked.end(), {"--journal", journal});
    }
    parts.push_back(maker.verb("status.json", asked, verb_limit));
    parts.push_back(maker.program(
        "agent.log",
        {"/usr/bin/journalctl",
         "--unit=tapline-agent",
         "--no-pager",
         "--output=short-iso",
         "-n",
         newest_lines}
    ));
    std::size_t number = 0;
    for (const auto& log : arguments.logs) {
        parts.push_back(maker.file(fmt::format("log-{}.txt", ++number), log));
    }
    number = 0;
    for (const auto& file : settings.journals) {
        const auto place = fmt::format("journal-{}/", ++number);
        const auto add = [&](const char* name, const std::vector<std::string>& words) {
            parts.push_back(maker.verb(place + name, words, verb_limit));
        };
        add("stats.json", {"journal", "stats", file, "--json", "--days", "60"});
        add("schema.json", {"journal", "schema", file, "--json"});
        add("history.json", {"journal", "history", file, "--json"});
        add("tail.json", {"journal", "tail", file, "--json", "--mask-cards", "-n", newest_pours});
    }
    return parts;
}

json list_of(const std::vector<Part>& parts) {
    json list = json::array();
    for (const auto& part : parts) {
        list.push_back(
            {{"name", part.name},
             {"bytes", part.text.size()},
             {"note", part.note},
             {"took_ms", part.took.count()}}
        );
    }
    return list;
}

std::string fill(const Arguments& arguments, const std::string& title, const Put& put) {
    const auto [settings, troubles] =
        service::readable_settings(arguments.flags, process_environment());
    const auto parts = parts_of(arguments, settings, troubles.empty());
    const auto now = system_clock().now_utc();
    const json manifest{
        {"tapline_bundle", 1},
        {"agent_version", version},
        {"made_at", format_utc(now)},
        {"parts", list_of(parts)},
        {"left_out",
         "keys, codes, passwords, tokens; cards are masked, by a salt that nobody keeps"}};
    TarWriter tar(
        put, std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count()
    );
    tar.add(
        title + "/manifest.json",
        manifest.dump(1, ' ', false, json::error_handler_t::replace) + "\n"
    );
    for (const auto& part : parts) {
        tar.add(fmt::format("{}/{}", title, part.name), part.text);
    }
    tar.finish();
    return json{{"parts", list_of(parts)}}.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// "tapline-bundle-20261120T180311Z"
std::string title_now() {
    auto text = format_utc(system_clock().now_utc()).substr(0, 19);
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return "tapline-bundle-" + text + "Z";
}

int bundle(const Arguments& arguments) {
    const auto title = title_now();
    const auto output = arguments.output.empty() ? title + ".tar.gz" : arguments.output;
    const auto words =
        write_whole_file(output, [&](const Put& put) { return fill(arguments, title, put); });
    if (output == "-") {
        return 0;
    }
    auto said = json::parse(words);
    said["file"] = output;
    if (arguments.json) {
        print_json(said);
        return 0;
    }
    fmt::print("{}\n", output);
    for (const auto& part : said.at("parts")) {
        const auto note = part.at("note").get<std::string>();
        fmt::print(
            "  {:<24} {:>9} bytes{}{}\n",
            part.at("name").get<std::string>(),
            part.at("bytes").get<std::int64_t>(),
            note.empty() ? "" : "   ",
            note
        );
    }
    fmt::print(
        "Keys, codes and passwords are left out, cards are masked. Look inside before you send it: "
        "tar -tzf {}\n",
        output
    );
    return 0;
}

}  // namespace

void add_bundle_verb(CLI::App& app, int& exit_code) {
    auto arguments = std::make_shared<Arguments>();
    auto* verb = app.add_subcommand(
        "bundle", "One file for support: doctor, status, counts, schema, settings, logs; no secrets"
    );
    verb->add_option(
        "-o,--output",
        arguments->output,
        "The file (default tapline-bundle-TIME.tar.gz here); - for stdout"
    );
    add_settings_flags(*verb, arguments->flags);
    verb->add_option("--log", arguments->logs, "A log file too: its last MiB; at most 8 of them")
        ->expected(1)
        ->take_all();
    verb->add_option("--time-limit", arguments->time_limit_s, "Seconds for all of it (default 180)")
        ->check(CLI::Range(std::int64_t{1}, longest_s));
    verb->add_flag("--json", arguments->json, "Print one JSON object");
    verb->footer(
        "Changes nothing, and opens journals through SQLite only, as their owners; works when the "
        "agent can't\nstart. Root sees most. A part that can't be made is named, and the others "
        "are "
        "there.\nExample:\n  sudo tapline-agent bundle -o /media/usb/tap-3.tar.gz\n"
        "Exit codes: 0 made, 2 usage, 5 it can't be written."
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] {
            if (arguments->logs.size() > max_logs) {
                throw Error(
                    ErrorKind::usage,
                    "too_many_logs",
                    "too many logs",
                    fmt::format("at most {}", max_logs)
                );
            }
            return bundle(*arguments);
        });
    });
}

}  // namespace tapline::cli
