// revision and merge: they write a new revision file and change no database.
#include <memory>
#include <random>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "central/cli/revision_autogenerate.hpp"
#include "central/cli/revision_file.hpp"
#include "central/cli/revision_options.hpp"
#include "common/clock.hpp"
#include "common/error.hpp"
#include "common/revision/compose.hpp"

namespace tapline::cli {

namespace {

namespace fs = std::filesystem;
using revision::Lineage;
using revision::NewRevision;

constexpr const char* default_directory = "migrations/postgres";

struct NewOptions : RevisionOptions {
    std::string message;
    std::vector<std::string> labels;
    std::vector<std::string> depends_on;
    std::string id;
    std::string phase = "expand";
    std::string irreversible;
    std::string sql_file;
    std::string downgrade_file;
    std::string from;
    bool splice = false;
    bool autogenerate = false;
};

using Options = std::shared_ptr<NewOptions>;

/// The lineage that gets the file, the ids that it may depend on elsewhere, and where it is.
struct Place {
    Lineage lineage;
    revision::IdSet elsewhere;
    fs::path root;
    fs::path directory;
    revision::LineageName name = revision::LineageName::app;
    revision::LineageSet below;  ///< lineages that this one stands on
};

Place find_place(const NewOptions& options) {
    Place place;
    if (!options.lineage.empty()) {
        place.name = revision::parse_lineage_name(options.lineage);
    }
    const std::string root = options.directory.empty() ? default_directory : options.directory;
    place.root = root;
    place.directory = lineage_directory(root, place.name);
    revision::LineageOptions load;
    load.directory = root;
    load.only = place.name;
    if (place.name == revision::LineageName::tapline) {
        revision::LineageOptions app = load;
        app.only = revision::LineageName::app;
        if (!fs::is_directory(root + "/app")) {
            app.directory.reset();
        }
        place.below = revision::load_lineages(app);
        for (const auto& each : place.below.front().lineage.revisions()) {
            place.elsewhere.insert(each.id);
        }
    }
    place.lineage = std::move(revision::load_lineages(load).front().lineage);
    return place;
}

/// 12 hex digits that no revision has.
std::string fresh_id(const Lineage& lineage) {
    std::random_device device;
    std::string id;
    while (id.empty() || lineage.find(id) != nullptr) {
        const std::uint64_t high = device();
        id = fmt::format("{:012x}", (high << 32 | device()) & 0xffff'ffff'ffffULL);
    }
    return id;
}

revision::Phase parse_phase(const std::string& text) {
    for (const auto phase :
         {revision::Phase::expand, revision::Phase::migrate, revision::Phase::contract}) {
        if (text == revision::to_string(phase)) {
            return phase;
        }
    }
    throw Error(
        ErrorKind::usage,
        "unknown_phase",
        fmt::format("there is no phase '{}'", text),
        "write --phase expand, migrate or contract"
    );
}

void check_labels(const std::vector<std::string>& labels) {
    for (const std::string& label : labels) {
        if (!revision::is_branch_label(label)) {
            throw Error(
                ErrorKind::usage,
                "bad_label",
                fmt::format("'{}' can't be a branch label", label),
                "a label is 1 to 64 of 0-9 A-Z a-z _ . -, and not head, heads or base"
            );
        }
    }
}

NewRevision draft(const NewOptions& options, const Place& place) {
    check_labels(options.labels);
    NewRevision fresh;
    fresh.id = options.id.empty() ? fresh_id(place.lineage) : options.id;
    fresh.revises = revision::parents_for(place.lineage, options.targets, options.splice);
    fresh.message = options.message;
    fresh.branch_labels = options.labels;
    fresh.depends_on =
        revision::dependencies_for(place.lineage, options.depends_on, place.elsewhere);
    fresh.create_date = format_utc(SystemClock().now_utc()).substr(0, 10);
    fresh.phase = parse_phase(options.phase);
    if (!options.irreversible.empty()) {
        fresh.irreversible = options.irreversible;
    }
    if (!options.sql_file.empty()) {
        fresh.sql = read_file(options.sql_file, revision::max_file_bytes);
    }
    if (!options.downgrade_file.empty()) {
        fresh.downgrade_sql = read_file(options.downgrade_file, revision::max_file_bytes);
    }
    return fresh;
}

nlohmann::ordered_json described(
    const Place& place, const NewRevision& fresh, const std::string& path
) {
    return {
        {"id", fresh.id},
        {"revises", fresh.revises},
        {"labels", fresh.branch_labels},
        {"depends_on", fresh.depends_on},
        {"phase", revision::to_string(fresh.phase)},
        {"message", fresh.message},
        {"lineage", revision::to_string(place.name)},
        {"file", path}};
}

/// Refuses what the directory couldn't be loaded with, before anything is written.
void write(const Context& context, const Place& place, const NewRevision& fresh) {
    const revision::SourceFile file = revision::compose(fresh);
    std::vector<revision::Revision> all = place.lineage.revisions();
    all.push_back(revision::parse(file, fresh.dialect));
    (void)Lineage(std::move(all), place.elsewhere);
    write_new_file(place.directory, file.name, file.bytes);
    const std::string path = (place.directory / file.name).string();
    print(context, described(place, fresh, path), path + "\n");
}

/// All files or none.
void write_all(const Place& place, const std::vector<draft::DraftFile>& files) {
    std::vector<revision::Revision> all = place.lineage.revisions();
    for (const draft::DraftFile& each : files) {
        all.push_back(each.read);
    }
    (void)Lineage(std::move(all), place.elsewhere);
    std::vector<fs::path> written;
    try {
        for (const draft::DraftFile& each : files) {
            write_new_file(place.directory, each.file.name, each.file.bytes);
            written.push_back(place.directory / each.file.name);
        }
    } catch (const Error&) {
        std::error_code ignored;
        for (const fs::path& path : written) {
            fs::remove(path, ignored);
        }
        throw;
    }
}

void report(const Context& context, const Place& place, const Autogenerated& result) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    std::string text = fmt::format("compared with {}\n", result.wanted);
    for (const draft::DraftFile& each : result.draft.files) {
        const std::string path = (place.directory / each.file.name).string();
        nlohmann::ordered_json one = described(place, each.revision, path);
        one["written"] = nlohmann::ordered_json::array();
        one["proposed"] = nlohmann::ordered_json::array();
        text += path + "\n";
        for (const std::size_t index : each.page.items) {
            const draft::Item& item = result.draft.items[index];
            if (item.proposed()) {
                one["proposed"].push_back({{"object", item.object}, {"decide", item.decide}});
                text += fmt::format("  to decide  {}: {}\n", item.object, item.decide);
            } else {
                one["written"].push_back({{"object", item.object}});
                text += fmt::format("  written    {}\n", item.object);
            }
        }
        list.push_back(std::move(one));
    }
    if (list.empty()) {
        text += "no difference: no file is written\n";
    } else if (!result.tried) {
        text += "not tried: this role may not create a scratch database\n";
    }
    print(
        context, {{"compared", result.wanted}, {"tried", result.tried}, {"revisions", list}}, text
    );
}

void draft_and_write(const Context& context, const NewOptions& options, const Place& place) {
    if (!options.sql_file.empty() || !options.downgrade_file.empty() ||
        !options.irreversible.empty()) {
        throw Error(
            ErrorKind::usage,
            "autogenerate",
            "--autogenerate writes the SQL itself",
            "leave --sql, --downgrade-sql and --irreversible out, and edit the file afterwards"
        );
    }
    AutogenerateInput input;
    input.first = draft(options, place);
    input.set = place.below;
    input.part = input.set.size();
    input.set.push_back({place.name, place.lineage});
    input.root = place.root;
    input.from = options.from;
    input.fresh_id = [&, count = 1]() mutable {
        const std::string next = fmt::format("{}_{}", options.id, ++count);
        const bool fits = !options.id.empty() && revision::is_revision_id(next);
        return fits && place.lineage.find(next) == nullptr ? next : fresh_id(place.lineage);
    };
    const Autogenerated result = autogenerate(context, input);
    write_all(place, result.draft.files);
    report(context, place, result);
}

void merge(const Context& context, NewOptions& options) {
    const Place place = find_place(options);
    if (options.show_steps) {
        const std::vector<std::string> revises =
            revision::parents_for(place.lineage, options.targets, false);
        print(
            context, {{"revises", revises}}, fmt::format("merges {}\n", fmt::join(revises, ", "))
        );
        return;
    }
    NewRevision fresh = draft(options, place);
    if (fresh.revises.empty()) {
        throw Error(
            ErrorKind::usage,
            "not_a_head",
            fmt::format("{} names no revision to merge", fmt::join(options.targets, " ")),
            "name the heads, or write 'heads'"
        );
    }
    if (fresh.message.empty()) {
        fresh.message = fmt::format("merge {}", fmt::join(fresh.revises, " and "));
    }
    write(context, place, fresh);
}

CLI::App* add_new_verb(
    CLI::App& app, Context& context, const char* name, const char* help, const Options& options
) {
    CLI::App* verb = add_revision_verb(app, context, name, help, *options);
    verb->add_option("-m,--message", options->message, "what it does, in a few words");
    verb->add_option("--branch-label", options->labels, "a name for the branch; may be repeated")
        ->type_name("LABEL")
        ->allow_extra_args(false);
    verb->add_option("--rev-id", options->id, "instead of 12 random hex digits")->type_name("ID");
    return verb;
}

void add_revision_verb_itself(CLI::App& app, Context& context) {
    const auto options = std::make_shared<NewOptions>();
    CLI::App* verb = add_new_verb(app, context, "revision", "write a new revision file", options);
    verb->get_option("--message")->required();
    options->targets = {"head"};
    verb->add_option("--head", options->targets, "what it revises: an id, label@head, base")
        ->type_name("HEAD")
        ->allow_extra_args(false);
    verb->add_option("--depends-on", options->depends_on, "must be applied before; may be repeated")
        ->type_name("ID")
        ->allow_extra_args(false);
    verb->add_flag("--splice", options->splice, "let --head be one that has children");
    verb->add_option("--phase", options->phase, "expand, migrate or contract")->type_name("PHASE");
    verb->add_option(
            "--sql", options->sql_file, "SQL of the upgrade, or of both sections; - is stdin"
    )
        ->type_name("FILE");
    verb->add_option("--downgrade-sql", options->downgrade_file, "SQL of the downgrade")
        ->type_name("FILE");
    verb->add_option("--irreversible", options->irreversible, "why there is no way back")
        ->type_name("WHY");
    verb->add_flag(
        "--autogenerate",
        options->autogenerate,
        "draft it from the difference between the database and the head"
    );
    verb->add_option("--from", options->from, "draft from this file of SQL; - is stdin")
        ->type_name("FILE");
    add_database_options(*verb, context);
    verb->footer(
        "Examples:\n  tapline-central revision -m \"add a tip column\"\n"
        "  tapline-central revision -m \"what I tried\" --autogenerate\n"
        "  tapline-central revision -m \"the new schema\" --from schema.sql\n"
        "  tapline-central revision -m \"visits begin\" --head base --branch-label visits\n"
        "  tapline-central revision -m \"tips\" --sql tips.sql --dir DIR"
    );
    verb->callback([&context, options] {
        const Place place = find_place(*options);
        if (options->autogenerate || !options->from.empty()) {
            draft_and_write(context, *options, place);
        } else {
            write(context, place, draft(*options, place));
        }
    });
}

void add_merge_verb(CLI::App& app, Context& context) {
    const auto options = std::make_shared<NewOptions>();
    CLI::App* verb = add_new_verb(
        app, context, "merge", "write a revision that joins heads and changes nothing", options
    );
    verb->add_option("revisions", options->targets, "heads; 'heads' for all")->required();
    verb->add_flag("--show-steps", options->show_steps, "print what it would join, write nothing");
    verb->footer("Example:\n  tapline-central merge heads -m \"visits and tips\"");
    verb->callback([&context, options] { merge(context, *options); });
}

}  // namespace

void add_new_verbs(CLI::App& app, Context& context) {
    add_revision_verb_itself(app, context);
    add_merge_verb(app, context);
}

}  // namespace tapline::cli
