// fleet: the controllers as they last reported, and who a contract would wait for.
#include <algorithm>
#include <map>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "central/cli/fleet_text.hpp"
#include "central/cli/revision_options.hpp"
#include "central/compat/blockers.hpp"
#include "central/fleet/overview.hpp"
#include "central/hold/hold.hpp"
#include "central/revision/fleet_gate.hpp"
#include "common/error.hpp"
#include "common/log.hpp"

namespace tapline::cli {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t mib = 1024 * 1024;
constexpr std::int64_t seconds_per_hour = 3'600;

struct CompatOptions {
    std::string revision;
    RevisionOptions files;
};

/// Of journals whose room is known.
std::map<std::string, std::int64_t> buffer_seconds(pg::Session& session) {
    std::map<std::string, std::int64_t> by_journal;
    for (const hold::Keeper& one : hold::keepers(session)) {
        if (one.buffer_seconds) {
            by_journal[one.journal] = *one.buffer_seconds;
        }
    }
    return by_journal;
}

Json line_json(const fleet::FleetLine& one, std::optional<std::int64_t> buffer_s) {
    const bool journal = !one.journal_id.empty();
    const auto known = [journal](auto value) { return journal ? Json(value) : Json(nullptr); };
    return {
        {"controller", one.controller},
        {"status", one.status},
        {"agent_version", one.agent_version},
        {"last_seen", one.last_seen ? Json(*one.last_seen) : Json(nullptr)},
        {"journal", known(one.journal_id)},
        {"revision", known(one.revision)},
        {"oldest_unacked", known(one.oldest_unacked)},
        {"depth", known(one.depth)},
        {"free_bytes", one.free_bytes > 0 ? Json(one.free_bytes) : Json(nullptr)},
        {"buffer_s", buffer_s ? Json(*buffer_s) : Json(nullptr)}};
}

std::string line_text(const fleet::FleetLine& one, std::optional<std::int64_t> buffer_s) {
    const bool journal = !one.journal_id.empty();
    std::string room = one.free_bytes > 0 ? fmt::format("{} MiB", one.free_bytes / mib) : "-";
    if (buffer_s) {
        room += fmt::format(", {} h", *buffer_s / seconds_per_hour);
    }
    return fmt::format(
        "{:<20} {:<9} {:<10} {:<9} {:<9} {:>7}  {:<20}  {}\n",
        one.controller,
        one.status,
        one.agent_version.empty() ? "-" : one.agent_version,
        journal ? one.revision : "-",
        journal && one.depth > 0 ? one.oldest_unacked : "-",
        journal ? fmt::format("{}", one.depth) : "-",
        one.last_seen.value_or("never"),
        room
    );
}

void list(const Context& context) {
    pg::Session session(context.connect_options());
    const auto terms = fleet::journal_terms(session);
    const auto buffers = buffer_seconds(session);
    Json lines = Json::array();
    std::string text = fmt::format(
        "{:<20} {:<9} {:<10} {:<9} {:<9} {:>7}  {:<20}  {}\n",
        "CONTROLLER",
        "STATUS",
        "AGENT",
        "JOURNAL",
        "OLDEST",
        "WAITING",
        "LAST SEEN",
        "ROOM"
    );
    for (const fleet::FleetLine& one : fleet::overview(session)) {
        const auto buffer = buffers.find(one.journal_id);
        const auto seconds =
            buffer == buffers.end() ? std::optional<std::int64_t>() : std::optional(buffer->second);
        lines.push_back(line_json(one, seconds));
        text += line_text(one, seconds);
    }
    const Json minimum = terms.minimum.empty() ? Json(nullptr) : Json(terms.minimum);
    text += fmt::format(
        "central settles journals at {}{}\n",
        fmt::join(terms.known, ", "),
        terms.minimum.empty()
            ? ""
            : fmt::format("; from {} on, which {} has fixed", terms.minimum, terms.contract)
    );
    print(
        context,
        {{"fleet", lines}, {"journal_revisions", terms.known}, {"journal_minimum", minimum}},
        lines.empty() ? "no controllers\n" : text
    );
}

/// What REV asks of journals: itself, or what the contract of that name requires.
std::string required_by(const fleet::JournalTerms& terms, const CompatOptions& options) {
    const auto& known = terms.known;
    if (std::find(known.begin(), known.end(), options.revision) != known.end()) {
        return options.revision;
    }
    for (const revision::DatabaseLineage& one : options.files.load()) {
        for (const revision::Revision& each : one.lineage.revisions()) {
            const auto contract = revision::contract_of(one.name, each);
            if (!contract || each.id != options.revision) {
                continue;
            }
            if (std::find(known.begin(), known.end(), contract->journal) == known.end()) {
                throw Error(
                    ErrorKind::refused,
                    "journal_unknown",
                    fmt::format(
                        "{} requires journals at {}, which this central can't settle",
                        each.id,
                        contract->journal
                    ),
                    fmt::format("it can: {}", fmt::join(known, ", "))
                );
            }
            return contract->journal;
        }
    }
    throw Error(
        ErrorKind::usage,
        "not_found",
        fmt::format(
            "{} is neither a journal revision that central settles nor a contract with `Requires "
            "Journal`",
            printable(options.revision, 80)
        ),
        fmt::format(
            "journal revisions: {}; for files of your own add --dir", fmt::join(known, ", ")
        )
    );
}

void compat_of(Context& context, const CompatOptions& options) {
    pg::Session session(context.connect_options());
    const std::string required = required_by(fleet::journal_terms(session), options);
    const auto found = compat::blockers(session, required);
    print(
        context,
        {{"revision", options.revision},
         {"requires_journal", required},
         {"blockers", blockers_json(found)}},
        found.empty() ? fmt::format("nobody writes or keeps pours from before {}\n", required)
                      : fmt::format(
                            "{}{} in the way of {}; `tapline-central controllers retire NAME "
                            "--reason WHY` writes one off\n",
                            blockers_text(found),
                            found.size(),
                            required
                        )
    );
    context.exit_code = found.empty() ? 0 : 1;
}

}  // namespace

void add_fleet_verbs(CLI::App& app, Context& context) {
    CLI::App* family = app.add_subcommand("fleet", "the controllers, as they last reported");
    add_common_options(*family, context);
    family->require_subcommand(0, 1);
    family->footer(
        "OLDEST: the revision of the oldest pour that isn't acked yet. ROOM: free space, and how "
        "long it lasts.\n"
        "Examples:\n  tapline-central fleet\n  tapline-central fleet compat j0001"
    );
    const auto options = std::make_shared<CompatOptions>();
    CLI::App* verb = add_revision_verb(
        *family, context, "compat", "who a contract would wait for; 1 when somebody", options->files
    );
    add_database_options(*verb, context);
    verb->add_option("revision", options->revision, "a contract's id, or a journal revision")
        ->required();
    verb->callback([&context, options] { compat_of(context, *options); });
    family->callback([&context, family] {
        if (family->get_subcommands().empty()) {
            list(context);
        }
    });
}

}  // namespace tapline::cli
