// backup: how far devices may prune, told by backups that somebody has verified.
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "central/cli/revision_options.hpp"
#include "central/fleet/backups.hpp"
#include "central/revision/ledger.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

void begin(const Context& context, const std::string& note) {
    pg::Session session(context.connect_options());
    const auto begun = fleet::begin_backup(session, note, revision::who());
    print(
        context,
        {{"backup", begun.id}, {"journals", begun.journals}},
        fmt::format(
            "{}\n{} journals written down. Take the backup now; when it was restored somewhere and "
            "found good: tapline-central backup mark-verified {}\n",
            begun.id,
            begun.journals,
            begun.id
        )
    );
}

void mark_verified(const Context& context, const std::string& id) {
    pg::Session session(context.connect_options());
    const auto moved = fleet::mark_backup_verified(session, id, revision::who());
    print(
        context,
        {{"backup", id}, {"moved", moved}},
        fmt::format("{} is verified; {} journals may be pruned further than before\n", id, moved)
    );
}

void list(const Context& context) {
    pg::Session session(context.connect_options());
    Json json = Json::array();
    std::string text;
    for (const auto& one : fleet::list_backups(session)) {
        json.push_back(
            {{"backup", one.id},
             {"begun_at", one.begun_at},
             {"begun_by", one.begun_by},
             {"note", one.note},
             {"verified_at", one.verified_at},
             {"verified_by", one.verified_by},
             {"journals", one.journals}}
        );
        text += fmt::format(
            "{}  begun {} by {}  {}{}\n",
            one.id,
            one.begun_at,
            one.begun_by,
            one.verified_at.empty()
                ? "not verified"
                : fmt::format("verified {} by {}", one.verified_at, one.verified_by),
            one.note.empty() ? "" : "  " + one.note
        );
    }
    print(context, {{"backups", json}}, text.empty() ? "no backups\n" : text);
}

}  // namespace

void add_backup_verbs(CLI::App& app, Context& context) {
    CLI::App* family =
        app.add_subcommand("backup", "which backups are verified: devices prune by it");
    family->require_subcommand(1);
    family->footer(
        "Examples:\n  tapline-central backup begin --note 'nightly'\n"
        "  pg_dump -Fc -f bar.dump && (restore it elsewhere, look)\n"
        "  tapline-central backup mark-verified 20261120T031500-9f3c2a10"
    );
    const auto note = std::make_shared<std::string>();
    CLI::App* verb = family->add_subcommand("begin", "write the cursors down, before the backup");
    add_common_options(*verb, context);
    verb->add_option("--note", *note, "where it will be");
    verb->callback([&context, note] { begin(context, *note); });

    const auto id = std::make_shared<std::string>();
    verb = family->add_subcommand("mark-verified", "this backup was restored and found good");
    add_common_options(*verb, context);
    verb->add_option("id", *id, "as `backup begin` printed it")->required();
    verb->callback([&context, id] { mark_verified(context, *id); });

    verb = family->add_subcommand("list", "what was begun and verified");
    add_common_options(*verb, context);
    verb->callback([&context] { list(context); });
}

}  // namespace tapline::cli
