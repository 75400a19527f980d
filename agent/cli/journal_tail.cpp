#include "agent/cli/journal_tail.hpp"

#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <CLI/Validators.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/cli/journal_output.hpp"
#include "agent/cli/pour_json.hpp"
#include "agent/cli/settings_flags.hpp"
#include "agent/journal/cursor.hpp"
#include "agent/journal/journal.hpp"
#include "agent/journal/pour_view.hpp"
#include "agent/journal/reading.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds look_again{250};
constexpr std::string_view sql_data_version = "PRAGMA data_version";
constexpr std::int64_t max_matches = 20;
constexpr int not_found = 1;

struct Arguments {
    std::string file;
    std::string id;
    std::int64_t count = 20;
    bool follow = false;
    bool mask_cards = false;
    bool json = false;
};

/// New pours as they come, until the reader goes away or Ctrl-C. A pour is printed once; what
/// becomes of it later `show` tells.
void follow(journal::Reading& reading, Seq after, const Arguments& arguments, CardNames& cards) {
    journal::PourView view(reading.database);
    journal::Cursor cursor(reading.database);
    std::int64_t seen_version = -1;
    while (std::ferror(stdout) == 0) {
        const auto version = reading.database.integer(sql_data_version);
        if (version == seen_version) {
            std::this_thread::sleep_for(look_again);
            continue;
        }
        seen_version = version;
        const auto acked = cursor.read().acked_through;
        for (auto fresh = view.after(after, journal::max_seen_pours); !fresh.empty();
             fresh = view.after(after, journal::max_seen_pours)) {
            for (const auto& pour : fresh) {
                if (arguments.json) {
                    print_json(pour_json(pour, acked, cards));
                } else {
                    fmt::print("{}", pour_line(pour, acked, cards));
                }
            }
            after = fresh.back().pour.seq;
        }
        std::fflush(stdout);
    }
}

int tail(const Arguments& arguments) {
    auto reading = journal::open_for_reading(arguments.file);
    const auto acked = journal::Cursor(reading.database).read().acked_through;
    const auto pours = journal::PourView(reading.database).newest(arguments.count);
    CardNames cards(arguments.mask_cards);
    if (arguments.json && !arguments.follow) {
        json list = json::array();
        for (const auto& pour : pours) {
            list.push_back(pour_json(pour, acked, cards));
        }
        print_json({{"pours", list}, {"acked_through", acked}});
        return 0;
    }
    if (!arguments.json) {
        fmt::print("{}", pours.empty() && !arguments.follow ? "No pour yet.\n" : pour_heading());
    }
    for (const auto& pour : pours) {
        if (arguments.json) {
            print_json(pour_json(pour, acked, cards));
        } else {
            fmt::print("{}", pour_line(pour, acked, cards));
        }
    }
    if (arguments.follow) {
        follow(reading, pours.empty() ? 0 : pours.back().pour.seq, arguments, cards);
    }
    return 0;
}

/// What the journal tells of a pour beyond its own columns.
json facts_of(const journal::SeenPour& seen, journal::JournalReader& journal) {
    const auto identity = journal.identity();
    const auto& pour = seen.pour;
    const auto hash = journal.hash_at(pour.seq);
    json facts{
        {"row_hash", hash ? json(to_hex(*hash)) : json(nullptr)},
        {"journal_id", identity.journal_id},
        {"epoch", identity.epoch},
        {"there_at_adoption", pour.seq <= identity.adopted_through},
        {"acked", pour.seq <= identity.acked_through},
        {"prunable", pour.seq <= identity.prunable_through}};
    const auto batch = journal.next_batch(pour.seq - 1, hash.value_or(RowHash{}), {1});
    if (batch && batch->last_seq == pour.seq) {
        facts["revision"] = batch->revision;
        facts["boot"] = batch->boots.empty() ? json(nullptr) : json(batch->boots.back().boot_id);
        facts["clock_synchronized"] =
            batch->boots.empty() ? json(nullptr) : json(batch->boots.back().synchronized);
        facts["goes_cut"] = batch->truncated;
    }
    const auto verdict = check_pour(pour);
    if (const auto* rejection = std::get_if<Rejection>(&verdict)) {
        facts["verdict"] = {{"code", rejection->code}, {"detail", printable(rejection->detail)}};
    } else {
        facts["verdict"] = nullptr;
    }
    return facts;
}

std::string fate_of(const journal::SeenPour& seen, const json& facts) {
    if (!facts.at("acked").get<bool>()) {
        return seen.status == "new" ? "central doesn't have it; the agent hasn't taken it yet"
                                    : "central doesn't have it yet; it is sent when its turn comes";
    }
    if (seen.status == "quarantined") {
        return "central has it in quarantine: `tapline-central quarantine list` there says why";
    }
    return "central has it";
}

void print_pour(const journal::SeenPour& seen, const json& facts, const CardNames& cards) {
    const auto line = [](std::string_view name, const std::string& value) {
        if (!value.empty()) {
            fmt::print("  {:<22} {}\n", name, value);
        }
    };
    fmt::print("pour {}\n", seen.pour.seq);
    for (const auto& column : seen.pour.columns) {
        const bool card = column.name == "card_uid" || column.name == "data";
        const auto value = card ? cards.shown(column.value) : column.value;
        line(column.name, cell_text(&value));
    }
    line("status", fmt::format("{}, {} attempts", printable(seen.status), seen.attempts));
    line("row hash", facts.at("row_hash").is_null() ? "unknown" : facts.at("row_hash"));
    line("revision", facts.value("revision", ""));
    line("adoption", facts.at("there_at_adoption") ? "was there before tapline" : "");
    if (!facts.at("verdict").is_null()) {
        const auto& verdict = facts.at("verdict");
        line(
            "central will keep it",
            fmt::format(
                "{}: {}",
                verdict.at("code").get<std::string>(),
                verdict.at("detail").get<std::string>()
            )
        );
    }
    line("stands", fate_of(seen, facts));
}

int show(const Arguments& arguments) {
    auto reading = journal::open_for_reading(arguments.file);
    const auto pours = journal::PourView(reading.database).named(arguments.id, max_matches);
    const auto journal = journal::JournalReader::look(arguments.file);
    const auto acked = journal->identity().acked_through;
    const CardNames cards(arguments.mask_cards);
    json list = json::array();
    for (const auto& pour : pours) {
        const auto facts = facts_of(pour, *journal);
        if (arguments.json) {
            auto one = pour_json(pour, acked, cards);
            one.update(facts);
            list.push_back(std::move(one));
        } else {
            print_pour(pour, facts, cards);
        }
    }
    if (arguments.json) {
        print_json({{"pours", list}});
    } else if (pours.empty()) {
        fmt::print(
            "No pour has {} as its seq, client_tx_id or short_id.\n", printable(arguments.id)
        );
    }
    return pours.empty() ? not_found : 0;
}

}  // namespace

void add_journal_tail(CLI::App& journal_verbs, int& exit_code) {
    const auto arguments = std::make_shared<Arguments>();
    auto* verb = journal_verbs.add_subcommand("tail", "The newest pours, and where each stands");
    add_journal_file(*verb, arguments->file);
    verb->add_option("-n", arguments->count, "So many pours (default 20)")
        ->check(CLI::Range(std::int64_t{0}, journal::max_seen_pours));
    verb->add_flag("--follow,-f", arguments->follow, "Go on with new ones until Ctrl-C");
    verb->add_flag("--mask-cards", arguments->mask_cards, "Names instead of card numbers");
    verb->add_flag("--json", arguments->json, "One JSON object; with --follow one a pour");
    verb->footer(
        "Only reads; works beside the agent. Examples:\n"
        "  tapline-agent journal tail local_journal.db\n"
        "  tapline-agent journal tail local_journal.db -n 5 --follow"
    );
    verb->callback([arguments, &exit_code] {
        exit_code = run_verb(arguments->json, [&] { return tail(*arguments); });
    });

    const auto shown = std::make_shared<Arguments>();
    verb = journal_verbs.add_subcommand("show", "All that is known of one pour");
    add_journal_file(*verb, shown->file);
    verb->add_option("id", shown->id, "Its seq, client_tx_id or short_id")->required();
    verb->add_flag("--mask-cards", shown->mask_cards, "Names instead of card numbers");
    verb->add_flag("--json", shown->json, "Print one JSON object");
    verb->footer(
        "Several pours may have one short_id: all are shown, 20 at most. Exit code 1: there is "
        "none.\nExample:\n  tapline-agent journal show local_journal.db 41"
    );
    verb->callback([shown, &exit_code] {
        exit_code = run_verb(shown->json, [&] { return show(*shown); });
    });
}

}  // namespace tapline::cli
